"""Exceptions of user code: each costs its call or its connection, and nothing else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from .errors import HandlerExited, HandlerKeepsFailing

__all__ = ["CallbackFailures", "as_exception", "contained", "text_of"]

T = TypeVar("T")

FAILING_LIMIT_S = 5.0
"""How long a callback may fail without a success before its connection ends, in seconds."""

MIN_FAILURES = 3
"""The least number of consecutive failures that ends a connection: two failures that are far apart,
such as those of an ``emit`` that waits for minutes, do not."""


class CallbackFailures:
    """Count the failures of a callback that is called repeatedly. No I/O.

    A failure costs the frame that the callback was called for. A callback that has failed for 5 s
    without a success ends its connection.

    Args:
        name: The name of the callback, such as ``"emit"``.
        report: Called with the name and each exception.
        clock: Returns the time in seconds.
    """

    def __init__(
        self,
        name: str,
        report: Callable[[str, Exception], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._report = report
        self._clock = clock
        self._count = 0  # in a row
        self._since = 0.0  # time of the first of them

    def succeeded(self) -> None:
        """Record a call without an exception."""
        self._count = 0

    def failed(self, error: Exception) -> None:
        """Record an exception, and report it unless it ends the connection at once.

        Raises:
            HandlerExited: If *error* is one.
            HandlerKeepsFailing: If the callback has failed for 5 s without a success.
        """
        if isinstance(error, HandlerExited):
            raise error
        self._report(self._name, error)
        now = self._clock()
        if self._count == 0:
            self._since = now
        self._count += 1
        if self._count >= MIN_FAILURES and now - self._since >= FAILING_LIMIT_S:
            raise HandlerKeepsFailing(
                f"{self._name} has failed {self._count} times in {now - self._since:.0f} s "
                f"without a success: {text_of(error)}"
            ) from error


def text_of(error: BaseException) -> str:
    """Return the message of an exception of user code; its type's name if it has none."""
    try:
        text = str(error)
    except Exception:  # its own ``__str__`` failed
        text = ""
    return text or type(error).__name__


def as_exception(function: Callable[..., Any] | str, error: BaseException) -> Exception:
    """Convert what user code raised into an exception that affects nothing else.

    ``SystemExit`` and ``KeyboardInterrupt`` would end the loop with all its connections; a
    cancellation that was not requested would end the task that sees it; a future cannot hold
    ``StopIteration`` (PEP 479).

    Args:
        function: The function that raised it, or its name.
        error: The exception.
    """
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    name = getattr(function, "__qualname__", function)
    kind = RuntimeError if isinstance(error, StopIteration) else HandlerExited
    text, type_name = text_of(error), type(error).__name__
    raised = kind(f"{name} raised {type_name}" + (f": {text}" if text != type_name else ""))
    raised.__cause__ = error
    return raised


async def contained(function: Callable[..., Any] | str, awaitable: Awaitable[T]) -> T:
    """Await user code; convert exceptions that would end the loop or the awaiting task.

    A requested cancellation is raised unchanged. Python 3.10 cannot distinguish it: there, every
    cancellation is.

    Args:
        function: The user's function, or its name.
        awaitable: Its result.

    Raises:
        Exception: The exception of the user's code.
        HandlerExited: If it is not an ``Exception``.
    """
    task = asyncio.current_task()
    try:
        return await awaitable
    except Exception:
        raise
    except asyncio.CancelledError as error:
        cancelling = getattr(task, "cancelling", None)
        if cancelling is None or cancelling():
            raise
        raise as_exception(function, error) from error
    except GeneratorExit as error:
        if _current_task() is not task:  # the coroutine is being closed
            raise
        raise as_exception(function, error) from error
    except BaseException as error:
        raise as_exception(function, error) from error


def _current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:  # no loop is running
        return None
