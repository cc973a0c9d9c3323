"""Faults of the network and noise of the room, the same for the same seed. No I/O, no clock."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Network", "Room"]


@dataclass(frozen=True)
class Network:
    """The faults of a network, the same for the same seed.

    Attributes:
        loss: Share of packets that are lost, 0 to 1.
        jitter_ms: Packets are delayed by up to this, in milliseconds.
        reorder: Share of packets that arrive after the next one, 0 to 1.
        outage: Start and length of an outage in seconds, in which all packets are lost; or None.
        seed: Seed of the random numbers.

    Raises:
        ValueError: If a value is out of range; the message names it.
    """

    loss: float = 0.0
    jitter_ms: float = 0.0
    reorder: float = 0.0
    outage: tuple[float, float] | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Validate the values."""
        for name in ("loss", "reorder"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ValueError(f"{name} must be a share from 0 to 1, not {value!r}")
        if not 0 <= self.jitter_ms < math.inf:
            raise ValueError(f"jitter_ms must be at least 0, not {self.jitter_ms!r}")
        if self.outage is not None and (len(self.outage) != 2 or min(self.outage) < 0):
            raise ValueError(f"outage must be (start_s, length_s), not {self.outage!r}")

    @property
    def perfect(self) -> bool:
        """Whether nothing happens to any packet."""
        return not (self.loss or self.jitter_ms or self.reorder or self.outage)

    def path(self, name: str) -> Path:
        """Return the path of packets in one direction.

        Args:
            name: Its name, such as ``"to the server"``; paths of different names have different
                random numbers.
        """
        return Path(self, name)


class Path:
    """The path of the packets of one direction; see ``Network``."""

    def __init__(self, network: Network, name: str) -> None:
        self._network = network
        self._random = random.Random(f"{network.seed} {name}")

    def arrival_s(self, sent_s: float, interval_s: float = 0.02) -> float | None:
        """Return when a packet arrives, or None if it is lost.

        Args:
            sent_s: When it is sent, in seconds since the line was opened.
            interval_s: The interval of packets, in seconds.
        """
        network = self._network
        lost, late, jitter = (self._random.random() for _ in range(3))  # always as many
        if lost < network.loss:
            return None
        if network.outage is not None:
            start_s, length_s = network.outage
            if start_s <= sent_s < start_s + length_s:
                return None
        delay_s = jitter * network.jitter_ms / 1000
        if late < network.reorder:
            delay_s += 1.5 * interval_s
        return sent_s + delay_s


class Room:
    """The room of the caller: adds noise to what the microphone hears.

    Args:
        noise_db: Level of white noise in dB below full scale (RMS), such as -40; None for none.
        seed: Seed of the random numbers.

    Raises:
        ValueError: If the level is above 0.
    """

    def __init__(self, noise_db: float | None = None, seed: int = 0) -> None:
        if noise_db is not None and not noise_db <= 0:
            raise ValueError(f"noise_db must be at most 0 (full scale), not {noise_db!r}")
        self._level = 0.0 if noise_db is None else 32767 * 10 ** (noise_db / 20)
        self._random = np.random.default_rng(seed)

    def add_noise(self, frame: NDArray[np.int16]) -> NDArray[np.int16]:
        """Return a frame of the microphone, with the noise of the room."""
        if not self._level:
            return frame
        noise = self._random.normal(0.0, self._level, len(frame))
        return np.clip(frame + noise, -32768, 32767).astype(np.int16)
