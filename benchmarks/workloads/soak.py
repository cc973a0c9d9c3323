"""Minutes at 80% of the ceiling: are frames on time, and does memory stay where it was?"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from benchmarks.client.crowd import SETTLE, Crowd, Look, find_ceiling
from benchmarks.client.lateness import Lateness, late_share
from benchmarks.client.server import Server
from benchmarks.workloads.base import Case, Goal, Metric, Sample, Workload

SHARE = 0.8
#: Until queues have their length and the heap its size, in seconds.
WARM_UP = 20.0
#: Length of one look, in seconds.
LOOK = 10.0


async def measure(server: Server, options: Mapping[str, float]) -> Sample:
    """Finds the ceiling, takes 80% of it, and goes on for some minutes.

    With the option `sessions` it takes that many, for a machine that is too busy to find a ceiling.
    Memory is what the system counts, with nothing collected first: asking the server to tidy up
    would make its frames late.
    """
    kind = "websocket" if options.get("websocket") else "webrtc"
    async with Crowd(server, kind) as crowd:
        sessions = int(options.get("sessions", 0)) or await _share_of_ceiling(crowd)
        if refused := await crowd.hold(sessions):
            raise RuntimeError(f"{sessions} sessions could not connect: {refused}")
        await asyncio.sleep(SETTLE)
        await crowd.look(WARM_UP)
        memory = [server.resident()]
        looks: list[Look] = []
        for _ in range(max(2, round(options["minutes"] * 60 / LOOK))):
            looks.append(await crowd.look(LOOK, restart=False))
            memory.append(server.resident())
    late, lag = Lateness(), Lateness()
    for look in looks:
        late.add(look.lateness)
        lag.add(look.lag)
    sent = sum(look.sent for look in looks)
    return {
        "sessions": float(sessions),
        "late": 100 * late_share(late, sent),
        "lateness p99": late.percentile(99),
        "ended": float(looks[-1].ended),
        "server": sum(look.server.cores for look in looks) / len(looks),
        "at start": memory[0],
        "half-way": memory[len(memory) // 2],
        "at end": memory[-1],
        "clients": sum(look.client_cores for look in looks) / len(looks),
        "client lag p99": lag.percentile(99),
    }


async def _share_of_ceiling(crowd: Crowd) -> int:
    ceiling = await find_ceiling(crowd, first=8, seconds=5, growth=1.4, within=2, most=2_000)
    return max(1, int(SHARE * ceiling.held))


_GOALS = {"late": Goal(1), "lateness p99": Goal(100), "ended": Goal(0)}


def _case(name: str, options: Mapping[str, float]) -> Case:
    return Case(
        name, "echo-async", options=options, goals=_GOALS, rounds=1, long=True, only_ours=True
    )


WORKLOAD = Workload(
    name="soak",
    summary="talking echo sessions at 80% of the ceiling, 10 minutes (--minutes)",
    cases=(
        _case("WebRTC, async", {"minutes": 10}),
        _case("WebSocket, async", {"minutes": 10, "websocket": 1}),
    ),
    metrics=(
        Metric("sessions", "held", 0),
        Metric("late", "% of frames", 2, ratio=False),
        Metric("lateness p99", "ms", 0, ratio=False),
        Metric("ended", "sessions", 0, ratio=False),
        Metric("server", "cores", 2),
        Metric("at start", "MB", 1, ratio=False),
        Metric("half-way", "MB", 1, ratio=False),
        Metric("at end", "MB", 1, ratio=False),
        Metric("clients", "cores", 2, ratio=False),
        Metric("client lag p99", "ms", 0, ratio=False),
    ),
    client=measure,
    limit=420,
)
