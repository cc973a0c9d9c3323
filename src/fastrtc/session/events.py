"""``on_connect``, ``on_turn`` and ``on_disconnect`` of a stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from ..core.close_reason import CloseReason, ConnectionEnd
from ..core.context import Context
from ..core.errors import HandlerExited
from ..core.loop_lag import LoopLag
from ..core.stats import ConnectionStats
from .hooks import Hooks
from .turn_callback import TurnCallback

if TYPE_CHECKING:
    from .session import Session

__all__ = ["SessionEvents", "call_with_context", "transport_of"]


class SessionEvents:
    """Call the program when a session is established, after its turns, and when it has ended.

    Args:
        session: The session.
        hooks: The functions of the stream.
    """

    def __init__(self, session: Session, hooks: Hooks) -> None:
        self._session = session
        self._hooks = hooks
        self._connected_at: float | None = None
        self._turns: TurnCallback | None = None
        self._stats: ConnectionStats | None = None
        self._lag = LoopLag()  # for the figures

    def follow_turns(self) -> None:
        """Let those follow the conversation who want to."""
        session, hooks = self._session, self._hooks
        if hooks.on_turn is not None:
            self._turns = TurnCallback(session, hooks.on_turn)
            session.turns.listen(self._turns)
        session.turns.serve_client(allowed=hooks.on_turn is not None)
        for create in hooks.turn_listeners:
            listener = create(session)
            if listener is not None:
                session.turns.listen(listener)

    def connected(self) -> None:
        """Call ``on_connect`` in a task of the session, which is established now."""
        self._connected_at = self._session.loop.time()
        self._lag.start()
        if self._hooks.on_connect is not None:
            call = call_with_context(self._session, "on_connect", self._hooks.on_connect)
            self._session.run("on_connect", call)

    @property
    def connected_s(self) -> float:
        """How long the connection has been established, in seconds; 0 before."""
        began = self._connected_at
        return 0.0 if began is None else self._session.loop.time() - began

    def closing(self) -> None:
        """Read the figures of the connection, for ``on_disconnect``."""
        read = self._session.read_stats
        try:
            if read is not None and self._hooks.on_disconnect is not None:
                self._stats = read()
        except Exception as error:
            self._session.report_failure("stats", error)
        finally:
            self._lag.stop()

    async def disconnected(self, reason: CloseReason) -> None:
        """Call ``on_disconnect`` if the session was established; wait for up to 10 s."""
        if self._turns is not None:
            await self._turns.finish()
        session, function = self._session, self._hooks.on_disconnect
        if session.recording is not None:
            await session.recording.finish_report()
        if function is None or self._connected_at is None:
            return
        end = ConnectionEnd(
            reason.end_code,
            reason.text,
            self.connected_s,
            transport_of(session.user_context),
            session.messages.received,
            self._stats,
        )
        call = session.invoker.call("on_disconnect", function, session.user_context, end)
        await session.call_last("on_disconnect", call)


async def call_with_context(
    session: Session, name: str, function: Callable[[Context], Any]
) -> None:
    """Call a function of the stream with the context of a session.

    An exception is reported, and the conversation goes on.

    Args:
        session: The session.
        name: Name of the function, for reports.
        function: The function, sync or async.

    Raises:
        HandlerExited: If the function raises a ``BaseException`` that is not an ``Exception``.
    """
    try:
        await session.invoker.call(name, function, session.user_context)
    except HandlerExited:
        raise
    except Exception as error:
        session.report_failure(name, error)


def transport_of(context: Context) -> Literal["webrtc", "websocket", "telephone"]:
    """Return the transport of a connection."""
    if context.phone_call is not None:
        return "telephone"
    return "webrtc" if context.websocket is None else "websocket"
