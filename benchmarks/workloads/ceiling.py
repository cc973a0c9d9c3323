"""How many talking sessions one process holds until 1% of frames are late (row 2)."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.client.crowd import Crowd, find_ceiling
from benchmarks.client.server import Server
from benchmarks.workloads.base import Case, Metric, Sample, Workload

#: No machine of ours gets there.
MOST = 2_000


async def measure(server: Server, options: Mapping[str, float]) -> Sample:
    """The most sessions that were on time, and what server and clients took then."""
    kind = "websocket" if options.get("websocket") else "webrtc"
    async with Crowd(server, kind) as crowd:
        ceiling = await find_ceiling(
            crowd,
            first=int(options["first"]),
            seconds=options["seconds"],
            growth=options["growth"],
            within=int(options["within"]),
            most=MOST,
        )
    sample = {"held": float(ceiling.held)}
    if (look := ceiling.at) is not None:
        sample |= {
            "per core": ceiling.held / look.server.cores,
            "server": look.server.cores,
            "lateness p99": look.lateness.percentile(99),
            "clients": look.client_cores,
            "client lag p99": look.lag.percentile(99),
        }
    if (look := ceiling.above) is not None:
        sample |= {
            "above: machine": look.machine_cores,
            "above: client lag p99": look.lag.percentile(99),
            "above: ended": float(look.ended),
            "above: machine bound": float(look.machine_bound),
        }
    return sample


_QUICK = {"first": 16, "seconds": 3, "growth": 2, "within": 8}
_CLOSE = {"first": 8, "seconds": 6, "growth": 1.4, "within": 2}
_SOCKETS = {**_CLOSE, "websocket": 1}

WORKLOAD = Workload(
    name="ceiling",
    summary="talking echo sessions in one process until 1% of frames are over 100 ms late",
    cases=(
        Case("WebRTC, async, to within 8", "echo-async", "return", _QUICK, rounds=1),
        Case("WebRTC, async", "echo-async", "return", _CLOSE, rounds=1, long=True),
        Case("WebRTC, sync, emit waits", "echo-blocking", "return", _CLOSE, rounds=1, long=True),
        Case("WebSocket, async", "echo-async", None, _SOCKETS, rounds=1, long=True),
    ),
    metrics=(
        Metric("held", "sessions", 0, row=2),
        Metric("per core", "sessions", 1, row=2),
        Metric("server", "cores", 2),
        Metric("lateness p99", "ms", 0, ratio=False),
        Metric("clients", "cores", 2, ratio=False),
        Metric("client lag p99", "ms", 0, ratio=False),
        Metric("above: machine", "cores", 2, ratio=False),
        Metric("above: client lag p99", "ms", 0, ratio=False),
        Metric("above: ended", "sessions", 0, ratio=False),
        Metric("above: machine bound", "1 if so", 0, ratio=False),
    ),
    client=measure,
    limit=600,
)
