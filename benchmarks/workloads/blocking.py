"""24 sessions at once whose handler blocks for 2 s before its first audio (row 3)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from statistics import median

from benchmarks.client.media import AudioTrack, encode_opus, speech_like
from benchmarks.client.peer import Peer, decode_nothing
from benchmarks.client.server import Server
from benchmarks.workloads.base import Case, Goal, Metric, Sample, Workload

SESSIONS = 24
ANSWER_LIMIT = 40.0


async def measure(server: Server, options: Mapping[str, float]) -> Sample:
    """Time from the first packet sent, by all sessions at once, to the first sound back."""
    decode_nothing()
    packets = encode_opus(speech_like())
    go = asyncio.Event()
    peers = [Peer(server, AudioTrack(packets, go)) for _ in range(SESSIONS)]
    for peer in peers:
        await peer.connect()
    began = time.monotonic()
    go.set()

    async def answer(peer: Peer) -> float:
        await asyncio.wait_for(peer.audible.wait(), ANSWER_LIMIT)
        return time.monotonic() - began

    waits = await asyncio.gather(*(answer(peer) for peer in peers))
    await asyncio.gather(*(peer.close() for peer in peers))
    return {"median": median(waits), "max": max(waits)}


WORKLOAD = Workload(
    name="blocking",
    summary=f"first audio of {SESSIONS} simultaneous replies that block for 2 s",
    cases=(Case("sync, 24 sessions", "blocking-reply", goals={"median": Goal(2.3)}, rounds=1),),
    metrics=(Metric("median", "s", 2, row=3), Metric("max", "s", 2, row=3)),
    client=measure,
)
