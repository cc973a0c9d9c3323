"""Measure how late an event loop is."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable

__all__ = ["LoopLag", "lag_of"]

PERIOD_S = 0.5
"""How often the event loop is measured, in seconds."""

_lags: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, float] = weakref.WeakKeyDictionary()
"""The last measurement of each event loop that is measured."""


def lag_of(loop: asyncio.AbstractEventLoop) -> float | None:
    """Return the last measurement of an event loop in seconds; None if it is not measured."""
    return _lags.get(loop)


class LoopLag:
    """Measure how late an event loop calls a timer: frames of audio are sent as late.

    Args:
        measured: Called on the event loop with each measurement, in seconds.
    """

    def __init__(self, measured: Callable[[float], None]) -> None:
        self._measured = measured
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Start to measure the running event loop; do nothing if it is measured already."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:  # a former one has ended
            self._loop = loop
            self._wait(loop)

    def stop(self) -> None:
        """Stop to measure; callable on the event loop."""
        if self._timer is not None:
            self._timer.cancel()
        if self._loop is not None:
            _lags.pop(self._loop, None)
        self._loop = self._timer = None

    def _wait(self, loop: asyncio.AbstractEventLoop) -> None:
        due = loop.time() + PERIOD_S
        self._timer = loop.call_at(due, self._measure, loop, due)

    def _measure(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        lag_s = _lags[loop] = max(0.0, loop.time() - due)
        self._wait(loop)
        self._measured(lag_s)
