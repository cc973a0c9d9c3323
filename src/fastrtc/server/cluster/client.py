"""Requests to the internal endpoints of other nodes, over connections that are kept."""

from __future__ import annotations

import asyncio
from collections import deque
from urllib.parse import urlsplit

import h11

from ...core.errors import FastRTCError
from .directory import Node
from .internal import CHUNK, HEADER, MAX_BODY_BYTES
from .signature import MAC_BYTES, RequestSigner

__all__ = ["InternalClient", "NodeUnreachable"]

CONNECT_TIMEOUT_S = 2.0

KEEP_ALIVE_S = 20.0
"""How long idle connections are kept, in seconds; less than the other side keeps them."""

MAX_IDLE = 32
"""Number of idle connections to a node that are kept; further ones are closed."""

MAX_AT_ONCE = 32
"""Number of requests to a node at a time; further ones wait for the end of one of them. It does not
count requests that wait for outputs of a connection or for code of the program."""

WAITING_S = 10.0
"""Requests with longer timeouts are those."""

MAX_ANSWER_BYTES = MAC_BYTES + MAX_BODY_BYTES
"""Maximum size of the body of a response, in bytes."""


class NodeUnreachable(FastRTCError):
    """A node does not answer, or refuses the signature."""


class InternalClient:
    """Send requests to other nodes, over connections that are kept.

    Args:
        signer: Signs the requests.
    """

    def __init__(self, signer: RequestSigner) -> None:
        self._signer = signer
        self._pools: dict[str, _Pool] = {}  # by address
        self._sweeping: asyncio.TimerHandle | None = None

    async def request(self, node: Node, name: str, body: bytes, timeout_s: float) -> bytes:
        """Send a request to a node.

        Args:
            node: The node.
            name: The name of the call.
            body: The body.
            timeout_s: How long the answer may take, in seconds.

        Returns:
            The body of the response.

        Raises:
            NodeUnreachable: If there is no answer that is signed by the node.
        """
        signed = self._signer.sign(node.id, name, body)
        pool = self._pools.setdefault(node.address, _Pool(node.address))
        exchange = pool.exchange(name, signed.header, body, waits=timeout_s > WAITING_S)
        pool.requests += 1
        try:
            status, content = await asyncio.wait_for(exchange, timeout_s)
        except (asyncio.TimeoutError, OSError, ValueError, h11.RemoteProtocolError) as error:
            text = str(error) or f"no answer within {timeout_s:.0f} s"
            raise NodeUnreachable(f"{node.address} does not answer: {text}") from error
        finally:
            pool.requests -= 1
            self._sweep_later()
        answer = self._signer.verify_response(signed, content) if status == 200 else None
        if answer is None:
            raise NodeUnreachable(
                f"{node.address} refuses the signature, or its own is invalid (status "
                f"{status}): do all processes have the same FASTRTC_CLUSTER_SECRET, and clocks "
                "that differ by less than 30 s?"
            )
        return answer

    def _sweep_later(self) -> None:
        if self._sweeping is None and self._pools:
            loop = asyncio.get_running_loop()
            self._sweeping = loop.call_later(KEEP_ALIVE_S, self._sweep)

    def _sweep(self) -> None:
        """Close connections that were idle for long, and forget nodes without any."""
        self._sweeping = None
        for address, pool in list(self._pools.items()):
            pool.close_idle(KEEP_ALIVE_S)
            if pool.is_unused:
                del self._pools[address]
        self._sweep_later()

    async def drop(self, address: str) -> None:
        """Close the connections to a node that is gone; its open requests fail."""
        pool = self._pools.pop(address, None)
        if pool is not None:
            await pool.close()

    async def close(self) -> None:
        """Close all connections."""
        for address in list(self._pools):
            await self.drop(address)
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None


