"""A connection that is resumed over another one when the network is lost."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.messages import create_message
from .attempts import open_in_time
from .errors import ClientError
from .link import LinkEvents, TransportLink
from .reconnection import Reconnection
from .resume_state import ResumeState
from .switched_events import SwitchedEvents

__all__ = ["ResumableLink"]

logger = logging.getLogger(__name__)


class ResumableLink:
    """Implement ``Link`` over one connection after the other.

    Args:
        create: Creates a connection that reports to its argument.
        events: Receives what the server sends, over all connections.
    """

    def __init__(self, create: Callable[[LinkEvents], TransportLink], events: LinkEvents) -> None:
        self._create = create
        self._events = events
        self._state = ResumeState()
        self._reports, self._link = self._new()
        self.rate = self._link.rate
        self._connected = False
        self._heard: int | None = None  # of the last connection that the server has accepted
        self._resuming: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()

    def _new(self) -> tuple[SwitchedEvents, TransportLink]:
        reports = SwitchedEvents(self._events, self._state, self._lost)
        return reports, self._create(reports)

    @property
    def heard(self) -> int | None:
        """How far the audio of the present connection was heard."""
        return self._link.heard

    async def open(self, fields: Mapping[str, Any] | None = None) -> Any:
        """Connect, and ask the server that the session can be resumed.

        Raises:
            ClientError: If the server refuses the connection or cannot be reached.
        """
        answer = await self._link.open({**(fields or {}), **self._state.request(None)})
        self._state.answered(answer)
        self._connected = True
        if self._reports.error is not None:  # it was lost meanwhile
            self._lost(self._reports.error)
        return answer

    async def close(self, *, stop: bool = True) -> None:
        """Close the connection in any state; never raises."""
        self._connected = False
        if self._resuming is not None:
            self._resuming.cancel()
            await asyncio.gather(self._resuming, return_exceptions=True)
        await self._link.close()
        if self._closing:
            await asyncio.wait(self._closing)

    async def send_audio(self, samples: NDArray[np.int16]) -> None:
        """Send 20 ms of audio; it is dropped while there is no connection."""
        if self._connected:
            await self._link.send_audio(samples)

    async def send_video(self, image: NDArray[np.uint8]) -> None:
        """Send a frame; it is dropped while there is no connection.

        Raises:
            ValueError: If the transport carries no video.
        """
        if self._connected:
            await self._link.send_video(image)

    def send_message(self, text: str) -> None:
        """Send a message, now or when the session is resumed."""
        self._state.sent(text)
        if self._connected:
            self._link.send_message(text)

    def _lost(self, error: ClientError) -> None:
        """Resume the session, unless the server has ended it."""
        if not self._connected or self._resuming is not None:
            return
        self._connected = False
        if not self._state.possible or self._reports.ended_by_server:
            self._reports.on = False
            self._events.ended(error)
            return
        self._resuming = asyncio.ensure_future(self._resume(error))

    async def _resume(self, error: ClientError) -> None:
        """Resume the session, or report that it has ended."""
        # From now on, the present connection may be told that it was replaced.
        self._heard, self._reports.on = self._link.heard, False
        try:
            resumed = await self._try_to_resume()
        except Exception:
            logger.exception("The session is not resumed")
            resumed = False
        finally:
            self._resuming = None
        if not resumed:
            self._connected = False
            self._retire(self._link)  # the server may use it, if its attempt got an answer
            self._events.ended(error)
        elif self._reports.error is not None:  # it was lost meanwhile
            self._lost(self._reports.error)

    async def _try_to_resume(self) -> bool:
        """Try until the session is resumed, or cannot be; return whether it is."""
        loop = asyncio.get_running_loop()
        policy = Reconnection(self._state.within_s, loop.time())
        self._events.message(create_message("reconnecting", ""))
        while (at := policy.next_attempt_at(loop.time(), random.random())) is not None:
            await asyncio.sleep(at - loop.time())
            failure = await self._attempt()
            if failure is None:
                return True
            logger.debug("The session is not resumed yet: %s", failure)
            policy.failed(failure.code)
        return False

    async def _attempt(self) -> ClientError | None:
        """Try to resume once; return why it failed."""
        reports, link = self._new()
        resumed = False
        try:
            failure = await open_in_time(link, self._state.request(self._heard))
            resumed = failure is None
        finally:
            reports.on = resumed
            if link.answered:  # the server has replaced the former one, and may use this one
                self._state.renew(link.resume)
                link, self._link, self._reports = self._link, link, reports
                self._heard = self._link.heard
            self._retire(link)
        if not resumed:
            return failure
        missed = self._state.answered(self._link.resume)
        self._connected = True
        for message in missed:
            self._link.send_message(message)
        self._events.message(create_message("reconnected", ""))
        return None

    def _retire(self, link: TransportLink) -> None:
        closing = asyncio.ensure_future(_close(link))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


async def _close(link: TransportLink) -> None:
    try:
        await link.close(stop=False)
    except Exception:
        logger.exception("A connection did not close")
