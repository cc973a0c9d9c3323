"""DTMF keys, on their way to the handler."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ...session.session import Session

__all__ = ["MAX_KEYS", "Keys"]

MAX_KEYS = 64
"""Keys that are queued for a slow handler; further ones are dropped."""


class Keys:
    """Pass DTMF keys to the handler's ``receive_dtmf``, in order.

    Args:
        session: The session of the handler.
        dropped: Called with a message for the client when a key is dropped.
    """

    def __init__(self, session: Session, dropped: Callable[[str], None]) -> None:
        self._session = session
        self._dropped = dropped
        self._waiting: asyncio.Queue[str] = asyncio.Queue(MAX_KEYS)

    def press(self, digit: str) -> None:
        """Queue a key."""
        if self._waiting.full():
            self._dropped(f"More than {MAX_KEYS} keys are queued: further ones are dropped")
        else:
            self._waiting.put_nowait(digit)

    async def run(self) -> None:
        """Pass on keys until cancelled."""
        failures = self._session.failures("receive_dtmf")
        while True:
            digit = await self._waiting.get()
            receive = getattr(self._session.handler, "receive_dtmf", None)
            if receive is None:
                continue
            try:
                await self._session.invoker.call("receive_dtmf", receive, digit)
            except Exception as error:
                failures.failed(error)
            else:
                failures.succeeded()
