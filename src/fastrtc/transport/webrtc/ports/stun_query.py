"""Ask a STUN server (RFC 8489) for an address."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Sequence
from typing import TypeVar

from ....core.tasks import BoundedThreads

__all__ = ["collect", "resolve"]

T = TypeVar("T")

MIN_GRACE_S = 0.005
"""How long to wait for further answers after the first, at least, in seconds."""

GRACE = 1.0
"""How long to wait for further answers, as a multiple of the time that the first took."""

MAX_LOOKUPS = 8
"""Names that are resolved at a time, in threads of our own: without a network, each takes as long
as the resolver's time-out, and the program may need the event loop's own threads."""

_threads = BoundedThreads("fastrtc-dns", MAX_LOOKUPS)


async def resolve(host: str, port: int) -> tuple[str, int]:
    """Return the IPv4 address of a server.

    Raises:
        OSError: If its name cannot be resolved.
    """
    try:
        socket.inet_aton(host)
        return host, port
    except OSError:
        found = await _threads.run(
            lambda: socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_DGRAM)
        )
    address = found[0][4]
    return str(address[0]), port


async def collect(queries: Sequence[Awaitable[T]], timeout_s: float) -> list[T]:
    """Return the results of the queries that answer soon, and cancel the others.

    Once one has answered, another that needs much longer has no way to the server.

    Args:
        queries: The queries; one that raises an exception has no result.
        timeout_s: How long to wait in any case, in seconds.
    """
    clock = asyncio.get_running_loop().time
    began = clock()
    deadline = began + timeout_s
    tasks = [asyncio.ensure_future(query) for query in queries]
    waiting = set(tasks)
    answered = False
    try:
        while waiting and (left := deadline - clock()) > 0:
            done, waiting = await asyncio.wait(
                waiting, timeout=left, return_when=asyncio.FIRST_COMPLETED
            )
            if not answered and any(_has_answer(task) for task in done):
                answered = True
                took = clock() - began
                deadline = min(deadline, began + took + max(MIN_GRACE_S, GRACE * took))
        return [task.result() for task in tasks if task.done() and _has_answer(task)]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _has_answer(task: asyncio.Future[T]) -> bool:
    return not task.cancelled() and task.exception() is None
