"""Resident memory: what a talking session takes, and what many of them leave behind (row 7)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from benchmarks.client.media import AudioTrack, encode_opus, speech_like
from benchmarks.client.peer import Peer, decode_nothing
from benchmarks.client.server import Server
from benchmarks.workloads.base import Case, Metric, Sample, Workload

#: Talking at once. More would be late on two cores, and late sessions hold more.
CROWD = 12
TALK = 3.0
#: Connects under way at once.
ABREAST = 8
MEDIA_LIMIT = 15.0
SETTLE_LIMIT = 4.0


async def _join(server: Server, packets: list[bytes]) -> Peer:
    peer = Peer(server, AudioTrack(packets))
    await peer.connect()
    await asyncio.wait_for(peer.audible.wait(), MEDIA_LIMIT)
    return peer


async def _crowd(server: Server, packets: list[bytes]) -> list[Peer]:
    return [await _join(server, packets) for _ in range(CROWD)]


async def _emptied(server: Server) -> float:
    """Memory once the sessions are gone, or have not gone in time."""
    await server.until(lambda state: not state["peers"] and not state["entries"], SETTLE_LIMIT)
    return await server.memory()


async def measure(server: Server, options: Mapping[str, float]) -> Sample:
    """Memory before, with and after sessions.

    The first crowd is not measured: it loads what is loaded on first use, and gives the heap its
    size. Many connects come and go, some at a time, and hear the first sound.
    """
    decode_nothing()
    packets = encode_opus(speech_like())
    await asyncio.gather(*(peer.close() for peer in await _crowd(server, packets)))
    empty = await _emptied(server)
    peers = await _crowd(server, packets)
    await asyncio.sleep(TALK)
    crowded = await server.memory()
    await asyncio.gather(*(peer.close() for peer in peers))
    before = await _emptied(server)

    connects = int(options["connects"])
    places = asyncio.Semaphore(ABREAST)

    async def visit() -> None:
        async with places:
            await (await _join(server, packets)).close()

    await asyncio.gather(*(visit() for _ in range(connects)))
    return {
        "server": empty,
        "per session": (crowded - empty) / CROWD,
        "left behind": await _emptied(server) - before,
    }


WORKLOAD = Workload(
    name="memory",
    summary=f"resident memory, per talking echo session ({CROWD} at once) and after many connects",
    cases=(
        Case("60 connects", "echo-async", "return", {"connects": 60}, rounds=1),
        Case("500 connects", "echo-async", "return", {"connects": 500}, rounds=1, long=True),
    ),
    metrics=(
        Metric("server", "MB", 0),
        Metric("per session", "MB", 2),
        Metric("left behind", "MB", 1, ratio=False, row=7),
    ),
    client=measure,
    limit=600,
)
