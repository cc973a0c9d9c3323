"""The end of a handler: its ``shutdown`` and ``reset``, called when its session closes."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import Counter
from collections.abc import Coroutine
from contextvars import Context
from typing import Any

from ..core.failures import contained
from ..core.interruption import Interrupted, call_interruptibly
from ..core.tasks import TaskOwner
from ..handlers.base import StreamHandlerBase
from ..handlers.invoke import Invoker, is_async

__all__ = ["HandlerShutdown", "live_sessions"]

logger = logging.getLogger(__name__)

SHUTDOWN_TIMEOUT_S = 10.0
"""How long to wait for a handler's async ``shutdown``, or its ``reset``, in seconds, before it is
abandoned."""

SHUTDOWN_WARNING_S = 1.0
"""How long a sync ``shutdown`` may block the event loop before a warning is logged, in seconds."""

SHUTDOWN_LIMIT_S = 3.0
"""How long a sync ``shutdown`` may block the event loop while there are other connections, in
seconds; then it is interrupted, and ``shutdown`` of further handlers of its class runs in a
thread."""

live_sessions: Counter[int] = Counter()
"""Number of live sessions by the ``id()`` of their event loop."""

_shut_down_in_thread: set[type] = set()
"""Handler classes whose ``shutdown`` had to be interrupted on the event loop."""


class HandlerShutdown:
    """Call ``shutdown`` and ``reset`` of a handler, whatever they do.

    An exception is logged; a call that takes longer than 10 s is abandoned.

    Args:
        session_id: The id of the session, for the log.
        invoker: Runs the user code of the session.
        context: The context variables visible to the code.
    """

    def __init__(self, session_id: str, invoker: Invoker, context: Context) -> None:
        self._id = session_id
        self._invoker = invoker
        self._context = context
        self._loop = asyncio.get_running_loop()

    async def run(self, handler: StreamHandlerBase) -> None:
        """Call ``shutdown``, then ``reset``."""
        await self.finish("shutdown", self._call_shutdown(handler))
        await self.finish("reset", self._invoker.call("reset", handler.reset))

    async def _call_shutdown(self, handler: StreamHandlerBase) -> None:
        """Call ``shutdown`` on the event loop, where programs, sync or not, create tasks in it."""
        loop = self._loop
        began = loop.time()
        method = handler.shutdown
        if is_async(method) or type(handler) in _shut_down_in_thread:
            await self._invoker.call("shutdown", method)
            return
        if getattr(method, "__module__", "").partition(".")[0] == "fastrtc":  # ours do not block
            method()
            return
        try:
            result = call_interruptibly(
                method, SHUTDOWN_LIMIT_S, lambda: live_sessions[id(loop)] > 0
            )
        except TimeoutError as error:
            if isinstance(error.__cause__, Interrupted):
                _shut_down_in_thread.add(type(handler))
            raise
        took_s = loop.time() - began
        if took_s > SHUTDOWN_WARNING_S:
            logger.warning(
                "Session %s: shutdown() blocked the event loop, and all connections, for %.1f s: "
                "make it async, or start a thread in it",
                self._id,
                took_s,
            )
        if inspect.isawaitable(result):
            await result

    async def finish(self, name: str, call: Coroutine[Any, Any, Any]) -> None:
        """Run a last call of user code, within 10 s; log its exception.

        Args:
            name: The name of the function.
            call: The call.
        """

        def log(error: Exception) -> None:
            logger.error("Session %s: %s() failed", self._id, name, exc_info=error)

        owner = TaskOwner(f"fastrtc-{self._id}", self._context, log)
        task = owner.start(contained(name, call), name, awaits=call)
        try:
            late = await owner.join(SHUTDOWN_TIMEOUT_S)
        except asyncio.CancelledError:
            owner.cancel()
            raise
        if late:
            owner.cancel()
            logger.warning(
                "Session %s: %s() takes more than %.0f s and is abandoned",
                self._id,
                name,
                SHUTDOWN_TIMEOUT_S,
            )
        elif task.cancelled():
            logger.error("Session %s: %s() was cancelled by its own code", self._id, name)
