"""``on_turn`` of a stream: called with each turn, one after the other."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from ..core.conversation_events import TurnListener
from ..core.errors import HandlerExited
from ..core.tasks import TaskOwner
from ..core.turn import Turn

if TYPE_CHECKING:
    from .session import Session

__all__ = ["OnTurn", "TurnCallback"]

OnTurn: TypeAlias = Callable[[Turn], Any]
"""Called with the record of each turn. Sync or async."""

logger = logging.getLogger(__name__)

FINISH_TIMEOUT_S = 10.0
"""How long to wait at the end of a connection until ``on_turn`` got all turns, in seconds."""

MAX_WAITING = 100
"""Turns that wait for a slow ``on_turn``; the oldest are dropped."""


class TurnCallback(TurnListener):
    """Call the program with each turn, in the context of the session.

    Its exceptions are logged; the conversation goes on. The calls are no tasks of the session: its
    end interrupts none.

    Args:
        session: The session.
        function: The program's function.
    """

    def __init__(self, session: Session, function: OnTurn) -> None:
        self._session = session
        self._function = function
        self._waiting: deque[Turn] = deque()
        self._dropped = 0
        self._runs = False
        self._calls = TaskOwner(f"fastrtc-{session.id}", session.context, session.fail)

    def on_turn(self, turn: Turn) -> None:
        """Queue a turn."""
        if len(self._waiting) == MAX_WAITING:
            self._waiting.popleft()
            self._dropped += 1
            if self._dropped == 1:
                logger.warning(
                    "Session %s: %d turns wait for on_turn(), which is too slow: the oldest ones "
                    "are not passed to it",
                    self._session.id,
                    MAX_WAITING,
                )
        self._waiting.append(turn)
        if not self._runs:
            self._runs = True
            self._calls.start(self._run(), "on_turn")

    async def _run(self) -> None:
        session = self._session
        try:
            while self._waiting:
                turn = self._waiting.popleft()
                try:
                    await session.invoker.call("on_turn", self._function, turn)
                except Exception as error:  # the conversation goes on
                    if isinstance(error, HandlerExited) and not session.ended:
                        raise
                    session.errors.log_failure("on_turn", error)
        finally:
            self._runs = False

    async def finish(self) -> None:
        """Wait for up to 10 s until the program got all turns: the session has ended."""
        try:
            late = await self._calls.join(FINISH_TIMEOUT_S)
        except asyncio.CancelledError:
            self._calls.cancel()
            raise
        if late:
            logger.warning(
                "Session %s: on_turn() takes more than %.0f s at the end of the connection and is "
                "abandoned; %d more turns were not passed to it",
                self._session.id,
                FINISH_TIMEOUT_S,
                len(self._waiting) + self._dropped,
            )
            self._calls.cancel()
            self._waiting.clear()
        elif self._dropped:
            logger.warning(
                "Session %s: on_turn() was too slow; %d turns were not passed to it",
                self._session.id,
                self._dropped,
            )
