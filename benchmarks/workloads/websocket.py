"""The echo over a WebSocket: how late it is, whether that grows, what it costs, how it sounds."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from benchmarks.client.echoes import measure_echo, measure_sine
from benchmarks.client.server import Server
from benchmarks.client.socket import SocketClient
from benchmarks.workloads.base import Case, Goal, Metric, Sample, Workload


async def measure(server: Server, options: Mapping[str, float]) -> Sample:
    """Delays and cost of some sessions at a time, then a sine over mu-law and over PCM."""
    sample = await measure_echo(server, SocketClient, int(options["sessions"]), options["seconds"])
    mulaw, pcm = await asyncio.gather(
        measure_sine(SocketClient(server)), measure_sine(SocketClient(server, pcm=True))
    )
    return {**sample, "mulaw": mulaw, "pcm": pcm}


_GOALS = {"median": Goal(40), "pcm": Goal(60, at_least=True)}
_LONG_GOALS = {**_GOALS, "drift": Goal(1)}  # over 20 s a slope says little
_ONE, _LONG = ({"sessions": 1, "seconds": seconds} for seconds in (20, 600))
_CROWD = {"sessions": 50, "seconds": 20}

WORKLOAD = Workload(
    name="websocket",
    summary="echo over a WebSocket, handlers at 24 kHz: delay, its drift, server CPU, a sine",
    cases=(
        Case("1 session, 20 s", "echo-async", None, _ONE, _GOALS, rounds=1),
        Case("1 session, 600 s", "echo-async", None, _LONG, _LONG_GOALS, rounds=1, long=True),
        Case("50 sessions, 20 s", "echo-async", None, _CROWD, rounds=2, long=True),
    ),
    metrics=(
        Metric("median", "ms", 1, row=4),
        Metric("p95", "ms", 1, row=4),
        Metric("drift", "ms/min", 1, ratio=False, row=4),
        Metric("server", "cores/session", 4),
        Metric("mulaw", "dB", 0, ratio=False, row=5),
        Metric("pcm", "dB", 0, ratio=False, row=5),
    ),
    client=measure,
    limit=720,
)
