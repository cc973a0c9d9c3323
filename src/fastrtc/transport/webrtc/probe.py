"""A client that connects to a server as a browser does, and measures the connection."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.diagnosis import CandidateInfo, CheckInfo
from ...core.rates import FRAME_S
from ._aiortc.ice_state import candidate_info, local_candidates, measure_round_trip, read_ice
from .client_peer import RATE, ClientPeer, receives

__all__ = ["Probe"]

FPS = 15
SIZE = (240, 320)

MAX_TCP = 8
"""TCP candidates of the server whose ports are tried."""


class Probe(ClientPeer):
    """A client that sends silence and black pictures.

    Args:
        kinds: The kinds of tracks to send: ``"audio"``, ``"video"``.
        configuration: The client's ICE servers, in the format of browsers; None for none.
    """

    def __init__(self, kinds: Collection[str], configuration: Mapping[str, Any] | None) -> None:
        self._arrived = {"audio": asyncio.Event(), "video": asyncio.Event()}
        media = _Arrivals(self._arrived)
        super().__init__(kinds, "send-receive", configuration, RATE, media, lambda lost: None)
        if "audio" in kinds:
            self._run(self._send_silence())
        if "video" in kinds:
            self._run(self._send_black())

    async def connect(self, answer: str, timeout_s: float) -> bool:
        """Apply the SDP of an answer; return whether the connection was established in time.

        Raises:
            ValueError: If the answer is malformed.
        """
        await self.accept(answer)
        with contextlib.suppress(asyncio.TimeoutError):
            return await asyncio.wait_for(self.established(), timeout_s)
        return False

    async def round_trip(self) -> float | None:
        """Return the round-trip time in seconds, or None if it cannot be measured."""
        return await measure_round_trip(self._pc)

    @property
    def receives(self) -> list[str]:
        """The kinds of media that the server sends."""
        return [t.kind for t in self._pc.getTransceivers() if receives(t)]

    async def first_media(self, kind: str, timeout_s: float) -> bool:
        """Return whether media of a kind arrives in time."""
        try:
            await asyncio.wait_for(self._arrived[kind].wait(), timeout_s)
        except asyncio.TimeoutError:
            return False
        return True

    async def open_tcp_port(self, timeout_s: float) -> CandidateInfo | None:
        """Return a TCP candidate of the server whose port accepts connections, or None."""
        tcp = [c for c in self.remote if c.transport == "tcp"][:MAX_TCP]
        opened = await asyncio.gather(*(_accepts(c.host, c.port, timeout_s) for c in tcp))
        return next((c for c, is_open in zip(tcp, opened, strict=True) if is_open), None)

    @property
    def local(self) -> tuple[CandidateInfo, ...]:
        """The candidates of this client."""
        return tuple(map(candidate_info, local_candidates(self._pc)))

    def checks(self) -> tuple[tuple[CheckInfo, ...], CheckInfo | None]:
        """Return the checks, and the selected pair or None."""
        state = read_ice(self._pc)
        return state.checks, state.selected

    async def _send_silence(self) -> None:
        while True:
            self.send_audio(np.zeros(round(RATE * FRAME_S), np.int16))
            await asyncio.sleep(FRAME_S)

    async def _send_black(self) -> None:
        while True:
            await self.send_video(np.zeros((*SIZE, 3), np.uint8))
            await asyncio.sleep(1 / FPS)


class _Arrivals:
    """Implement ``PeerEvents``: record the kinds of media that arrive."""

    def __init__(self, arrived: Mapping[str, asyncio.Event]) -> None:
        self._arrived = arrived

    def audio(self, rate: int, samples: NDArray[np.int16]) -> None:
        """Record that audio arrives."""
        self._arrived["audio"].set()

    def video(self, image: NDArray[np.uint8]) -> None:
        """Record that video arrives."""
        self._arrived["video"].set()

    def message(self, text: str) -> None:
        """Ignore messages."""


async def _accepts(host: str, port: int, timeout_s: float) -> bool:
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), timeout_s)
    except (OSError, asyncio.TimeoutError):
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True
