"""How long a machine that is busy, or stands still, has held up the event loops of a test."""

import asyncio
import contextlib
import functools
import sys
import threading
from collections import defaultdict
from collections.abc import Awaitable, Callable
from math import inf
from typing import Any, ParamSpec, TypeVar

import numpy as np

__all__ = ["AUDIBLE_S", "SERVERS", "TRIES", "Stalls", "again_after_a_stall"]

AUDIBLE_S = 0.15
"""A longer stall may cost a word, in seconds: buffers hold less."""

TRIES = 3

SERVERS: set[asyncio.AbstractEventLoop] = set()
"""The event loops of the servers of `tests.support.servers`, which run in threads."""

P = ParamSpec("P")
T = TypeVar("T")


class Stalls:
    """By how much the callbacks of event loops were late, in seconds, but for a little.

    The loops are that of the test, and those of the servers that it has in threads. What is sent
    from one to the other is held up by both: their stalls are added.
    """

    EVERY_S = 0.01
    WINDOW_S = 0.5
    """Stalls so close to each other are one: a packet needs several turns of the loop."""

    def __init__(self) -> None:
        # of each loop, None for that of the test: when, and by how much
        self._late: dict[Any, list[tuple[float, float]]] = defaultdict(list)
        self._watched: set[asyncio.AbstractEventLoop] = set()
        self._over = threading.Event()

    def watch(self, servers: bool = True) -> None:
        """Begin, on the event loop of the test.

        Args:
            servers: Watch also those of servers, and of those that start meanwhile.
        """
        self._loop = asyncio.get_running_loop()
        self._servers = servers
        self._watched.add(self._loop)
        self._wait(self._loop)

    def _wait(self, loop: asyncio.AbstractEventLoop) -> None:
        due_s = loop.time() + self.EVERY_S
        loop.call_at(due_s, self._look, loop, due_s)

    def _look(self, loop: asyncio.AbstractEventLoop, due_s: float) -> None:
        now = loop.time()
        self.note(now, now - due_s, None if loop is self._loop else loop)
        if self._over.is_set():
            return
        if self._servers and loop is self._loop:
            self._watch_servers()
        self._wait(loop)

    def _watch_servers(self) -> None:
        for loop in _loops_of_servers() - self._watched:
            self._watched.add(loop)
            with contextlib.suppress(RuntimeError):  # it has just been closed
                loop.call_soon_threadsafe(self._wait, loop)

    def note(self, at: float, late_s: float, server: object = None) -> None:
        """Note how late a callback was, of the test or of a server."""
        if late_s > self.EVERY_S:
            self._late[server].append((at, late_s))

    def end(self) -> None:
        self._over.set()

    def longest(self, start: float = -inf, end: float = inf) -> float:
        """Return the length of the longest stall that overlaps a time, in seconds."""

        def length(noted: list[tuple[float, float]]) -> float:
            late = [(at, late_s) for at, late_s in noted if at > start and at - late_s < end]
            ends = np.array([at for at, _ in late])
            total = np.cumsum([0.0, *(late_s for _, late_s in late)])
            first = np.searchsorted(ends, ends - self.WINDOW_S)
            return float(np.max(total[1:] - total[first], initial=0.0))

        return self._of_both(length)

    def single(self) -> float:
        """Return by how much one callback was late at most, in seconds."""
        return max((late_s for late in [*self._late.values()] for _, late_s in late), default=0.0)

    def total(self, start: float = -inf, end: float = inf) -> float:
        """Return the length of all stalls that overlap a time, in seconds."""
        return self._of_both(
            lambda noted: sum(late_s for at, late_s in noted if at > start and at - late_s < end)
        )

    def _of_both(self, length: Callable[[list[tuple[float, float]]], float]) -> float:
        """Return the sum for the test, and for the server that has the most."""
        lengths = {loop: length([*late]) for loop, late in [*self._late.items()]}
        return lengths.pop(None, 0.0) + max(lengths.values(), default=0.0)


def _loops_of_servers() -> set[asyncio.AbstractEventLoop]:
    """Return the event loops of the servers of this process."""
    local: Any = sys.modules.get("fastrtc.testing.local_server")  # `Call` has imported it, or not
    servers = [*local._running.values()] if local else []
    return SERVERS.union(one._server.loop for one in servers if one._server.loop)


def again_after_a_stall(test: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Run a test, or a part of it, again if it fails and the machine has stalled meanwhile.

    It is for what cannot hold on a machine that stalls, such as a conversation in which each word
    is understood. Without a stall, there is one run.
    """

    @functools.wraps(test)
    async def tried(*args: P.args, **kwargs: P.kwargs) -> T:
        for number in range(1, TRIES + 1):
            stalls = Stalls()
            stalls.watch()
            try:
                return await test(*args, **kwargs)
            except Exception as error:
                stalled_s = stalls.longest()
                if number == TRIES or stalled_s < AUDIBLE_S:
                    raise
                print(f"again, after a stall of {stalled_s:.2f} s: {error!r}")
            finally:
                stalls.end()
        raise AssertionError("unreachable")

    return tried
