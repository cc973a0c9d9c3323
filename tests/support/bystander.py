"""Another client whose echo must continue while a server is attacked, and the cost of an attack.

    async with bystander() as other: async with other.undisturbed() as cost: ...  # the attack
    assert_little(cost)

The echo runs over WebRTC, on the event loop of the attacked server. The gap between two returned
frames may be up to 0.1 s.

Other programs on the machine do not affect either result. Linux counts how long each thread was
runnable but not running, and how long the host used the processors; this time is subtracted from a
gap. (On other systems nothing is subtracted.) Costs are CPU time, which does not include waiting
for a processor. The normal cost of the clients' calls, per frame of the echo, is measured before
the attack and subtracted. Because shared processors run at varying speed, a constant piece of work
is measured before and after the attack.
"""

import asyncio
import contextlib
import gc
import os
import struct
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psutil
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from fastapi import FastAPI

from fastrtc import Stream
from tests.faults.over_http import HttpClient
from tests.support.connections import connections_of
from tests.support.peers import LOCAL, AudioSource, Client, eventually, tone
from tests.webrtc.handlers import AsyncAudioEcho

__all__ = [
    "CPU_S",
    "GAP_S",
    "MEMORY",
    "Bystander",
    "Cost",
    "MachineStalls",
    "assert_little",
    "bystander",
    "slowness",
]

GAP_S = 0.1
"""Maximum gap in the echo, in seconds."""

CPU_S = 0.2
"""Maximum cost of an attack, in seconds of CPU time."""

MEMORY = 5_000_000
"""Maximum memory growth, in bytes."""

THREAD_MEMORY = 100_000
"""Memory of a thread that an attack may start, in bytes: its stack, and its arena of malloc."""

ECHO_S = 0.1
"""A cost of the clients' calls up to which it is measured well enough, in seconds: of about 1 s."""

ECHO_ERROR = 0.3
"""Share by which a higher cost of the clients' calls may be wrong."""

STRETCHES = 5
"""Number of measurements of the cost without an attack, each over 60 ms of the echo."""

AFTER_S = 0.3
"""How long before a gap a busy machine may have caused it, in seconds: an empty buffer of the
echo has to fill again first."""

REFERENCE_S = 0.0068
"""Duration of `_reference` on the machine that the bounds are for (a Xeon of 2023), when idle."""

LOUD = 1500  # of 32768; the tone has 8000


class Cost:
    """The cost of a period for this process, without that of its clients' calls.

    Attributes:
        cpu_s: CPU time of all threads, in seconds.
        echo_s: CPU time of the clients' calls, which is not in it, in seconds.
        memory: Memory growth, in bytes.
        slowness: How many times as slow as usual the machine was, at least 1.
    """

    cpu_s = 0.0
    echo_s = 0.0
    memory = 0
    slowness = 1.0

    def __repr__(self) -> str:
        memory = f"{self.memory / 1e6:.1f} MB"
        return f"{self.cpu_s:.3f} s of CPU time beside {self.echo_s:.3f} s, {memory}"


def assert_little(cost: Cost, threads: int = 0) -> None:
    """Check the cost of an attack.

    Args:
        cost: The cost.
        threads: How many threads it may start.
    """
    assert cost.cpu_s < CPU_S + ECHO_ERROR * max(0.0, cost.echo_s - ECHO_S), cost
    assert cost.memory < MEMORY + threads * THREAD_MEMORY, cost


class _Moment(NamedTuple):
    at: float  # s, of the loop's clock
    stalled: float  # s in which the machine has held this process up so far


class MachineStalls:
    """How long the machine has kept this process from running since this was created, in seconds
    (proc(5), Linux)."""

    def __init__(self) -> None:
        self._waited: dict[str, int] = {}
        self._sum = 0.0
        self._stolen = _stolen_s()
        self.so_far()
        self._sum = 0.0

    def so_far(self) -> float:
        """Return the total waiting time of all threads: the echo needs several."""
        for task in Path("/proc/self/task").glob("*"):
            with contextlib.suppress(OSError):  # it has just ended
                waited = int((task / "schedstat").read_bytes().split()[1])
                self._sum += (waited - self._waited.get(task.name, 0)) / 1e9
                self._waited[task.name] = waited
        return self._sum + _stolen_s() - self._stolen


def _stolen_s() -> float:
    """Return how long the host has used this machine's processors for other work, in seconds."""
    with contextlib.suppress(OSError):
        with open("/proc/stat", encoding="ascii") as stat:
            return int(stat.readline().split()[8]) / os.sysconf("SC_CLK_TCK")
    return 0.0


