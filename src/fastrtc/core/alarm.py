"""Waiting for an event or a time, whichever comes first."""

from __future__ import annotations

import asyncio

__all__ = ["Alarm"]


class Alarm:
    """Wakes one task at a time that it gives, or earlier when it is rung.

    A ring while nobody waits is kept for the next one who does. It costs a tenth of
    ``asyncio.wait_for(event.wait(), ...)``, and is used for every frame of every session.
    """

    def __init__(self) -> None:
        self._waiter: asyncio.Future[None] | None = None
        self._rung = False

    def ring(self) -> None:
        """Wake the one who waits."""
        self._rung = True
        _wake(self._waiter)

    async def wait(self, when: float | None = None) -> bool:
        """Wait until it is rung, or until a time.

        Args:
            when: A time of the running loop's clock; None for no limit.

        Returns:
            Whether it was rung.
        """
        if not self._rung:
            loop = asyncio.get_running_loop()
            waiter = self._waiter = loop.create_future()
            timer = None if when is None else loop.call_at(when, _wake, waiter)
            try:
                await waiter
            finally:
                if timer is not None:
                    timer.cancel()
                self._waiter = None
        rung, self._rung = self._rung, False
        return rung


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
