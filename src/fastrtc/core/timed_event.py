"""Wait for an event or a point in time, whichever comes first."""

from __future__ import annotations

import asyncio
from math import inf

from .loop_clock import LoopClock, clock_of

__all__ = ["TimedEvent"]


class TimedEvent:
    """An event with a timeout, for one waiting task at a time.

    A ``ring`` without a waiting task is remembered for the next ``wait``. It costs a tenth of
    ``asyncio.wait_for(event.wait(), ...)``, and is used for every frame of every session.

    Attributes:
        when: The time limit of the current or last ``wait`` on the loop's clock; infinity for none.
    """

    def __init__(self) -> None:
        self._waiter: asyncio.Future[None] | None = None
        self._rung = False
        self.when = inf
        self._loop: asyncio.AbstractEventLoop | None = None
        self._clock: LoopClock | None = None

    @property
    def awaited(self) -> bool:
        """Whether a task waits, and has not been woken."""
        return self._waiter is not None and not self._waiter.done()

    def ring(self) -> None:
        """Wake the waiting task."""
        self._rung = True
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def wait(self, when: float | None = None) -> bool:
        """Wait for a ring or a point in time.

        Args:
            when: Time on the running loop's clock; None for no limit. It may be up to a millisecond
                early: see ``LoopClock``.

        Returns:
            Whether it was rung.
        """
        self.when = inf if when is None else when
        if not self._rung:
            loop = asyncio.get_running_loop()
            waiter = self._waiter = loop.create_future()
            if when is not None:
                self._clock_of(loop).wake_at(when, waiter)
            try:
                await waiter
            finally:
                self._waiter = None
                self._note_done(loop)
        rung, self._rung = self._rung, False
        return rung

    def wake_at(self, when: float) -> None:
        """Let the waiting task, if any, wait no longer than until a point in time."""
        waiter = self._waiter
        if waiter is not None and not waiter.done() and when < self.when:
            self.when = when
            self._clock_of(waiter.get_loop()).wake_at(when, waiter)

    def _note_done(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._rung and self.when < inf:
            self._clock_of(loop).note_done()

    def _clock_of(self, loop: asyncio.AbstractEventLoop) -> LoopClock:
        if self._clock is None or self._loop is not loop:
            self._loop, self._clock = loop, clock_of(loop)
        return self._clock
