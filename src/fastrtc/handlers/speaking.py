"""``say`` and ``interrupt`` of handlers: what a program says of its own accord."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from concurrent.futures import Future, InvalidStateError
from typing import Any, TypeAlias

from ..core.errors import NotConnected
from ..core.tasks import runs_on_a_loop
from ..core.types import AudioFrameType, EmitType
from .link import link_of

__all__ = ["Sayable", "SpeechHandle", "interrupt", "say"]

Said: TypeAlias = str | AudioFrameType | Iterator[EmitType] | AsyncIterator[EmitType]
Sayable: TypeAlias = Said | Callable[[], Said | Awaitable[Said | None] | None]
"""What ``say`` accepts: text, audio, an iterator of audio, or a function that returns one."""


class SpeechHandle:
    """What a program says with ``say``, from then until it was played or interrupted.

    ``await handle`` on any event loop, or ``handle.wait()`` in a thread, ends then, and returns
    whether all of it was played. A reply function must not wait for it: it is played after the
    reply.
    """

    def __init__(self) -> None:
        self._ended: Future[bool] = Future()
        self._ended.set_running_or_notify_cancel()  # a task that waits for it cannot cancel it

    @property
    def done(self) -> bool:
        """Whether it was played or interrupted."""
        return self._ended.done()

    @property
    def played(self) -> bool:
        """Whether all of it was played."""
        return self._ended.done() and self._ended.result()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait in a thread until it was played or interrupted.

        Args:
            timeout: The longest time to wait, in seconds; None for no limit.

        Returns:
            Whether all of it was played; False also after the timeout.

        Raises:
            RuntimeError: On an event loop, which it would block.
        """
        if runs_on_a_loop():
            raise RuntimeError("This would block the event loop: await the handle instead")
        try:
            return self._ended.result(timeout)
        except TimeoutError:
            return False

    def __await__(self) -> Generator[Any, None, bool]:
        """Wait on an event loop; see the class."""
        return asyncio.wrap_future(self._ended).__await__()

    def end(self, played: bool) -> None:
        """Record that it was played or interrupted; only the first call counts; thread-safe."""
        with contextlib.suppress(InvalidStateError):  # it has ended
            self._ended.set_result(played)


def say(handler: Any, speech: Sayable, *, interruptible: bool = True) -> SpeechHandle:
    """Play speech on the connection of a handler, like ``handler.say()``; thread-safe.

    It does not depend on names that a program may choose.

    Raises:
        NotConnected: If the connection has ended, or there is none.
        CannotSay: As for ``StreamHandlerBase.say``.
    """
    link = link_of(handler)
    if link.say is None:
        raise NotConnected(
            f"{type(handler).__name__} is not connected: call say() on the handler of a "
            "connection, which copy() has created, or use Stream.say"
        )
    return link.say(speech, interruptible)


def interrupt(handler: Any) -> None:
    """Drop the unplayed output of a handler, and cancel its reply; thread-safe.

    Unlike ``handler.interrupt()``, it does not depend on names that a program may choose.
    """
    link = link_of(handler)
    if link.conversation is not None:
        link.conversation.interrupt_if_speaking()
    elif link.clear_queue is not None:
        handler.clear_queue()
