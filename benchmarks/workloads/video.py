"""480p through a function: cost, frame rate, lateness of the event loop, growth (row 9)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from benchmarks.client.media import VideoTrack, encode_vp8
from benchmarks.client.peer import Peer, decode_nothing
from benchmarks.client.server import Server
from benchmarks.workloads.base import Case, Goal, Metric, Sample, Workload

#: Until the encoder has its bit rate and the heap its size.
WARM_UP = 9.0
WINDOW = 10.0


async def measure(server: Server, options: Mapping[str, float]) -> Sample:
    """One session over a window, after a warm-up."""
    decode_nothing()
    peer = Peer(server, VideoTrack(encode_vp8(640, 480, VideoTrack.FPS)))
    await peer.connect()
    await server.set_input(peer.id)
    await asyncio.sleep(WARM_UP)
    held = await server.memory()
    await server.start_heartbeat()
    before = await server.calls()
    usage = await server.observe(WINDOW)
    after = await server.calls()
    lag = await server.stop_heartbeat()
    returned = sum(arrival.marker for arrival in peer.arrived(usage.began, usage.ended))
    grown = await server.memory() - held
    await peer.close()
    return {
        "server": usage.cores,
        "handled": (after.get("frames", 0) - before.get("frames", 0)) / usage.seconds,
        "returned": returned / usage.seconds,
        "loop lag p99": lag["p99"],
        "growth": grown / usage.seconds,
    }


_STEADY = {"loop lag p99": Goal(20), "growth": Goal(0.5)}

WORKLOAD = Workload(
    name="video",
    summary="640x480 at 30 fps through a function, a quick one and one that sleeps 200 ms",
    cases=(
        Case("flip", "flip", "flip", goals={**_STEADY, "returned": Goal(29, at_least=True)}),
        Case("200 ms, all frames", "slow-flip", goals=_STEADY),
        Case("200 ms, skip_frames", "slow-flip-skipping", goals=_STEADY),
    ),
    metrics=(
        Metric("server", "cores", 3),
        Metric("handled", "frames/s", 1),
        Metric("returned", "frames/s", 1),
        Metric("loop lag p99", "ms", 1),
        Metric("growth", "MB/s", 2, ratio=False),
    ),
    client=measure,
)
