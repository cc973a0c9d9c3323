"""What a session costs whose handler has nothing to say while the client talks (row 1)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from benchmarks.client.media import AudioTrack, encode_opus, speech_like
from benchmarks.client.peer import Peer, decode_nothing
from benchmarks.client.server import Server
from benchmarks.workloads.base import Case, Goal, Metric, Sample, Workload

WARM_UP = 1.5
WINDOW = 6.0


async def measure(server: Server, options: Mapping[str, float]) -> Sample:
    """Server CPU and calls of `emit` over a window of one session."""
    decode_nothing()
    peer = Peer(server, AudioTrack(encode_opus(speech_like())))
    await peer.connect()
    await asyncio.sleep(WARM_UP)
    before, began = await server.calls(), time.monotonic()
    usage = await server.observe(WINDOW)
    after, ended = await server.calls(), time.monotonic()
    sample = {"server": usage.cores}
    if "emit" in after:
        # One call more than intervals.
        calls = max(0, after["emit"] - before.get("emit", 0) - 1)
        sample["emit"] = calls / (ended - began)
    await peer.close()
    return sample


_GOALS = {"server": Goal(times_aiortc=1.2), "emit": Goal(50)}

WORKLOAD = Workload(
    name="idle",
    summary="server CPU of one silent session while the client talks; calls of emit()",
    cases=(
        Case("sync, None at once", "idle-sync", "consume", goals=_GOALS),
        Case("async, None at once", "idle-async", "consume", goals=_GOALS, rounds=1),
        Case("async, waiting on a queue", "idle-waiting", "consume", goals=_GOALS, long=True),
        Case(
            "ReplyOnPause, replies of nothing",
            "silent-replies",
            "consume",
            goals={"server": _GOALS["server"]},
            rounds=1,
        ),
    ),
    metrics=(Metric("server", "cores", 4, row=1), Metric("emit", "calls/s", 0, row=1)),
    client=measure,
)
