"""Ask a STUN server (RFC 8489) for an address."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from typing import Any, TypeVar, cast

from aioice import stun

from ....core.tasks import BoundedThreads

__all__ = ["ask_stun_server", "collect", "resolve"]

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


async def ask_stun_server(
    server: tuple[str, int], wait_s: float = stun.RETRY_RTO
) -> tuple[str, int]:
    """Send a Binding request; return our address as seen by the server.

    The caller sets a time limit.

    Args:
        server: The host and the port of the server.
        wait_s: How long to wait before the request is repeated, in seconds; doubled each time.

    Raises:
        OSError: If the name cannot be resolved, or the server cannot be reached.
    """
    loop = asyncio.get_running_loop()
    transport, query = await loop.create_datagram_endpoint(
        _Query, remote_addr=server, family=socket.AF_INET
    )
    try:
        while True:
            transport.sendto(bytes(query.request))
            await asyncio.wait([query.address], timeout=wait_s)
            if query.address.done():
                return query.address.result()
            wait_s *= 2
    finally:
        transport.close()


class _Query(asyncio.DatagramProtocol):
    """A Binding request, and the address in its response."""

    def __init__(self) -> None:
        self.request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        self.address: asyncio.Future[tuple[str, int]] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Read the response."""
        with suppress(ValueError, KeyError, IndexError, struct.error):
            response = stun.parse_message(data)
            if response.transaction_id == self.request.transaction_id and not self.address.done():
                found = response.attributes["XOR-MAPPED-ADDRESS"]
                self.address.set_result(cast("tuple[str, int]", found))

    def error_received(self, exc: Exception) -> None:
        """Fail: the server cannot be reached."""
        if not self.address.done():
            self.address.set_exception(exc)


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
