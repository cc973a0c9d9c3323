"""Guards of callbacks of aiortc, aioice and the event loop: none of our exceptions reaches them.

aiortc closes a connection if a callback raises in its receive loop, ends a sender if its track
raises, and logs either at ``WARNING`` or below.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from aiortc.mediastreams import MediaStreamError

from ...core.log_throttle import LogThrottle

__all__ = ["guarded", "guarded_async", "log_failure", "retried", "watch_listeners"]

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
D = TypeVar("D")

_throttles: defaultdict[str, LogThrottle] = defaultdict(LogThrottle)  # by the name of the callback


def log_failure(name: str, error: BaseException) -> None:
    """Log an exception that is not propagated, no more than once a minute for each callback.

    Args:
        name: The callback that raised it.
        error: The exception, whose traceback is logged.
    """
    _throttles[name].log(logger.error, "%s failed; the connection continues", name, exc_info=error)


def guarded(default: D) -> Callable[[Callable[P, T]], Callable[P, T | D]]:
    """Return a decorator that logs exceptions of a callback and returns a default instead.

    Args:
        default: The value to return if the callback raises.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T | D]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> T | D:
            try:
                return function(*args, **kwargs)
            except Exception as error:
                log_failure(_name(function), error)
                return default

        return call

    return decorate


def guarded_async(
    default: D, *, passes: tuple[type[Exception], ...] = ()
) -> Callable[[Callable[P, Awaitable[T]]], Callable[P, Coroutine[Any, Any, T | D]]]:
    """Return the decorator for coroutine functions; see ``guarded``.

    Args:
        default: The value to return if the callback raises.
        passes: Exceptions to propagate, which the caller of the callback expects.
    """

    def decorate(function: Callable[P, Awaitable[T]]) -> Callable[P, Coroutine[Any, Any, T | D]]:
        @functools.wraps(function)
        async def call(*args: P.args, **kwargs: P.kwargs) -> T | D:
            try:
                return await function(*args, **kwargs)
            except passes:
                raise
            except Exception as error:
                log_failure(_name(function), error)
                return default

        return call

    return decorate


def retried(
    pause_s: float,
) -> Callable[[Callable[P, Awaitable[T]]], Callable[P, Coroutine[Any, Any, T]]]:
    """Return a decorator that logs exceptions of a coroutine function and calls it again.

    ``MediaStreamError``, which signals the end of a track, is propagated.

    Args:
        pause_s: How long to wait before the next call, in seconds.
    """

    def decorate(function: Callable[P, Awaitable[T]]) -> Callable[P, Coroutine[Any, Any, T]]:
        @functools.wraps(function)
        async def call(*args: P.args, **kwargs: P.kwargs) -> T:
            while True:
                try:
                    return await function(*args, **kwargs)
                except MediaStreamError:
                    raise
                except Exception as error:
                    log_failure(_name(function), error)
                await asyncio.sleep(pause_s)

        return call

    return decorate


def watch_listeners(emitter: Any) -> None:
    """Log exceptions of the listeners of an aiortc object, including the program's listeners.

    pyee, whose ``EventEmitter`` these objects are, passes an exception to the listeners of
    ``"error"``; without any, it raises the exception into aiortc.
    """
    emitter.on("error", functools.partial(log_failure, f"A listener of {type(emitter).__name__}"))


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", repr(function))
