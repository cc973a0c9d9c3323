"""How late the echo is: chirps sent into quiet noise, found again in what comes back.

A delay runs from the sample's place in the frame that the client sends to its place in the frame
that its track returns: both jitter buffers, both codecs and the handler are in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping

import numpy as np
from aiortc import MediaStreamTrack

from benchmarks.client.media import AUDIO_RATE, FRAME, AudioTrack, encode_opus
from benchmarks.client.peer import Peer
from benchmarks.client.server import Server
from benchmarks.workloads.base import Case, Goal, Metric, Sample, Workload

WARM_UP = 2.0
WINDOW = 10.0
#: Longer than any delay, so that one chirp is not taken for another.
SPACING = 0.8
SEARCH = 0.75
#: Normalised correlation below which a chirp counts as lost.
FOUND = 0.5


def _chirp() -> np.ndarray:
    moment = np.arange(int(0.04 * AUDIO_RATE)) / AUDIO_RATE
    sweep = np.sin(2 * np.pi * (400 * moment + 45_000 * moment**2))
    return (12_000 * np.hanning(moment.size) * sweep).astype(np.float64)


def _script(chirp: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """The whole sound to send, and where its chirps begin: anywhere in a frame."""
    rng = np.random.default_rng(2)
    sound = rng.normal(0, 20, int((WARM_UP + WINDOW + 1) * AUDIO_RATE))
    starts = []
    place = WARM_UP
    while place < WARM_UP + WINDOW - SPACING:
        start = int(place * AUDIO_RATE)
        sound[start : start + chirp.size] += chirp
        starts.append(start)
        place += SPACING + rng.uniform(0, 0.04)
    return sound.astype(np.int16), starts


class _Recording:
    """Decoded frames with the moments at which the track returned them."""

    def __init__(self) -> None:
        self.moments: list[float] = []
        self.frames: list[np.ndarray] = []

    async def listen(self, track: MediaStreamTrack) -> None:
        while True:
            frame = await track.recv()
            self.moments.append(time.monotonic())
            self.frames.append(frame.to_ndarray()[0, ::2].astype(np.float64))

    def find(self, chirp: np.ndarray, since: float) -> float | None:
        """When the chirp began in what came back within `SEARCH` of `since`."""
        chosen = [index for index, at in enumerate(self.moments) if since <= at < since + SEARCH]
        if not chosen:
            return None
        sound = np.concatenate([self.frames[index] for index in chosen])
        if sound.size < chirp.size:
            return None
        overlap = np.correlate(sound, chirp, "valid")
        best = int(np.argmax(np.abs(overlap)))
        heard = sound[best : best + chirp.size]
        norm = np.linalg.norm(heard) * np.linalg.norm(chirp)
        if not norm or abs(overlap[best]) / norm < FOUND:
            return None
        place = 0
        for index in chosen:
            size = self.frames[index].size
            if best < place + size:
                return self.moments[index] + (best - place) / AUDIO_RATE
            place += size
        return None


async def measure(server: Server, options: Mapping[str, float]) -> Sample:
    """Median and 95th percentile of the chirps' delays."""
    chirp = _chirp()
    sound, starts = _script(chirp)
    track = AudioTrack(encode_opus(sound))
    peer = Peer(server, track)
    await peer.connect()
    assert peer.remote is not None
    recording = _Recording()
    listening = asyncio.create_task(recording.listen(peer.remote))
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(asyncio.shield(listening), WARM_UP + WINDOW)
    listening.cancel()
    delays = []
    for start in starts:
        sent = track.times[start // FRAME] + (start % FRAME) / AUDIO_RATE
        heard = recording.find(chirp, sent)
        if heard is not None:
            delays.append(heard - sent)
    if not delays:
        raise RuntimeError(f"none of {len(starts)} chirps came back")
    await peer.close()
    return {
        "median": 1000 * float(np.median(delays)),
        "p95": 1000 * float(np.percentile(delays, 95)),
        "lost": float(len(starts) - len(delays)),
    }


#: 0.13 s and 0.14 s were asked for where aiortc alone takes 0.16 s.
_WAITING = Goal(130, times_aiortc=0.81)
_POLLING = Goal(140, times_aiortc=0.88)

WORKLOAD = Workload(
    name="roundtrip",
    summary="delay of the echo as a client hears it, both jitter buffers included",
    cases=(
        Case("sync, emit waits", "echo-blocking", "return", goals={"median": _WAITING}, rounds=1),
        Case("sync, emit polls", "echo-polling", "return", goals={"median": _POLLING}, rounds=1),
        Case("async", "echo-async", "return", goals={"median": _WAITING}, long=True),
    ),
    metrics=(
        Metric("median", "ms", 0),
        Metric("p95", "ms", 0),
        Metric("lost", "chirps", 0, ratio=False),
    ),
    client=measure,
)
