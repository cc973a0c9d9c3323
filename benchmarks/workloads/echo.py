"""What a talking session costs: echo handlers at 24 kHz, speech both ways (row 2)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from benchmarks.client.media import AudioTrack, encode_opus, speech_like
from benchmarks.client.peer import AUDIBLE, Peer, decode_nothing
from benchmarks.client.server import Server
from benchmarks.workloads.base import Case, Goal, Metric, Sample, Workload

WARM_UP = 1.5
WINDOW = 6.0


async def measure(server: Server, options: Mapping[str, float]) -> Sample:
    """Server CPU per session, and the share of the packets sent that was echoed."""
    decode_nothing()
    packets = encode_opus(speech_like())
    count = int(options["sessions"])
    peers = [Peer(server, AudioTrack(packets)) for _ in range(count)]
    for peer in peers:
        await peer.connect()
    await asyncio.sleep(WARM_UP)
    usage = await server.observe(WINDOW)
    heard = sum(
        arrival.size > AUDIBLE
        for peer in peers
        for arrival in peer.arrived(usage.began, usage.ended)
    )
    await asyncio.gather(*(peer.close() for peer in peers))
    return {"server": usage.cores / count, "echoed": heard / usage.seconds / count}


#: 0.040 core was asked for where aiortc alone takes 0.067 to send back 48 kHz stereo.
_GOALS = {"server": Goal(0.040, times_aiortc=0.6), "echoed": Goal(49, at_least=True)}


#: Those of the default run.
_SHORT = {("echo-blocking", 1), ("echo-async", 1)}


def _case(name: str, handler: str, sessions: int) -> Case:
    return Case(
        f"{name}, {sessions} session{'s' * (sessions > 1)}",
        handler,
        "return",
        {"sessions": sessions},
        _GOALS,
        long=(handler, sessions) not in _SHORT,
    )


WORKLOAD = Workload(
    name="echo",
    summary="server CPU per talking echo session, handlers at 24 kHz in and out",
    cases=tuple(
        _case(name, handler, sessions)
        for sessions in (1, 4)
        for name, handler in (
            ("sync, emit waits", "echo-blocking"),
            ("sync, emit polls", "echo-polling"),
            ("async", "echo-async"),
        )
    ),
    metrics=(Metric("server", "cores/session", 4, row=2), Metric("echoed", "frames/s", 1)),
    client=measure,
)
