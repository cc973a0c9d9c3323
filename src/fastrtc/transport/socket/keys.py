"""The keys of a telephone, on their way to the handler."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ...session.session import Session

__all__ = ["MAX_KEYS", "Keys"]

MAX_KEYS = 64
"""Keys of a telephone that wait for a slow handler; further ones are dropped."""


class Keys:
    """Passes DTMF keys to ``receive_dtmf`` of a handler, in order.

    Args:
        session: The session, which has the handler.
        dropped: Called with a text for the client when a key is dropped.
    """

    def __init__(self, session: Session, dropped: Callable[[str], None]) -> None:
        self._session = session
        self._dropped = dropped
        self._waiting: asyncio.Queue[str] = asyncio.Queue(MAX_KEYS)

    def press(self, digit: str) -> None:
        """Add a key."""
        if self._waiting.full():
            self._dropped(f"More than {MAX_KEYS} keys wait: further ones are dropped")
        else:
            self._waiting.put_nowait(digit)

    async def run(self) -> None:
        """Pass on the keys until it is cancelled."""
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
