"""Video through a function: cost, frame rate, lateness of the event loop, growth (row 9)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from benchmarks.client.media import VideoTrack, encode_vp8
from benchmarks.client.peer import Peer, decode_nothing
from benchmarks.client.server import Server
from benchmarks.workloads.base import Case, Goal, Metric, Sample, Workload

#: Until the encoder has its bit rate and the heap its size.
WARM_UP = 5.0
WINDOW = 6.0
#: By the height of the picture.
WIDTHS = {480: 640, 720: 1280}


async def measure(server: Server, options: Mapping[str, float]) -> Sample:
    """One session over a window, after a warm-up."""
    decode_nothing()
    height = int(options["height"])
    peer = Peer(server, VideoTrack(encode_vp8(WIDTHS[height], height, VideoTrack.FPS)))
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
    growing = options.get("growing", WINDOW)
    await asyncio.sleep(growing - WINDOW)
    grown = await server.memory() - held
    await peer.close()
    return {
        "server": usage.cores,
        "handled": (after.get("frames", 0) - before.get("frames", 0)) / usage.seconds,
        "returned": returned / usage.seconds,
        "loop lag p99": lag["p99"],
        "growth": grown / growing,
    }


_STEADY = {"loop lag p99": Goal(20), "growth": Goal(0.5)}
_FLIP_GOALS = {**_STEADY, "returned": Goal(29, at_least=True)}
#: In a few seconds, what the heap takes and gives back would hide what gathers.
_480, _720 = {"height": 480, "growing": 25}, {"height": 720}

WORKLOAD = Workload(
    name="video",
    summary="30 fps through a function, a quick one and one that sleeps 200 ms",
    cases=(
        Case("flip, 480p", "flip", "flip", _480, _FLIP_GOALS, rounds=1),
        Case("flip, 720p", "flip", "flip", _720, rounds=1),
        Case("200 ms, all frames, 480p", "slow-flip", None, _480, _STEADY, rounds=1),
        Case("200 ms, skip_frames, 480p", "slow-flip-skipping", None, _480, _STEADY, long=True),
    ),
    metrics=(
        Metric("server", "cores", 3),
        Metric("handled", "frames/s", 1),
        Metric("returned", "frames/s", 1),
        Metric("loop lag p99", "ms", 1, row=9),
        Metric("growth", "MB/s", 2, ratio=False, row=9),
    ),
    client=measure,
)
