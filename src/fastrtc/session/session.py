"""One connection, from its offer to its end."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

from ..core.close_reason import INTERNAL_ERROR, NORMAL, CloseReason, EndCode
from ..core.context import Call, Connected, Context, connect_context, current_context
from ..core.errors import HandlerExited, HandlerKeepsFailing
from ..core.failures import CallbackFailures, as_exception, contained, text_of
from ..core.identity import Identity
from ..core.messages import DataChannel, create_message, current_post, end_message
from ..core.outputs import AdditionalOutputs, Delivered
from ..core.recording import NO_RECORDING
from ..core.stats import ConnectionStats
from ..core.tasks import TaskOwner, runs_on
from ..core.transcript import Transcript
from ..handlers.abandoned import GRACE_S, abandoned
from ..handlers.base import StreamHandlerBase
from ..handlers.invoke import Invoker
from ..handlers.kinds import copy_handler, copy_handler_in_thread
from ..handlers.link import link_of
from .client_calls import ClientCalls
from .client_messages import ClientMessages
from .error_reports import ErrorReports
from .events import SessionEvents
from .handler_shutdown import HandlerShutdown, live_sessions
from .hooks import Hooks
from .methods import Methods
from .outbox import Outbox
from .recording import SessionRecording
from .state import State
from .timers import SessionTimers
from .turn_log import TurnLog

if TYPE_CHECKING:
    from .resumption import Resumption

__all__ = ["Session", "State"]

logger = logging.getLogger(__name__)

TASKS_TIMEOUT_S = 1.0
"""How long to wait for cancelled tasks, in seconds; user code that swallows the cancellation is
abandoned."""

CANCELLED_WAIT_S = 0.1
"""How long after user code cancelled a task of the session the session ends, in seconds. A loop
that is being closed cancels all tasks, and has ended by then."""


class Session:
    """One connection, independent of its transport.

    It owns the copy of the handler, the context of user code, the messages to the client, and all
    tasks and threads. Create it in the context of the code that requests the connection: user code
    sees its context variables.

    Args:
        id: The id chosen by the client.
        handler: The handler, which is copied.
        deliver: Called on the event loop with each ``AdditionalOutputs``.
        release: Called once when the session starts to close, before anything else.
        time_limit: Maximum time that the session is live, in seconds.
        websocket: The WebSocket that it uses, if any.
        copies: Whether to copy the handler; if False, it is used itself.
        call: The telephone call, if it is one.
        identity: What is known about the client.
        hooks: The functions and options of the stream.

    Attributes:
        user_context: The context that user code gets.
        errors: Its reports of exceptions of the program.
        messages: The messages of the client.
        calls: The program's calls to the client.
        timers: The limits of its duration and of its idle time.
        captions: Whether the client gets the texts of ``Speech`` as transcripts.
        turns: The turns of its conversation, and who follows it.
        read_stats: Returns the figures of the connection; set by its transport.
        recording: Its recording; None if the stream has no recorder.
        channel: The channel for messages of the program, once it is open.
        closers: What ``on_close`` has registered.
        resumption: Keeps the session while its client has no network; None if it need not.
        tells_codes: Whether the client gets the codes of an end and the warning before a time
            limit, which FastRTC 0.0.34 did not send.
    """

    def __init__(
        self,
        id: str,
        handler: Any,
        *,
        deliver: Callable[[AdditionalOutputs], Any],
        release: Callable[[Session], None],
        time_limit: float | None = None,
        websocket: Any = None,
        copies: bool = True,
        call: Call | None = None,
        identity: Identity = Identity(),  # noqa: B008, it is frozen
        hooks: Hooks | None = None,
    ) -> None:
        self.id = id
        self.state = State.NEW
        self.reason: CloseReason | None = None
        self.closed = asyncio.Event()
        self.loop = asyncio.get_running_loop()
        self._release = release
        self._deliver_outputs = deliver
        self.tells_codes = True
        self.channel: DataChannel | None = None
        self.resumption: Resumption | None = None
        hooks = hooks or Hooks()
        self.captions = hooks.captions
        self._stoppers: list[Callable[[], Awaitable[None]]] = []
        self.closers: list[Callable[[CloseReason], Awaitable[None]]] = []
        self._starters: list[Callable[[], None]] = []
        self._when_closed: list[Callable[[Session], None]] = []
        self._closing: asyncio.Task[None] | None = None

        self.outbox = Outbox()
        self.errors = ErrorReports(id, self.outbox.post, self.loop.time)
        self.context = contextvars.copy_context()
        self.calls = ClientCalls(self.outbox.post, self.loop)
        self.user_context = Context(
            id, websocket, call, identity.request, dict(identity.metadata), identity.user
        )
        self.recording: SessionRecording | None = None
        close = functools.partial(self.close, tell=True, end="server")
        connect_context(
            self.user_context,
            Connected(
                close,
                self.outbox.post,
                self.calls.call,
                self.calls.call_sync,
                self.transcribe,
                lambda: self.turns.records,
                lambda: self.recording or NO_RECORDING,
            ),
        )
        self.context.run(current_context.set, self.user_context)
        self.context.run(current_post.set, self.errors.show)
        self._tasks = TaskOwner(f"fastrtc-{id}", self.context, self.fail)
        self.invoker = Invoker(f"fastrtc-{id}", self.context)
        self.messages = ClientMessages(
            lambda: self.handler,
            hooks.on_message,
            self.invoker,
            self.outbox.post,
            self._tasks.start,
            self.errors.report_failure,
        )
        methods = Methods(
            hooks.methods,
            self.invoker,
            self.outbox.post,
            self._tasks.start,
            self.errors.log_failure,
        )
        self.messages.is_used = lambda: bool(hooks.methods) or self.calls.pending
        self.messages.on("call", methods.receive)
        self.messages.on("result", self.calls.receive)
        self.timers = SessionTimers(self, time_limit, hooks.idle_timeout)
        self._events = SessionEvents(self, hooks)
        self.turns = TurnLog(self)
        self.read_stats: Callable[[], ConnectionStats] | None = None
        self._events.follow_turns()
        self._shutdown = HandlerShutdown(id, self.invoker, self.context)
        if hooks.record is not None:
            self.recording = SessionRecording(self, hooks.record)
        self.handler = self.context.copy().run(copy_handler, handler) if copies else handler
        self._link_handler()

    @classmethod
    async def create(cls, id: str, handler: Any, *, copies: bool = True, **options: Any) -> Session:
        """Create a session and copy the handler in a thread; see the class.

        Raises:
            Exception: As for ``copy_handler``.
        """
        session = cls(id, None, copies=False, **options)
        if copies:
            handler = await copy_handler_in_thread(handler, session.context)
        session.handler = handler
        session._link_handler()
        return session

    def _link_handler(self) -> None:
        if isinstance(self.handler, StreamHandlerBase):
            link = link_of(self.handler)
            link.loop = self.loop
            link.context = self.context
            link.post = self.outbox.post
            link.report = self.report
            link.start_task = self._tasks.start

    @property
    def connected_s(self) -> float:
        """How long the connection has been established, in seconds; 0 before."""
        return self._events.connected_s

    @property
    def ended(self) -> bool:
        """Whether the session is closing or closed."""
        return self.state in (State.CLOSING, State.CLOSED)

    def on_start(self, starter: Callable[[], None]) -> None:
        """Register a function to call when the connection is established."""
        self._starters.append(starter)

    def on_stop(self, stopper: Callable[[], Awaitable[None]]) -> None:
        """Register a function to await after the tasks have ended, before ``shutdown()``."""
        self._stoppers.append(stopper)

    def on_close(self, closer: Callable[[CloseReason], Awaitable[None]]) -> None:
        """Register what closes the transport; it is awaited once, beside ``shutdown()``."""
        self.closers.append(closer)

    def on_closed(self, callback: Callable[[Session], None]) -> None:
        """Register a function to call when the session is closed."""
        self._when_closed.append(callback)

    def start(self) -> None:
        """Go live: the connection is established. Further calls do nothing."""
        if self.state is not State.NEW:
            return
        self.state = State.LIVE
        live_sessions[id(self.loop)] += 1
        self.timers.start()
        self.turns.connected()
        self._events.connected()
        for starter in self._starters:
            starter()
        self.messages.start()

    def run(self, name: str, work: Coroutine[Any, Any, str | None]) -> asyncio.Task[Any]:
        """Run a part of the session as a task.

        Args:
            name: Name of the task.
            work: The coroutine. A reason that it returns ends the session, as does an exception,
                which is logged and shown to the client, and a cancellation by user code.
        """
        return self._tasks.start(self._watch(name, work), name, awaits=work)

    async def _watch(self, name: str, work: Coroutine[Any, Any, str | None]) -> None:
        try:
            reason = await contained(name, work)
        except asyncio.CancelledError as error:
            if not self.ended:
                self.loop.call_later(CANCELLED_WAIT_S, self._cancelled, name, error)
            raise
        if reason is not None:
            self.close(reason, tell=True, end="server")

    def _cancelled(self, name: str, error: asyncio.CancelledError) -> None:
        if not self.ended:
            self.fail(as_exception(name, error))

    def failures(self, name: str) -> CallbackFailures:
        """Create the failure record of a callback that is called for each frame.

        Args:
            name: Name of the callback.
        """
        return CallbackFailures(name, self.errors.report_failure, self.loop.time)

    def transcribe(self, transcript: Transcript) -> None:
        """Send a transcript to the client, unless it is a telephone; thread-safe."""
        if self.user_context.phone_call is None:
            self.outbox.post(transcript.message())
        self.turns.transcribed(transcript)

    def deliver(self, outputs: Delivered) -> None:
        """Pass outputs to the program and notify the client, or send it a transcript.

        Raises:
            Exception: Any exception of the program's function.
            HandlerExited: If that is a ``BaseException`` but not an ``Exception``.
        """
        if isinstance(outputs, Transcript):
            self.transcribe(outputs)
            return
        try:
            self._deliver_outputs(outputs)
        except Exception:
            raise
        except BaseException as error:
            raise as_exception(self._deliver_outputs, error) from error
        self.outbox.post(create_message("fetch_output", []))

    def fail(self, error: Exception) -> None:
        """End the session because of an exception: log it once and show it to the client."""
        if self.ended:
            logger.debug("Session %s: an error while closing", self.id, exc_info=error)
            return
        self.errors.report(error, "error" if self.tells_codes else None)
        known = isinstance(error, HandlerExited | HandlerKeepsFailing)
        text = text_of(error) if known else f"{type(error).__name__}: {text_of(error)}"
        self.close(text, INTERNAL_ERROR)

    def report(self, error: Exception) -> None:
        """Log an exception that ended a turn, and show it to the client; thread-safe.

        A ``BaseException`` of user code that is not an ``Exception`` ends the session.
        """
        if isinstance(error, HandlerExited):
            self.fail(error)
        else:
            self.errors.report(error)

    def report_failure(self, name: str, error: Exception) -> None:
        """Log an exception of a callback, throttled, and show it to the client once."""
        self.errors.report_failure(name, error)

    async def call_last(self, name: str, call: Coroutine[Any, Any, Any]) -> None:
        """Run a last call of user code while the session closes; see ``HandlerShutdown``."""
        await self._shutdown.finish(name, call)

    def close(
        self, text: str, code: int = NORMAL, *, tell: bool = False, end: EndCode | None = None
    ) -> None:
        """End the session; from any thread, any number of times.

        Args:
            text: Why.
            code: The close code of a WebSocket.
            tell: Whether the client gets an ``end_stream`` with the text.
            end: Why, as a code; None derives it from the close code.
        """
        if not runs_on(self.loop):
            self.invoker.post(functools.partial(self.close, text, code, tell=tell, end=end))
            return
        if self.ended:
            return
        reason = CloseReason(code, text, end)
        if tell or self.resumption is not None:  # otherwise the client would try to resume
            self.outbox.post(end_message(text, reason.end_code if self.tells_codes else None))
        if self.state is State.LIVE:
            live_sessions[id(self.loop)] -= 1
        self.state = State.CLOSING
        self.reason = reason
        self.turns.end()
        self._events.closing()
        self.errors.close()
        logger.debug("Session %s closes: %s", self.id, text)
        self.timers.stop()
        self.calls.close()
        try:
            self._release(self)
        except BaseException:  # raised by a program's clean_up
            logger.exception("Session %s: clean_up failed", self.id)
        self._closing = self.loop.create_task(self._close(reason), name=f"fastrtc-{self.id}:close")

    async def _close(self, reason: CloseReason) -> None:
        try:
            self._tasks.cancel()
            self.invoker.stop()
            late = await self._tasks.join(TASKS_TIMEOUT_S)
            if late:  # cancel again code that ignored or missed it
                self._tasks.cancel()
                late = await self._tasks.join(TASKS_TIMEOUT_S / 10)
            if late:
                logger.warning("Session %s: these did not end when cancelled: %s", self.id, late)
            await asyncio.gather(*(self._close_one(stopper) for stopper in self._stoppers))
            closers = (functools.partial(closer, reason) for closer in self.closers)
            await asyncio.gather(self._shut_down(), *map(self._close_one, closers))
            self.turns.close()
            await self._events.disconnected(reason)
        finally:
            self.invoker.close()
            self.outbox.close()
            self.state = State.CLOSED
            self.closed.set()
            if abandoned.add(f"fastrtc-{self.id}:"):
                self.loop.call_later(1.1 * GRACE_S, abandoned.look)
            for callback in self._when_closed:
                callback(self)

    def abandon(self) -> None:
        """Stop waiting for parts of the session that have not ended since ``close``."""
        if self._closing is not None:
            self._closing.cancel()

    async def _close_one(self, closer: Callable[[], Awaitable[None]]) -> None:
        try:
            await closer()
        except Exception:
            logger.exception("Session %s did not close cleanly", self.id)

    async def _shut_down(self) -> None:
        if isinstance(self.handler, StreamHandlerBase):
            await self._shutdown.run(self.handler)
