"""Forward a WebSocket of the playground's page to the target, in both directions."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from starlette.websockets import WebSocket
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from ..client.socket_redirects import connect_socket

__all__ = ["open_target", "relay"]

OPEN_TIMEOUT_S = 10.0
"""How long the handshake may take, in seconds."""

CLOSE_TIMEOUT_S = 2.0
"""How long the target may take to confirm the end, in seconds."""

MAX_MESSAGE = 1 << 24
"""The longest message in either direction, in bytes; that of uvicorn."""

MAX_QUEUE = 16
"""Messages of the target that wait for the page; the network holds up more (backpressure)."""

GOING_AWAY, NO_STATUS, LOST, RESTART, BAD_GATEWAY = 1001, 1005, 1006, 1012, 1014
"""Close codes (RFC 6455 section 7.4.1, and its registry). 1005 and 1006 are never sent."""


class Closing(NamedTuple):
    """Why a side has closed its WebSocket."""

    code: int
    reason: str


async def open_target(
    url: str, headers: Mapping[str, str], subprotocols: Sequence[str]
) -> ClientConnection:
    """Connect to the WebSocket of the target.

    Args:
        url: Its URL, of HTTP or WebSocket.
        headers: The headers of the handshake.
        subprotocols: Those of the page, which may include a token.

    Raises:
        OSError: If the target cannot be reached, or takes too long.
        InvalidHandshake: If it refuses the handshake.
    """
    return await connect_socket(
        url,
        headers,
        subprotocols=[Subprotocol(one) for one in subprotocols] or None,
        compression=None,
        open_timeout=OPEN_TIMEOUT_S,
        close_timeout=CLOSE_TIMEOUT_S,
        ping_interval=None,  # both ends of the conversation notice a lost network themselves
        max_size=MAX_MESSAGE,
        max_queue=MAX_QUEUE,
    )


async def relay(page: WebSocket, target: ClientConnection) -> None:
    """Forward messages until a side closes, and close the other one with its code and reason.

    The next message of a side is read once the other has taken the last one (backpressure).

    Args:
        page: The accepted WebSocket of the page.
        target: The WebSocket of the target; it is closed at the end.
    """
    to_target = asyncio.ensure_future(_to_target(page, target))
    to_page = asyncio.ensure_future(_to_page(target, page))
    try:
        await asyncio.wait((to_target, to_page), return_when=asyncio.FIRST_COMPLETED)
        closing = to_target.result() if to_target.done() else None
        if closing is None:
            await to_page
            await _close_page(page, target)
        else:
            await _close_target(target, closing)
    finally:
        for task in (to_target, to_page):
            task.cancel()
        await asyncio.gather(to_target, to_page, return_exceptions=True)
        target.transport.abort()  # it does nothing if it is closed


async def _to_target(page: WebSocket, target: ClientConnection) -> Closing | None:
    """Return why the page has closed; None if the target has."""
    while True:
        message = await page.receive()
        if message["type"] == "websocket.disconnect":
            return Closing(message.get("code") or NO_STATUS, message.get("reason") or "")
        text = message.get("text")
        try:
            await target.send(message["bytes"] if text is None else text)
        except ConnectionClosed:
            return None


async def _to_page(target: ClientConnection, page: WebSocket) -> None:
    """Return when the target has closed, or the page takes nothing more."""
    with contextlib.suppress(ConnectionClosed, RuntimeError, OSError):
        async for message in target:
            if isinstance(message, str):
                await page.send_text(message)
            else:
                await page.send_bytes(message)


async def _close_page(page: WebSocket, target: ClientConnection) -> None:
    code = target.close_code
    if code in (None, NO_STATUS, LOST):
        code = BAD_GATEWAY
    with contextlib.suppress(RuntimeError, OSError):  # the page has closed, too
        await page.close(code, target.close_reason or "")


async def _close_target(target: ClientConnection, closing: Closing) -> None:
    code, reason = closing
    if code in (NO_STATUS, LOST):
        return  # the connection of the page broke, and so does the other one
    if code == RESTART:  # uvicorn ends
        code = GOING_AWAY
    await target.close(code, reason)
