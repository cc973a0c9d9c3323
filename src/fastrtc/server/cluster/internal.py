"""The internal endpoint of a node: HTTP/1.1 requests of the other nodes.

It answers only requests that are signed with the secret of the cluster, and all others with status
403 and an empty body, before it reads a body.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import h11

from .signature import RequestVerifier, SignedRequest, digest_of

__all__ = ["HEADER", "MAX_BODY_BYTES", "InternalServer"]

logger = logging.getLogger(__name__)

HEADER = "x-fastrtc-signature"
"""The header with the signature of a request."""

MAX_BODY_BYTES = 16 << 20
"""Maximum size of a request, in bytes. Inputs may be images."""

IDLE_TIMEOUT_S = 60.0
"""How long a connection of a node may be idle, or a response unread, in seconds."""

FIRST_TIMEOUT_S = 5.0
"""How long a connection may be idle before its first signed request, in seconds."""

MAX_CONNECTIONS = 4096
"""Maximum number of connections; each reader of outputs on another node uses one."""

STOP_TIMEOUT_S = 1.0
"""How long requests may take to end when the node stops, in seconds."""

CHUNK = 65536

Handle: TypeAlias = Callable[[str, bytes], Awaitable[bytes]]


class InternalServer:
    """Receive the requests of other nodes.

    Args:
        verifier: Verifies requests and signs responses.
        handle: Called with the name of a call and the body of a signed request; returns the body
            of the response.
    """

    def __init__(self, verifier: RequestVerifier, handle: Handle) -> None:
        self._verifier = verifier
        self._handle = handle
        self._server: asyncio.AbstractServer | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self, listening: socket.socket) -> None:
        """Accept connections on a listening socket, and on no earlier one."""
        earlier = self._server
        if listening.family in (socket.AF_INET, socket.AF_INET6):
            self._server = await asyncio.start_server(self._accept, sock=listening)
        else:
            self._server = await asyncio.start_unix_server(self._accept, sock=listening)
        if earlier is not None:
            earlier.close()

    async def stop(self) -> None:
        """Close all connections, and wait until the handlers have ended."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        tasks = set(self._connections)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_TIMEOUT_S)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(server.wait_closed(), STOP_TIMEOUT_S)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if self._server is None or len(self._connections) >= MAX_CONNECTIONS:
            writer.transport.abort()
            return
        self._connections.add(task)
        try:
            await _Connection(reader, writer, self._verifier, self._handle).run()
        except (OSError, asyncio.TimeoutError, h11.ProtocolError) as error:
            logger.debug("A connection to the internal endpoint ends: %r", error)
            writer.transport.abort()  # what its client does not read is dropped
        except asyncio.CancelledError:  # by stop: asyncio logs the cancellation of a callback
            pass
        except Exception:
            logger.exception("The internal endpoint failed")
        finally:
            self._connections.discard(task)
            writer.close()


class _Connection:
    """One connection, with one request at a time."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        verifier: RequestVerifier,
        handle: Handle,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._verifier = verifier
        self._handle = handle
        self._http = h11.Connection(h11.SERVER)
        self._timeout_s = FIRST_TIMEOUT_S

    async def run(self) -> None:
        """Answer requests until the client closes the connection, or sends one that is refused.

        Raises:
            OSError: If the connection is lost.
            asyncio.TimeoutError: If it is idle for too long.
            h11.RemoteProtocolError: If a request is malformed.
        """
        while await self._answer_one():
            self._http.start_next_cycle()

    async def _answer_one(self) -> bool:
        request = await self._next_event()
        if not isinstance(request, h11.Request):
            return False
        name = request.target.removeprefix(b"/").decode("latin-1")
        signed = self._verified(name, request)
        body = None if signed is None else await self._read_body(signed)
        if signed is None or body is None:
            await self._respond(403, b"")
            return False
        self._timeout_s = IDLE_TIMEOUT_S
        answer = await self._run(name, body)
        if answer is None:
            return False
        await self._respond(200, self._verifier.sign_response(signed, answer))
        return self._http.our_state is h11.DONE and self._http.their_state is h11.DONE

    def _verified(self, name: str, request: h11.Request) -> SignedRequest | None:
        if request.method != b"POST":
            return None
        headers = dict(request.headers)
        length = headers.get(b"content-length", b"")
        if not length.isdigit() or int(length[:20]) > MAX_BODY_BYTES:
            return None
        return self._verifier.verify(name, headers.get(HEADER.encode(), b"").decode("latin-1"))

    async def _read_body(self, signed: SignedRequest) -> bytes | None:
        parts: list[bytes] = []
        while isinstance(event := await self._next_event(), h11.Data):
            parts.append(bytes(event.data))
        if not isinstance(event, h11.EndOfMessage):
            return None
        body = b"".join(parts)
        return body if digest_of(body) == signed.digest else None

    async def _run(self, name: str, body: bytes) -> bytes | None:
        """Run the handler; cancel it if the client disconnects, and return None."""
        work = asyncio.ensure_future(self._handle(name, body))
        gone = asyncio.ensure_future(self._reader.read(CHUNK))
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                data = gone.result()
                if not data:
                    return None
                self._http.receive_data(data)  # the next request, which waits
            return await work
        finally:
            for task in (work, gone):
                if not task.done():
                    task.cancel()
            await asyncio.gather(work, gone, return_exceptions=True)

    async def _next_event(self) -> object:
        while True:
            event = self._http.next_event()
            if event is not h11.NEED_DATA:
                return event
            data = await asyncio.wait_for(self._reader.read(CHUNK), self._timeout_s)
            self._http.receive_data(data)

    async def _respond(self, status: int, body: bytes) -> None:
        headers = [("content-length", str(len(body)))]
        if status != 200:
            headers.append(("connection", "close"))
        send = self._http.send
        head = send(h11.Response(status_code=status, headers=headers)) or b""
        data = send(h11.Data(data=body)) or b""
        end = send(h11.EndOfMessage()) or b""
        self._writer.write(head + data + end)
        await asyncio.wait_for(self._writer.drain(), IDLE_TIMEOUT_S)
