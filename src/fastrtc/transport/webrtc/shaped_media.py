"""The media of a peer through a simulated network."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

from .packet_budget import kind_of

__all__ = ["Carry", "ShapedMedia"]

logger = logging.getLogger(__name__)

MAX_SENDING = 50
"""Packets whose sending may be in progress."""

Carry: TypeAlias = Callable[[Callable[[], None]], None]
"""Carries a packet: calls a function when it arrives, or never."""


class ShapedMedia:
    """Let functions carry the RTP and RTCP packets of an ICE connection, in both directions.

    Its other packets, those of STUN and DTLS, pass.

    Args:
        connection: The ``aioice.Connection``, before it is used; its methods are replaced.
        outgoing: Carries the packets that are sent.
        incoming: Carries the packets that are received.
    """

    def __init__(self, connection: Any, outgoing: Carry, incoming: Carry) -> None:
        self._sendto = connection.sendto
        self._recvfrom = connection.recvfrom
        self._outgoing = outgoing
        self._incoming = incoming
        self._sending: deque[asyncio.Task[None]] = deque(maxlen=MAX_SENDING)
        self._arrived: asyncio.Queue[tuple[bytes, int] | None] = asyncio.Queue()
        self._reading: asyncio.Task[None] | None = None
        # aiortc has kept the methods `send` and `recv`, which call these
        connection.sendto, connection.recvfrom = self._send, self._receive

    async def close(self) -> None:
        """Stop reading; the connection must be closed."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _send(self, data: bytes, component: int) -> None:
        if not _is_media(data):
            await self._sendto(data, component)
            return

        def send() -> None:
            self._sending.append(asyncio.ensure_future(self._send_late(data, component)))

        self._outgoing(send)

    async def _send_late(self, data: bytes, component: int) -> None:
        with contextlib.suppress(ConnectionError):  # it was closed in the meantime
            await self._sendto(data, component)

    async def _receive(self) -> tuple[bytes, int]:
        if self._reading is None:
            self._reading = asyncio.ensure_future(self._read())
        packet = await self._arrived.get()
        if packet is None:
            self._arrived.put_nowait(None)
            raise ConnectionError("Connection lost while receiving data")
        return packet

    async def _read(self) -> None:
        try:
            while True:
                packet = await self._recvfrom()
                if _is_media(packet[0]):
                    self._incoming(partial(self._arrived.put_nowait, packet))
                elif packet[0]:  # aiortc ends a connection at an empty one
                    self._arrived.put_nowait(packet)
        except ConnectionError:
            pass
        except Exception:
            logger.exception("The simulated network failed; the connection ends")
        finally:
            self._arrived.put_nowait(None)


def _is_media(data: bytes) -> bool:
    return kind_of(data) in ("rtp", "rtcp")