class _Listening(Client):
    """Record the arrival of loud frames."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, audio=AudioSource(tone(120)), label=None, **options)
        self.moments: list[_Moment] = []
        self._stalls = MachineStalls()

    async def _read_audio(self, track: MediaStreamTrack) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(MediaStreamError):
            while True:
                frame: Any = await track.recv()
                if np.abs(frame.to_ndarray().astype(int)).max() > LOUD:
                    self.moments.append(_Moment(loop.time(), self._stalls.so_far()))


class _ListeningOverHttp(_Listening, HttpClient):
    pass


class Bystander:
    """A client that receives its echo."""

    def __init__(self, client: _Listening) -> None:
        self._client = client

    async def hears(self, frames: int = 10) -> None:
        """Wait for more of the echo."""
        wanted = len(self._client.moments) + frames
        await eventually(lambda: len(self._client.moments) >= wanted)

    @contextlib.asynccontextmanager
    async def undisturbed(self) -> AsyncIterator[Cost]:
        """Fail if the echo has a gap during the block; the cost is known afterwards."""
        cost = Cost()
        gc.collect()
        thresholds = gc.get_threshold()
        gc.set_threshold(*thresholds[:2], 1_000_000)  # no full collection, which stops all for long
        try:
            slow = slowness()
            usual = await self._cost_of_a_frame()
            moments = self._client.moments
            first = len(moments) - 1
            memory, spent = psutil.Process().memory_info().rss, time.process_time()
            yield cost
            spent, heard = time.process_time() - spent, len(moments) - 1 - first
            cost.memory = psutil.Process().memory_info().rss - memory
            await self.hears(5)
            if spent - usual * heard >= CPU_S:  # or the machine has become slower meanwhile
                usual = max(usual, await self._cost_of_a_frame())
        finally:
            gc.set_threshold(*thresholds)
        cost.slowness = max(slow, slowness())
        cost.echo_s = usual * heard / cost.slowness
        cost.cpu_s = spent / cost.slowness - cost.echo_s
        _assert_no_gap(moments, first, cost.slowness)

    async def _cost_of_a_frame(self) -> float:
        """Return the CPU time of all clients' calls per 20 ms of the echo."""
        moments = self._client.moments
        await self.hears(5)
        costs = []
        for _ in range(STRETCHES):
            spent, heard = time.process_time(), len(moments)
            await asyncio.gather(self.hears(3), asyncio.sleep(0.06))  # not of late frames alone
            costs.append((time.process_time() - spent) / (len(moments) - heard))
        return sorted(costs)[STRETCHES // 2]  # some have more than usual: something ends, begins


def _assert_no_gap(moments: list[_Moment], first: int, slow: float) -> None:
    """Fail if a frame arrived too late, for the machine and without the time that it was busy."""
    for k in range(first, len(moments) - 1):
        begin, end = moments[k], moments[k + 1]
        earlier = (m for m in reversed(moments[: k + 1]) if m.at <= begin.at - AFTER_S)
        since = next(earlier, moments[0])
        stalled = end.stalled - since.stalled
        assert end.at - begin.at - stalled <= GAP_S * slow, (
            f"no echo for {end.at - begin.at:.3f} s; the machine took {stalled:.3f} s, "
            f"and was {slow:.1f} times as slow"
        )


def slowness() -> float:
    """Return the current duration of `_reference` relative to `REFERENCE_S`, at least 1."""
    took = []
    for _ in range(3):
        before = time.thread_time()
        _reference()
        took.append(time.thread_time() - before)
    return max(1.0, sorted(took)[1] / REFERENCE_S)


def _reference() -> int:
    """Do the kind of work that servers do: pack, unpack, look up."""
    table: dict[int, int] = {}
    total = 0
    for k in range(20_000):
        data = struct.pack("!HHL", k & 0xFFFF, 1, k)
        first, second, third = struct.unpack("!HHL", data)
        table[first & 1023] = third
        total += table.get(second, 0) + len(data)
    return total


@contextlib.asynccontextmanager
async def bystander(served: tuple[FastAPI, str] | None = None) -> AsyncIterator[Bystander]:
    """Connect a client to its own echo.

    Args:
        served: An app and its address, if it is not served on this event loop: the echo is mounted
            there.
    """
    stream = Stream(
        AsyncAudioEcho(), modality="audio", server_rtc_configuration=LOCAL, verbose=False
    )
    if served is None:
        client = _Listening(stream)
    else:
        app, address = served
        stream.mount(app, path="/bystander")
        client = _ListeningOverHttp(f"{address}/bystander")
    try:
        await client.connect()
        yield Bystander(client)
        assert client.states == ["connecting", "connected"]
    finally:
        await client.close()
        if served is None:
            await client.over()
    await eventually(lambda: len(connections_of(stream).registry) == 0)