class _Pool:
    """The connections to an address.

    Args:
        address: ``"unix:/path.sock"`` or ``"http://10.0.0.2:41234"``.

    Attributes:
        requests: Number of requests that are in progress.
    """

    def __init__(self, address: str) -> None:
        self.requests = 0
        self._address = address
        self._idle: deque[_Connection] = deque()  # that which was used last is the last
        self._busy: set[_Connection] = set()
        self._closed = False
        self._places = asyncio.Semaphore(MAX_AT_ONCE)

    @property
    def is_unused(self) -> bool:
        """Whether there is neither a connection nor a request."""
        return not self._idle and not self.requests

    async def exchange(
        self, name: str, signature: str, body: bytes, waits: bool
    ) -> tuple[int, bytes]:
        """Send a request, and return the status and the body of the response.

        Raises:
            OSError: If the connection cannot be opened, or is lost.
            ValueError: If the address is malformed, or the response too large.
            h11.RemoteProtocolError: If the response is malformed.
        """
        if waits:
            return await self._exchange(name, signature, body)
        async with self._places:
            return await self._exchange(name, signature, body)

    async def _exchange(self, name: str, signature: str, body: bytes) -> tuple[int, bytes]:
        if self._closed:
            raise ConnectionAbortedError("the process is gone")
        connection = self._take_idle()
        if connection is None:
            opening = _Connection.open(self._address)
            connection = await asyncio.wait_for(opening, CONNECT_TIMEOUT_S)
        self._busy.add(connection)
        try:
            answer = await connection.exchange(name, signature, body)
        except BaseException:
            connection.abort()
            raise
        finally:
            self._busy.discard(connection)
        if connection.is_usable and not self._closed:
            self._idle.append(connection)
            while len(self._idle) > MAX_IDLE:
                self._idle.popleft().abort()
        else:
            connection.abort()
        return answer

    def _take_idle(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_usable:
                return connection
            connection.abort()  # the node has closed it
        return None

    def close_idle(self, idle_s: float) -> None:
        """Close the connections that have been idle for a time in seconds."""
        while self._idle and self._idle[0].idle_s >= idle_s:
            self._idle.popleft().abort()

    async def close(self) -> None:
        """Close all connections; requests in progress fail."""
        self._closed = True
        closing = [*self._idle, *self._busy]
        self._idle.clear()
        for connection in closing:
            connection.abort()
        await asyncio.gather(*(one.wait_closed() for one in closing), return_exceptions=True)


class _Connection:
    """A connection, with one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.CLIENT)
        self._used_at = 0.0

    @classmethod
    async def open(cls, address: str) -> _Connection:
        """Connect to an address; see ``_Pool``."""
        if address.startswith("unix:"):
            return cls(*await asyncio.open_unix_connection(address.removeprefix("unix:")))
        url = urlsplit(address)
        return cls(*await asyncio.open_connection(url.hostname, url.port))

    @property
    def is_usable(self) -> bool:
        """Whether another request can be sent."""
        closed = self._reader.at_eof() or self._writer.transport.is_closing()
        return self._http.our_state is h11.IDLE and not closed

    @property
    def idle_s(self) -> float:
        """Time since the last response in seconds."""
        return asyncio.get_running_loop().time() - self._used_at

    async def exchange(self, name: str, signature: str, body: bytes) -> tuple[int, bytes]:
        """See ``_Pool.exchange``."""
        headers = [("host", "node"), (HEADER, signature), ("content-length", str(len(body)))]
        send = self._http.send
        head = send(h11.Request(method="POST", target=f"/{name}", headers=headers)) or b""
        data = send(h11.Data(data=body)) or b""
        self._writer.write(head + data + (send(h11.EndOfMessage()) or b""))
        await self._writer.drain()
        response = await self._next_event()
        if not isinstance(response, h11.Response):
            raise ValueError(f"its response begins with {type(response).__name__}")
        parts, size = [], 0
        while isinstance(event := await self._next_event(), h11.Data):
            size += len(event.data)
            if size > MAX_ANSWER_BYTES:
                raise ValueError(f"its response has more than {MAX_ANSWER_BYTES} bytes")
            parts.append(bytes(event.data))
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        self._used_at = asyncio.get_running_loop().time()
        return response.status_code, b"".join(parts)

    async def _next_event(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            data = await self._reader.read(CHUNK)
            if not data:
                raise ConnectionResetError("it has closed the connection")
            self._http.receive_data(data)
        return event

    def abort(self) -> None:
        """Close it at once."""
        self._writer.transport.abort()

    async def wait_closed(self) -> None:
        """Wait until it is closed.

        Raises:
            OSError: If the connection was lost.
        """
        await self._writer.wait_closed()
