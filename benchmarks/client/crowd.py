"""Many talking sessions against one server, held by client processes of their own."""

from __future__ import annotations

import asyncio
import json
import math
import os
import sys
import time
from dataclasses import dataclass
from typing import Any

from benchmarks.client.lateness import Lateness, following, late_share
from benchmarks.client.server import Server, Usage
from benchmarks.environments import REPOSITORY
from benchmarks.quiet import busy_seconds

#: The share of the frames that may be late, or missing.
ALLOWED = 0.01
#: After connecting or closing sessions, in seconds.
SETTLE = 1.5
#: How far clients may themselves be behind, 99 times of 100, in ms, and which share of the
#: machine's cores may be busy, before it is not the server that is measured.
CLIENT_LAG, FULL = 40.0, 0.95


@dataclass(frozen=True)
class Look:
    """What was seen of all sessions in a while."""

    server: Usage
    #: Cores of all client processes.
    client_cores: float
    #: Cores of all processes of the machine.
    machine_cores: float
    lateness: Lateness
    lag: Lateness
    sent: int
    #: Sessions that have ended by themselves and were not replaced.
    ended: int = 0

    @property
    def late_share(self) -> float:
        """Share of the frames that were late or did not come.

        More may come than was sent meanwhile, where some waited since before.
        """
        return late_share(self.lateness, self.sent)

    @property
    def machine_bound(self) -> bool:
        """Whether it was not the server alone that could do no more."""
        full = FULL * (os.cpu_count() or 1)
        return self.machine_cores > full or self.lag.percentile(99) > CLIENT_LAG


@dataclass(frozen=True)
class Ceiling:
    """What `find_ceiling` found."""

    held: int
    #: With so many sessions; None when not even one was on time.
    at: Look | None
    #: With the fewest that failed; None when `most` sessions were held.
    above: Look | None


class Crowd:
    """Talking sessions of one kind, shared out among client processes.

    One process for every two cores, as the server gets most of the machine.
    """

    def __init__(self, server: Server, kind: str) -> None:
        self._server = server
        self._kind = kind
        self._count = max(1, min(4, (os.cpu_count() or 2) // 2))

    async def __aenter__(self) -> Crowd:
        command = (sys.executable, "-m", "benchmarks.client.load", self._kind, self._server.url)
        self._processes = [
            await asyncio.create_subprocess_exec(
                *command,
                cwd=REPOSITORY,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=1 << 20,
            )
            for _ in range(self._count)
        ]
        return self

    async def __aexit__(self, *exception: object) -> None:
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.close()
        for process in self._processes:
            try:
                await asyncio.wait_for(process.wait(), 10)
            except asyncio.TimeoutError:
                process.kill()
                await process.wait()

    async def hold(self, count: int) -> str | None:
        """Connects or closes sessions until there are so many in all; tells why, if it cannot."""
        shares = [math.ceil((count - index) / self._count) for index in range(self._count)]
        answers = await asyncio.gather(
            *(
                self._ask(process, {"hold": max(0, share)})
                for process, share in zip(self._processes, shares, strict=True)
            )
        )
        return next((answer["refused"] for answer in answers if answer["refused"]), None)

    async def look(self, seconds: float, *, restart: bool = True) -> Look:
        """Watches for a while; `restart` forgets when frames were due before."""
        command = {"watch": seconds, "restart": restart}
        began, busy = time.monotonic(), busy_seconds()
        usage, *answers = await asyncio.gather(
            self._server.observe(seconds),
            *(self._ask(process, command) for process in self._processes),
        )
        machine = (busy_seconds() - busy) / (time.monotonic() - began)
        late, lag = Lateness(), Lateness()
        for answer in answers:
            late.add(_histogram(answer["late"]))
            lag.add(_histogram(answer["lag"]))
        cores, sent, ended = (
            sum(answer[name] for answer in answers) for name in ("cores", "sent", "ended")
        )
        return Look(usage, cores, machine, late, lag, sent, ended)

    async def _ask(self, process: asyncio.subprocess.Process, command: object) -> Any:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps(command).encode() + b"\n")
        line = await process.stdout.readline()
        if not line:
            raise RuntimeError(f"a client process of {self._kind} sessions ended")
        return json.loads(line)


def _histogram(counts: dict[str, int]) -> Lateness:
    return Lateness({int(late): count for late, count in counts.items()})


async def find_ceiling(
    crowd: Crowd, *, first: int, seconds: float, growth: float, within: int, most: int
) -> Ceiling:
    """Adds sessions until too many frames are late, then closes in from both sides.

    A number of sessions that fails is given a second chance: a stall of the machine is not the
    server's.
    """
    held, failed = 0, None
    at: Look | None = None
    above: Look | None = None
    while held < most:
        count = min(most, following(held, failed, first=first, growth=growth, within=within))
        if count == held:
            break
        refused = await crowd.hold(count)
        if refused and not held:
            raise RuntimeError(f"not even {count} sessions could connect: {refused}")
        await asyncio.sleep(SETTLE)
        look = await crowd.look(seconds)
        if look.late_share > ALLOWED:
            look = await crowd.look(seconds)
        if refused or look.late_share > ALLOWED:
            failed, above = count, look
        else:
            held, at = count, look
    return Ceiling(held, at, above)
