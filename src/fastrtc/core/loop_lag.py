"""Measure how late an event loop is."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable

__all__ = ["LoopLag", "lag_of"]

PERIOD_S = 0.5
"""How often an event loop is measured, in seconds: two timers a second cost about 0.02% of a
core, whatever the number of those who want to know."""


class _Meter:
    """Measure one event loop while it has users.

    Args:
        loop: The event loop. All methods are called on it.

    Attributes:
        lag_s: The last measurement, in seconds; None before the first one.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.lag_s: float | None = None
        self._loop = loop
        self._users: set[LoopLag] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, user: LoopLag) -> None:
        self._users.add(user)
        if self._timer is None:
            self._wait()

    def remove(self, user: LoopLag) -> None:
        self._users.discard(user)
        if not self._users and self._timer is not None:
            self._timer.cancel()
            self._timer = self.lag_s = None

    def _wait(self) -> None:
        due = self._loop.time() + PERIOD_S
        self._timer = self._loop.call_at(due, self._measure, due)

    def _measure(self, due: float) -> None:
        lag_s = self.lag_s = max(0.0, self._loop.time() - due)
        self._wait()
        for user in tuple(self._users):
            if user.measured is not None:
                user.measured(lag_s)


_meters: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, weakref.ref[_Meter]] = (
    weakref.WeakKeyDictionary()
)
"""Weak on both sides: a meter refers to its loop, and its users to it."""


def _existing(loop: asyncio.AbstractEventLoop) -> _Meter | None:
    reference = _meters.get(loop)
    return None if reference is None else reference()


def lag_of(loop: asyncio.AbstractEventLoop) -> float | None:
    """Return the last measurement of an event loop in seconds; None if it is not measured."""
    meter = _existing(loop)
    return None if meter is None else meter.lag_s


class LoopLag:
    """Measure how late an event loop calls a timer: frames of audio are sent as late.

    All that measure a loop share one timer.

    Args:
        measured: Called on the event loop with each measurement, in seconds; None for nothing.
    """

    def __init__(self, measured: Callable[[float], None] | None = None) -> None:
        self.measured = measured
        self._loop: asyncio.AbstractEventLoop | None = None
        self._meter: _Meter | None = None

    def start(self) -> None:
        """Start to measure the running event loop; do nothing if it is measured already."""
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return
        self._loop = loop  # a former one has ended
        self._meter = _existing(loop) or _Meter(loop)
        _meters[loop] = weakref.ref(self._meter)
        self._meter.add(self)

    def stop(self) -> None:
        """Stop to measure; callable on the event loop."""
        if self._meter is not None:
            self._meter.remove(self)
        self._loop = self._meter = None
