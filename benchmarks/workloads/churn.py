"""200 connects and disconnects, a third of them abrupt: what is left behind (row 7)."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Mapping

from benchmarks.client.media import AudioTrack, encode_opus, speech_like
from benchmarks.client.peer import Peer, decode_nothing
from benchmarks.client.server import Server
from benchmarks.environments import REPOSITORY
from benchmarks.workloads.base import Case, Goal, Metric, Sample, Workload

#: Peers of one process that is killed: 6 x 11 = 66 of 200.
KILLED = 11
POLITE = (23, 23, 22, 22, 22, 22)
ROUNDS = len(POLITE)
MEDIA_LIMIT = 10.0
#: ICE consent ends after 30 s; then a session has nothing left to wait for.
CLEAN_LIMIT = 60.0


async def _join(server: Server, packets: list[bytes], most: int | None = None) -> Peer:
    peer = Peer(server, AudioTrack(packets, most=most))
    await peer.connect()
    await asyncio.wait_for(peer.audible.wait(), MEDIA_LIMIT)
    return peer


async def hold(url: str) -> None:
    """Connects `KILLED` peers and says so; whoever started this process then kills it."""
    decode_nothing()
    packets = encode_opus(speech_like(1.0))
    async with Server(url, pid=1) as server:
        peers = [await _join(server, packets) for _ in range(KILLED)]
        print("holding", len(peers), flush=True)
        await asyncio.Event().wait()


async def _vanish(server: Server) -> None:
    """A client process with live sessions dies."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        server.url,
        cwd=REPOSITORY,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), 60)
    finally:
        process.kill()
        await process.wait()
    if not line.startswith(b"holding"):
        raise RuntimeError("the client to be killed did not connect")


async def measure(server: Server, options: Mapping[str, float]) -> Sample:
    """Differences between after and before.

    Before is when the server has had as many sessions at once as the killed clients will leave
    it with for half a minute: the heap stays as large as that, which is no leak.
    """
    decode_nothing()
    packets = encode_opus(speech_like(1.0))
    fresh = await server.state()
    crowd = [await _join(server, packets, most=50) for _ in range(ROUNDS * KILLED)]
    await asyncio.gather(*(peer.close() for peer in crowd))
    before = await server.until(
        lambda state: state["tasks"] <= fresh["tasks"] and not state["entries"], 10
    )
    held = await server.memory()

    for polite in POLITE:
        await _vanish(server)
        for _ in range(polite):
            peer = await _join(server, packets)
            await peer.close()

    ended = time.monotonic()
    after = await server.until(
        lambda state: all(state[name] <= before[name] for name in before), CLEAN_LIMIT
    )
    took = time.monotonic() - ended
    left = {name: float(after[name] - before[name]) for name in before}
    return {**left, "memory": await server.memory() - held, "clean after": took}


_LEAKS = ("tasks", "threads", "entries", "peers")

WORKLOAD = Workload(
    name="churn",
    summary="what 200 connects leave behind, 66 of them by clients that are killed",
    cases=(
        Case(
            "echo with a long start_up",
            "echo-attached",
            baseline="return",
            goals={**{name: Goal(0) for name in _LEAKS}, "memory": Goal(2)},
            rounds=1,
            long=True,
        ),
    ),
    metrics=(
        *(Metric(name, "more than before", 0, ratio=False, row=7) for name in _LEAKS),
        Metric("memory", "MB more", 1, ratio=False, row=7),
        Metric("clean after", "s", 0, ratio=False),
    ),
    client=measure,
    limit=420,
)

if __name__ == "__main__":
    asyncio.run(hold(sys.argv[1]))
