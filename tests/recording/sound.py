"""Sounds to place, and where they are in a recording."""

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from fastrtc.recording.events import Played
from fastrtc.recording.track import RATE, Block, Span

__all__ = ["RATE", "block", "clicks", "gaps", "noise", "on_time", "onsets", "read", "tone"]


def tone(seconds: float, frequency: float = 400.0, rate: int = RATE) -> NDArray[np.int16]:
    t = np.arange(round(seconds * rate)) / rate
    return (8000 * np.sin(2 * np.pi * frequency * t)).astype(np.int16)


def noise(n: int, seed: int = 1) -> NDArray[np.int16]:
    return np.random.default_rng(seed).integers(-8000, 8000, n).astype(np.int16)


def clicks(seconds: float, every_s: float, rate: int = RATE) -> NDArray[np.int16]:
    """Silence with a click of 2 ms at each interval, the first one after an interval."""
    samples = np.zeros(round(seconds * rate), np.int16)
    for start in np.arange(every_s, seconds, every_s):
        begin = round(start * rate)
        samples[begin : begin + rate // 500] = 12_000
    return samples


def on_time(due_s: float, rate: int, samples: NDArray[np.int16]) -> Played:
    """Audio that is sent when it is due, over WebRTC."""
    return Played(due_s, due_s, True, rate, samples)


def block(
    received: NDArray[np.int16], played: NDArray[np.int16], rates: tuple[int, int] = (RATE, RATE)
) -> Block:
    """Audio of both sides."""
    return Block(Span.from_samples(received), Span.from_samples(played), rates)


def onsets(samples: NDArray[np.int16], pause_s: float = 0.3) -> list[float]:
    """When sounds begin, after a pause, in seconds."""
    loud = np.flatnonzero(np.abs(samples.astype(int)) > 2000)
    if not loud.size:
        return []
    first = np.concatenate(([True], np.diff(loud) > pause_s * RATE))
    return (loud[first] / RATE).tolist()


def gaps(samples: NDArray[np.int16]) -> list[float]:
    """How long each silence of more than 2 ms between sounds is, in seconds."""
    silent = np.diff(np.flatnonzero(samples)) / RATE
    return silent[silent > 0.002].tolist()


def read(path: Path) -> NDArray[np.int16]:
    """The samples of a recording, shape `(2, n)`, as a player reads it."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="s16p", layout="stereo", rate=RATE)
        blocks = []
        for frame in container.decode(audio=0):
            blocks += [out.to_ndarray() for out in resampler.resample(frame)]
        blocks += [out.to_ndarray() for out in resampler.resample(None)]
    return np.concatenate(blocks, axis=1)
