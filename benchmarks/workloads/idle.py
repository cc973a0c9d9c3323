"""What a session costs whose handler has nothing to say while the client talks (row 1)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from benchmarks.client.media import AudioTrack, encode_opus, speech_like
from benchmarks.client.peer import Peer, decode_nothing
from benchmarks.client.server import Server
from benchmarks.workloads.base import Case, Goal, Metric, Sample, Workload

WARM_UP = 2.0
WINDOW = 10.0


async def measure(server: Server, options: Mapping[str, float]) -> Sample:
    """Server CPU and calls of `emit` over a window of one session."""
    decode_nothing()
    peer = Peer(server, AudioTrack(encode_opus(speech_like())))
    await peer.connect()
    await asyncio.sleep(WARM_UP)
    before = await server.calls()
    usage = await server.observe(WINDOW)
    after = await server.calls()
    sample = {"server": usage.cores}
    if "emit" in after:
        sample["emit"] = (after["emit"] - before.get("emit", 0)) / usage.seconds
    await peer.close()
    return sample


_GOALS = {"server": Goal(times_aiortc=1.2), "emit": Goal(50)}

WORKLOAD = Workload(
    name="idle",
    summary="server CPU of one silent session while the client talks; calls of emit()",
    cases=(
        Case("sync, None at once", "idle-sync", baseline="consume", goals=_GOALS),
        Case("async, None at once", "idle-async", baseline="consume", goals=_GOALS),
        Case("async, waiting on a queue", "idle-waiting", baseline="consume", goals=_GOALS),
        Case("ReplyOnPause, replies of nothing", "silent-replies", baseline="consume"),
    ),
    metrics=(Metric("server", "cores", 4), Metric("emit", "calls/s", 0)),
    client=measure,
)
