"""Audio that fills a silence, repeated until other audio takes its place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..audio.convert import to_int16
from ..core.errors import HandlerError
from ..core.types import AudioFrameType
from .audio_output import check_output
from .outbound import AudioOutbound

__all__ = ["FADE_S", "Filler", "Loop", "check_sound"]

FADE_S = 0.02
"""How long the beginning and the end fade, in seconds: shorter is a click."""

MIN_S = 0.1
"""The shortest audio that may be repeated, in seconds."""

STEP_S = 0.02
"""How often audio is queued, in seconds."""

AHEAD_S = 0.04
"""How much audio is queued at each step, in seconds: what is queued next waits for it."""

AHEAD_OF_CLIENT_S = 0.08
"""The same for clients that have a buffer and need one, over sockets."""


class Loop:
    """Repeat audio, with a gradual beginning and end. No I/O, no clock.

    Args:
        rate: Sample rate in Hz.
        samples: Shape ``(channels, n)``, of any real dtype.
    """

    def __init__(self, rate: int, samples: NDArray[Any]) -> None:
        self.rate = rate
        self._samples = to_int16(samples)
        self._given = 0

    def next(self, seconds: float) -> NDArray[np.int16]:
        """Return the next samples, shape ``(channels, n)``."""
        size = round(seconds * self.rate)
        block = self._cut(self._given, size)
        fade = round(FADE_S * self.rate)
        if self._given < fade:
            ramp = np.minimum(1.0, np.arange(self._given, self._given + size) / fade)
            block = (block * ramp).astype(np.int16)
        self._given += size
        return block

    def end(self) -> NDArray[np.int16]:
        """Return the end, which follows the samples so far."""
        fade = round(FADE_S * self.rate)
        ramp = np.arange(fade, 0, -1) / (fade + 1)
        block = self._cut(self._given, fade) * ramp
        return block.astype(np.int16)

    def _cut(self, start: int, size: int) -> NDArray[np.int16]:
        indexes = np.arange(start, start + size) % self._samples.shape[1]
        return self._samples[:, indexes]


class Filler:
    """Queue audio to fill a silence, shortly before it is played; on the event loop.

    Args:
        audio_out: Where the audio is queued.
        unplayed_s: Returns how much queued audio was not played, in seconds.

    Attributes:
        unplayed_s: See above; a transport whose client has a buffer replaces it.
    """

    def __init__(self, audio_out: AudioOutbound, unplayed_s: Callable[[], float]) -> None:
        self.unplayed_s = unplayed_s
        self._audio_out = audio_out
        self._loop: Loop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._pushed_s = 0.0  # by all, as of the last step

    @property
    def active(self) -> bool:
        """Whether it fills the silence now, and nothing else is queued."""
        playout = self._audio_out.playout
        return self._loop is not None and playout is not None and playout.pushed_s == self._pushed_s

    def start(self, rate: int, samples: NDArray[Any]) -> None:
        """Begin, if nothing is queued.

        Args:
            rate: Sample rate in Hz.
            samples: Shape ``(channels, n)``.
        """
        playout = self._audio_out.playout
        if playout is None or self._loop is not None or self.unplayed_s() > 0:
            return
        self._pushed_s = playout.pushed_s
        self._loop = Loop(rate, samples)
        self._step()

    def _step(self) -> None:
        playout, loop = self._audio_out.playout, self._loop
        if playout is None or loop is None or not self.active:
            self.forget()
            return
        ahead_s = AHEAD_OF_CLIENT_S if playout.options.lead_s else AHEAD_S
        while self.unplayed_s() < ahead_s:
            self._audio_out.push(loop.rate, loop.next(STEP_S))
            self._pushed_s = playout.pushed_s
        self._timer = asyncio.get_running_loop().call_later(STEP_S, self._step)

    def stop(self) -> None:
        """End with a short fade: what is queued next is played then."""
        loop = self._loop if self.active else None
        self.forget()
        if loop is not None:
            self._audio_out.push(loop.rate, loop.end())

    def forget(self) -> None:
        """End at once: the queue was cleared."""
        self._loop = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def check_sound(audio: AudioFrameType | None) -> tuple[int, NDArray[np.int16]] | None:
    """Return audio to repeat as a sample rate and 16-bit samples of shape ``(channels, n)``.

    Raises:
        HandlerError: If it is not audio, or too short to be repeated.
    """
    if audio is None:
        return None
    rate, samples = check_output(audio)
    if samples.shape[1] < MIN_S * rate:
        raise HandlerError(f"while_thinking must be at least {MIN_S} s of audio")
    return rate, to_int16(samples)
