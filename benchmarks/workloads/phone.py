"""The echo over a telephone call: Twilio Media Streams, 8 kHz mu-law both ways."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.client.echoes import measure_echo, measure_sine
from benchmarks.client.server import Server
from benchmarks.client.socket import PhoneClient
from benchmarks.workloads.base import Case, Metric, Sample, Workload


async def measure(server: Server, options: Mapping[str, float]) -> Sample:
    """Delays and cost of some calls at a time, then a sine."""
    sample = await measure_echo(server, PhoneClient, int(options["calls"]), options["seconds"])
    return {**sample, "mulaw": await measure_sine(PhoneClient(server))}


WORKLOAD = Workload(
    name="phone",
    summary="echo over a phone call, handler at 24 kHz: delay, its drift, server CPU, a sine",
    cases=(
        Case("1 call", "echo-async", None, {"calls": 1, "seconds": 12}, rounds=1),
        Case("20 calls", "echo-async", None, {"calls": 20, "seconds": 20}, rounds=1, long=True),
    ),
    metrics=(
        Metric("median", "ms", 1),
        Metric("p95", "ms", 1),
        Metric("drift", "ms/min", 1, ratio=False),
        Metric("server", "cores/call", 4),
        Metric("mulaw", "dB", 0, ratio=False, row=5),
    ),
    client=measure,
)
