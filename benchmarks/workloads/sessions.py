"""How many talking sessions one process holds until 1% of frames are late (row 2)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence

import psutil

from benchmarks.client.media import AudioTrack, encode_opus, speech_like
from benchmarks.client.peer import Peer, decode_nothing
from benchmarks.client.server import Server, Usage
from benchmarks.workloads.base import Case, Metric, Sample, Workload

STEP = 4
MOST = 120
SETTLE = 2.0
WINDOW = 6.0
LATE = 0.100
ALLOWED = 0.01
FRAMES_PER_SECOND = 50


def _late_share(peers: Sequence[Peer], usage: Usage) -> float:
    """Share of the frames that came over 100 ms after the one before, or never."""
    expected = len(peers) * usage.seconds * FRAMES_PER_SECOND
    on_time = 0
    for peer in peers:
        moments = [arrival.moment for arrival in peer.arrived(usage.began, usage.ended)]
        on_time += sum(
            after - before <= LATE for before, after in zip(moments, moments[1:], strict=False)
        )
    # Each peer has one interval less than frames, and the window may cut off another.
    return max(0.0, 1 - (on_time + 2 * len(peers)) / expected)


async def measure(server: Server, options: Mapping[str, float]) -> Sample:
    """Adds four sessions at a time; reports the last step that was on time."""
    decode_nothing()
    packets = encode_opus(speech_like())
    client = psutil.Process()
    peers: list[Peer] = []
    sample = {"sessions": 0.0, "server": 0.0, "client": 0.0}
    while len(peers) < MOST:
        for _ in range(STEP):
            peer = Peer(server, AudioTrack(packets))
            await peer.connect()
            peers.append(peer)
        await asyncio.sleep(SETTLE)
        used, began = sum(client.cpu_times()[:2]), time.monotonic()
        usage = await server.observe(WINDOW)
        cores = (sum(client.cpu_times()[:2]) - used) / (time.monotonic() - began)
        if _late_share(peers, usage) > ALLOWED:
            break
        sample = {"sessions": float(len(peers)), "server": usage.cores, "client": cores}
    await asyncio.gather(*(peer.close() for peer in peers))
    return sample


WORKLOAD = Workload(
    name="sessions",
    summary="talking echo sessions per process until 1% of frames are over 100 ms late",
    cases=(
        Case("sync, emit waits", "echo-blocking", "return"),
        Case("async", "echo-async", "return"),
    ),
    metrics=(
        Metric("sessions", "held", 0),
        Metric("server", "cores", 2),
        Metric("client", "cores", 2, ratio=False),
    ),
    client=measure,
    long=True,
    limit=900,
)
