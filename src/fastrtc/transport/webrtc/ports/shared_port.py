"""A port that connections share, whichever event loop they run on."""

from __future__ import annotations

import asyncio
import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress

from ....core.log_throttle import LogThrottle
from .routes import Address, Routes

__all__ = ["Member", "SharedPort"]

logger = logging.getLogger(__name__)

_failures = LogThrottle()

Receive = Callable[[bytes, Address, bytes], None]
"""Receives a datagram, its source, and the packed local address that it was sent to."""


class Member:
    """A connection on a shared port. To be created on its event loop.

    Args:
        ufrag: Its username fragment.
        receive: Receives its datagrams, on its event loop.

    Attributes:
        ufrag: Its username fragment.
        loop: Its event loop.
    """

    def __init__(self, ufrag: str, receive: Receive) -> None:
        self.ufrag = ufrag
        self.loop = asyncio.get_running_loop()
        self._receive = receive

    def deliver(self, data: bytes, source: Address, local: bytes) -> None:
        """Pass on a datagram. An exception concerns this connection alone."""
        try:
            self._receive(data, source, local)
        except Exception as error:
            _failures.log(logger.error, "A datagram could not be processed", exc_info=error)


class SharedPort(ABC):
    """A port that connections share.

    Thread-safe. One of the event loops of its connections reads; when its last connection is
    closed, another one takes over.

    Attributes:
        port: The port.
        routes: Which connection a datagram belongs to.
    """

    port: int

    def __init__(self) -> None:
        self.routes: Routes[Member] = Routes()
        self._lock = threading.Lock()
        self._members: set[Member] = set()
        self._reader: asyncio.AbstractEventLoop | None = None

    def join(self, member: Member) -> None:
        """Add a connection; on its event loop."""
        with self._lock:
            self._members.add(member)
            self.routes.add(member, member.ufrag)
            if self._reader is None or self._reader.is_closed():
                self._begin(member.loop)

    def leave(self, member: Member) -> None:
        """Remove a connection; on its event loop."""
        with self._lock:
            self._members.discard(member)
            self.routes.remove(member, member.ufrag)
            if self._reader is not member.loop:
                return
            loops = {other.loop for other in self._members if not other.loop.is_closed()}
            if member.loop in loops:
                return
            self._end()
            for loop in loops:
                with suppress(RuntimeError):  # it has ended meanwhile
                    loop.call_soon_threadsafe(self._take_over, loop)
                    break

    def close(self) -> None:
        """Close the port, which no connection uses any more."""
        with self._lock:
            self._end()
            self._close_sockets()

    def pass_on(self, member: Member, data: bytes, source: Address, local: bytes) -> None:
        """Deliver a datagram on the event loop of its connection; on that of the reader."""
        if member.loop is self._reader:
            member.deliver(data, source, local)
            return
        with suppress(RuntimeError):  # its loop has ended
            member.loop.call_soon_threadsafe(member.deliver, data, source, local)

    def _take_over(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            if self._reader is None and any(one.loop is loop for one in self._members):
                self._begin(loop)

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._reader = loop
        self._start_reading(loop)

    def _end(self) -> None:
        loop, self._reader = self._reader, None
        if loop is not None:
            self._stop_reading(loop)

    @abstractmethod
    def sender(self, member: Member, local: str) -> Callable[[bytes, Address], None]:
        """Return a function that sends a datagram of a connection from a local address."""

    @abstractmethod
    def _start_reading(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start to read, on an event loop."""

    @abstractmethod
    def _stop_reading(self, loop: asyncio.AbstractEventLoop) -> None:
        """Stop to read; ``loop`` may be closed."""

    @abstractmethod
    def _close_sockets(self) -> None:
        """Close the sockets."""
