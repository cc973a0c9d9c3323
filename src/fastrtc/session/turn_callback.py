"""``on_turn`` of a stream: called with each turn, one after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from ..core.conversation_events import TurnListener
from ..core.errors import HandlerExited
from ..core.turn import Turn

if TYPE_CHECKING:
    from .session import Session

__all__ = ["OnTurn", "TurnCallback"]

OnTurn: TypeAlias = Callable[[Turn], Any]
"""Called with the record of each turn. Sync or async."""

MAX_WAITING = 100
"""Turns that wait for a slow ``on_turn``; the oldest are dropped."""


class TurnCallback(TurnListener):
    """Call the program with each turn, in the context of the session.

    Its exceptions are logged and shown to the client; the conversation goes on.

    Args:
        session: The session.
        function: The program's function.
    """

    def __init__(self, session: Session, function: OnTurn) -> None:
        self._session = session
        self._function = function
        self._waiting: deque[Turn] = deque(maxlen=MAX_WAITING)
        self._runs = False

    def on_turn(self, turn: Turn) -> None:
        """Queue a turn."""
        self._waiting.append(turn)
        if not self._runs and not self._session.ended:
            self._runs = True
            self._session.run("on_turn", self._run())

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._call(self._waiting.popleft())
        finally:
            self._runs = False

    async def _call(self, turn: Turn) -> None:
        session = self._session
        try:
            await session.invoker.call("on_turn", self._function, turn)
        except HandlerExited:
            raise
        except Exception as error:  # the conversation goes on
            session.report_failure("on_turn", error)

    async def finish(self) -> None:
        """Call the program with the turns that are left: the session has ended."""
        while self._waiting:
            call = self._session.invoker.call("on_turn", self._function, self._waiting.popleft())
            await self._session.call_last("on_turn", call)
