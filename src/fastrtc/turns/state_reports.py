"""Reports of a conversation's state: to the client, and to parts of this package."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from ..core.messages import create_message
from ..core.tasks import runs_on
from ..handlers.link import HandlerLink
from .transitions import State

__all__ = ["StateReports"]

MIN_INTERVAL_S = 0.02
"""The shortest time between two looks at the playout, in seconds."""


class StateReports:
    """Report each change of the state, also the one that a client without audio does not cause.

    Args:
        link: The link between the handler and its connection.
        observe: Compares the state with the facts, and calls ``changed`` if it was wrong.

    Attributes:
        tells_client: Whether the client is told.
        hooks: Called with each new state, in any thread; they must not block.
    """

    def __init__(self, link: HandlerLink, observe: Callable[[], None]) -> None:
        self.tells_client = False
        self.hooks: list[Callable[[State], None]] = []
        self._link = link
        self._observe = observe
        self._speaking = False
        self._queued_s = 0.0  # when it was looked at
        self._timer: asyncio.TimerHandle | None = None

    def changed(self, state: State) -> None:
        """Report a new state."""
        if self.tells_client:
            self._link.send(create_message("conversation", {"state": state.value}))
        for hook in self.hooks:
            hook(state)
        self._speaking = state is State.SPEAKING
        loop = self._link.loop
        if self._speaking and (self.tells_client or self.hooks) and loop is not None:
            if runs_on(loop):
                self._wait()
            else:
                with contextlib.suppress(RuntimeError):  # the loop is closed
                    loop.call_soon_threadsafe(self._wait)

    def close(self) -> None:
        """Stop; on the loop, or without one."""
        self._speaking = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        """Look again when the audio will have been played."""
        if self._timer is None and self._speaking:
            self._queued_s = self._link.queued_s()
            delay_s = max(MIN_INTERVAL_S, self._queued_s)
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._look)

    def _look(self) -> None:
        self._timer = None
        before_s = self._queued_s
        self._observe()
        if self._link.queued_s() != before_s:  # otherwise nothing is played any more
            self._wait()
