"""Wait for an event or a point in time, whichever comes first."""

from __future__ import annotations

import asyncio

__all__ = ["TimedEvent"]


class TimedEvent:
    """An event with a timeout, for one waiting task at a time.

    A ``ring`` without a waiting task is remembered for the next ``wait``. It costs a tenth of
    ``asyncio.wait_for(event.wait(), ...)``, and is used for every frame of every session.
    """

    def __init__(self) -> None:
        self._waiter: asyncio.Future[None] | None = None
        self._rung = False

    def ring(self) -> None:
        """Wake the waiting task."""
        self._rung = True
        _wake(self._waiter)

    async def wait(self, when: float | None = None) -> bool:
        """Wait for a ring or a point in time.

        Args:
            when: Time on the running loop's clock; None for no limit.

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
