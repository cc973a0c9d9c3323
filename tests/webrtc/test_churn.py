"""200 connections come and go, a third of them abruptly, and leave nothing behind."""

import asyncio
import ctypes
import gc
import sys
import threading
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from aioice.ice import StunProtocol

from fastrtc import AsyncStreamHandler, Stream, StreamHandler
from tests.support.connections import connections_of, left
from tests.support.peers import LOCAL, AudioSource, Client, eventually, tone

WARM_UP, COUNTED = 96, 200  # memory grows at first: pools, caches, the heap of each thread
AT_A_TIME = 8
GROWTH = 2 << 20  # bytes


class Small(AsyncStreamHandler):
    shut_down = 0

    def copy(self) -> "Small":
        return Small()

    async def start_up(self) -> None:
        await asyncio.Event().wait()

    async def receive(self, frame: Any) -> None:
        pass

    async def emit(self) -> Any:
        await asyncio.sleep(0.05)
        return 24000, SPOKEN

    async def shutdown(self) -> None:
        Small.shut_down += 1


class SyncSmall(StreamHandler):
    shut_down = 0

    def copy(self) -> "SyncSmall":
        return SyncSmall()

    def receive(self, frame: Any) -> None:
        pass

    def emit(self) -> Any:
        return 24000, SPOKEN

    def shutdown(self) -> None:
        SyncSmall.shut_down += 1


SPOKEN = tone(0.5)[::2]


def memory() -> int:
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)  # what is free, and only not given back, is no leak
    return psutil.Process().memory_info().rss


def threads() -> set[str]:
    """The threads but those of the loop's own pool, which grows to some fixed size."""
    names = (thread.name for thread in threading.enumerate())
    pools = ("asyncio_", "uvloop_", "ThreadPoolExecutor-")
    return {name for name in names if not name.startswith(pools)}


def entries(stream: Stream) -> int:
    early = connections_of(stream).early
    return left(stream) + len(early._kept) + len(early._timers)


async def come_and_go(stream: Stream, number: int) -> Client:
    client = Client(stream, audio=AudioSource(), webrtc_id=f"{id(stream)}-{number}")
    if number % 24 == 23:  # so abruptly that it was never there
        await client.call()
        await client.vanish()
    else:
        await client.connect()
        await eventually(lambda: client.packets and client.channel.readyState == "open")
        if number % 3 == 2:
            await client.vanish()
        elif number % 2:
            await client.close()
        else:
            stream.clean_up(client.webrtc_id)
            await client.state("closed")
            await client.close()
    return client


async def churn(streams: list[Stream], numbers: range) -> None:
    left = iter(numbers)
    gone: list[Client] = []

    async def worker() -> None:
        for number in left:
            gone.append(await come_and_go(streams[number % len(streams)], number))

    await asyncio.gather(*(worker() for _ in range(AT_A_TIME)))
    await asyncio.gather(*(client.over() for client in gone))  # those that vanished are missed
    assert sum(map(entries, streams)) == 0


@pytest.mark.timeout(300)
async def test_churn_leaves_nothing(fast_consent: None, monkeypatch: pytest.MonkeyPatch) -> None:
    # time enough for a busy machine: eight clients connect at once, in this process as the server
    # A client's socket may have the port of one that vanished, to which the server still sends
    # when aioice has not set this yet. The server's own sockets are complete before they receive.
    monkeypatch.setattr(
        StunProtocol, "local_candidate", SimpleNamespace(component=1), raising=False
    )
    monkeypatch.setattr("fastrtc.transport.webrtc.peer.CONNECT_TIMEOUT_S", 15.0)
    monkeypatch.setattr("fastrtc.transport.webrtc._aiortc.consent.CONSENT_EXPIRES_S", 5.0)
    streams = [
        Stream(handler(), modality="audio", server_rtc_configuration=LOCAL, concurrency_limit=2**31)
        for handler in (Small, SyncSmall)
    ]
    Small.shut_down = SyncSmall.shut_down = 0
    await churn(streams, range(WARM_UP))
    done = WARM_UP
    for _ in range(3):
        tasks, before_threads, before = asyncio.all_tasks(), threads(), memory()
        await churn(streams, range(done, done + COUNTED))
        done += COUNTED
        await eventually(lambda tasks=tasks: asyncio.all_tasks() == tasks)
        await eventually(lambda before_threads=before_threads: threads() <= before_threads)
        assert Small.shut_down + SyncSmall.shut_down == done
        if (growth := memory() - before) < GROWTH:
            break  # heaps of many threads have holes; but what leaks, leaks every time
    assert growth < GROWTH
