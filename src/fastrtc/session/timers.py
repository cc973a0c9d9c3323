"""The timers of a session: its time limit, with a warning, and its idle timeout."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..core.messages import create_message
from .idle import IdleDetector

if TYPE_CHECKING:
    from .session import Session

__all__ = ["WARNING_S", "SessionTimers"]

WARNING_S = 10.0
"""How long before its time limit a client is warned, in seconds."""


class SessionTimers:
    """End a session at its time limit, or when its client is idle.

    Args:
        session: The session.
        time_limit: Maximum time that the session is live, in seconds.
        idle_timeout: How long the client may do nothing, in seconds.

    Attributes:
        idle: Records what the client does; None without ``idle_timeout``, and before the start.
        busy: Returns whether a reply is being made or played, during which no client is idle.
    """

    def __init__(
        self, session: Session, time_limit: float | None, idle_timeout: float | None
    ) -> None:
        self._session = session
        self._time_limit = time_limit
        self._idle_timeout = idle_timeout
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self.idle: IdleDetector | None = None
        self.busy: Callable[[], bool] = _never

    def start(self) -> None:
        """Start the timers: the session is live."""
        loop, limit = self._session.loop, self._time_limit
        if limit is not None:
            end = loop.time() + limit
            if limit > WARNING_S:
                self._timers["limit"] = loop.call_at(end - WARNING_S, self._warn, end)
            else:
                self._timers["limit"] = loop.call_at(end, self._end_at_limit)
        if self._idle_timeout is not None:
            now = loop.time()
            self.idle = IdleDetector(self._idle_timeout, now, lambda: self.busy())
            self._look_later(self.idle)
            self._session.messages.on_received = self.client_active

    @property
    def has_idle_timeout(self) -> bool:
        """Whether the session ends when its client is idle."""
        return self._idle_timeout is not None

    def client_active(self) -> None:
        """Record that the client did something; thread-safe."""
        if self.idle is not None:
            self.idle.active(self._session.loop.time())

    def heard(self, samples: NDArray[np.int16]) -> None:
        """Record audio of the client."""
        if self.idle is not None:
            self.idle.heard(samples, self._session.loop.time())

    def stop(self) -> None:
        """Stop the timers: the session ends."""
        for timer in self._timers.values():
            timer.cancel()

    def _end_at_limit(self) -> None:
        self._session.close("Time limit reached", tell=True, end="time_limit")

    def _warn(self, end: float) -> None:
        session = self._session
        self._timers["limit"] = session.loop.call_at(end, self._end_at_limit)
        if session.tells_codes:
            session.outbox.post(create_message("time_limit", {"remaining_s": WARNING_S}))

    def _look_later(self, idle: IdleDetector) -> None:
        loop = self._session.loop
        self._timers["idle"] = loop.call_at(idle.deadline, self._look, idle)

    def _look(self, idle: IdleDetector) -> None:
        # the timer of a loop may be early by its resolution
        if idle.is_idle(max(self._session.loop.time(), self._timers["idle"].when())):
            text = f"Nothing was heard for {self._idle_timeout:g} s"
            self._session.close(text, tell=True, end="idle")
        else:
            self._look_later(idle)


def _never() -> bool:
    return False
