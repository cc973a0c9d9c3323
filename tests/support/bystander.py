"""Another client, whose echo goes on while a server is attacked, and what an attack costs.

    async with bystander() as other:
        async with other.undisturbed() as cost:
            ...  # the attack
        assert_little(cost)

The echo is one over WebRTC, served by the event loop that the attacked server has. Between two
frames that come back there may be 0.1 s.

A machine that is busy with other programs disturbs neither figure. What it takes from a gap is
known, for Linux counts how long each thread could have run and did not, and how long the host
took the processors away; so that much is left out. (Elsewhere nothing is left out.) And costs are
CPU time, in which a thread that waits for a processor spends nothing. What the clients' calls
cost anyway, for each frame of the echo, is measured before the attack, and left out. As
processors that are shared work more slowly, a piece of work that is always the same is measured
before the attack and after it.
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

__all__ = ["CPU_S", "GAP_S", "MEMORY", "Bystander", "Cost", "assert_little", "bystander"]

GAP_S = 0.1
"""The longest gap in the echo, in seconds."""

CPU_S = 0.2
"""What an attack may cost, in seconds of CPU time."""

MEMORY = 5_000_000
"""And in bytes."""

STRETCHES = 5
"""How often the cost without an attack is measured, each time for 40 ms of the echo."""

AFTER_S = 0.3
"""How long before a gap the machine may have been busy to cause it, in seconds: a buffer of the
echo, once it is empty, fills anew before it gives anything."""

REFERENCE_S = 0.0068
"""What `_reference` takes on the machine that the bounds are for (a Xeon of 2023), undisturbed."""

LOUD = 1500  # of 32768; the tone has 8000


class Cost:
    """What a stretch of time has cost this process, beyond what its clients' calls cost.

    Attributes:
        cpu_s: Seconds of CPU time, of all its threads.
        memory: Bytes by which it has grown.
    """

    cpu_s = 0.0
    memory = 0

    def __repr__(self) -> str:
        return f"{self.cpu_s:.3f} s of CPU time, {self.memory / 1e6:.1f} MB"


def assert_little(cost: Cost) -> None:
    assert cost.cpu_s < CPU_S, cost
    assert cost.memory < MEMORY, cost


class _Moment(NamedTuple):
    at: float  # s, of the loop's clock
    stalled: float  # s in which the machine has held this process up so far


class _MachineStalls:
    """How long the machine has kept this process from running, in seconds (proc(5), Linux)."""

    def __init__(self) -> None:
        self._waited: dict[str, int] = {}
        self._sum = 0.0
        self._stolen = _stolen_s()
        self.so_far()

    def so_far(self) -> float:
        """Add up the waiting of all threads: the echo needs several."""
        for task in Path("/proc/self/task").glob("*"):
            with contextlib.suppress(OSError):  # it has just ended
                waited = int((task / "schedstat").read_bytes().split()[1])
                self._sum += (waited - self._waited.get(task.name, 0)) / 1e9
                self._waited[task.name] = waited
        return self._sum + _stolen_s() - self._stolen


def _stolen_s() -> float:
    """For how long the host has run something else on this machine's processors."""
    with contextlib.suppress(OSError):
        with open("/proc/stat", encoding="ascii") as stat:
            return int(stat.readline().split()[8]) / os.sysconf("SC_CLK_TCK")
    return 0.0


class _Listening(Client):
    """Notes when a loud frame comes."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, audio=AudioSource(tone(120)), label=None, **options)
        self.moments: list[_Moment] = []
        self._stalls = _MachineStalls()

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
    """A client that hears its echo."""

    def __init__(self, client: _Listening) -> None:
        self._client = client

    async def hears(self, frames: int = 10) -> None:
        """Wait for more of the echo."""
        wanted = len(self._client.moments) + frames
        await eventually(lambda: len(self._client.moments) >= wanted)

    @contextlib.asynccontextmanager
    async def undisturbed(self) -> AsyncIterator[Cost]:
        """Fail if there is a gap in the echo meanwhile; what it costs is known afterwards."""
        cost = Cost()
        gc.collect()
        slowness = _slowness()
        usual = await self._cost_of_a_frame()
        moments = self._client.moments
        first = len(moments) - 1
        memory, spent = psutil.Process().memory_info().rss, time.process_time()
        yield cost
        spent, heard = time.process_time() - spent, len(moments) - 1 - first
        cost.memory = psutil.Process().memory_info().rss - memory
        await self.hears(5)
        cost.cpu_s = (spent - usual * heard) / max(1.0, slowness, _slowness())
        _assert_no_gap(moments, first)

    async def _cost_of_a_frame(self) -> float:
        """Return the CPU time that all clients' calls take for each 20 ms of the echo."""
        moments = self._client.moments
        await self.hears(5)
        costs = []
        for _ in range(STRETCHES):
            spent, heard = time.process_time(), len(moments)
            await self.hears(2)
            costs.append((time.process_time() - spent) / (len(moments) - heard))
        return sorted(costs)[STRETCHES // 2]  # some have more than usual: something ends, begins


def _assert_no_gap(moments: list[_Moment], first: int) -> None:
    """Fail if a frame came too late, beyond what the machine has to answer for."""
    for k in range(first, len(moments) - 1):
        begin, end = moments[k], moments[k + 1]
        earlier = (m for m in reversed(moments[: k + 1]) if m.at <= begin.at - AFTER_S)
        since = next(earlier, moments[0])
        stalled = end.stalled - since.stalled
        assert end.at - begin.at - stalled <= GAP_S, (
            f"no echo for {end.at - begin.at:.3f} s; the machine took {stalled:.3f} s"
        )


def _slowness() -> float:
    """How much longer than `REFERENCE_S` the work of `_reference` takes at the moment."""
    took = []
    for _ in range(3):
        before = time.thread_time()
        _reference()
        took.append(time.thread_time() - before)
    return sorted(took)[1] / REFERENCE_S


def _reference() -> int:
    """Do what servers do: pack, unpack, look up."""
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
    """Connect a client to an echo of its own.

    Args:
        served: An app and its address, if it is not served in this event loop: the echo is
            mounted there.
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
