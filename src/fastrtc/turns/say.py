"""What a program says of its own accord, as the source of a reply."""

from __future__ import annotations

import inspect
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from ..core.outputs import is_output
from ..handlers.invoke import is_async
from ..handlers.speaking import SpeechHandle
from ..text_to_speech.protocol import TTSModel
from .reply import Reply

__all__ = ["Say", "speech_function"]


class Say:
    """Speech from its ``say`` until it was played or interrupted; thread-safe.

    Args:
        function: Returns or yields what is to be played; for ``Reply.bind``.
        interruptible: Whether the client may interrupt it.
        made: Called when all of its audio is queued.

    Attributes:
        handle: What the program waits for.
    """

    def __init__(
        self, function: Callable[[], Any], interruptible: bool, made: Callable[[Say], None]
    ) -> None:
        self.function = function
        self.interruptible = interruptible
        self.handle = SpeechHandle()
        self._made = made
        self._lock = threading.Lock()
        self._reply: Reply | None = None

    @property
    def done(self) -> bool:
        """Whether it was played or interrupted."""
        return self.handle.done

    @property
    def begun(self) -> bool:
        """Whether its turn has come."""
        return self._reply is not None

    def begin(self, reply: Reply) -> bool:
        """Record that *reply* plays it; return whether it has not been canceled."""
        with self._lock:
            self._reply = reply
            return not self.handle.done

    def end(self) -> None:
        """Record that its reply has ended, and all of its audio is queued."""
        if self._reply is None or self._reply.superseded:
            self.cancel()
        else:
            self._made(self)

    def cancel(self) -> None:
        """End it: nothing more of it is played."""
        with self._lock:
            self.handle.end(False)
            reply = self._reply
        if reply is not None:
            reply.supersede()


def speech_function(speech: Any, voice: Callable[[], TTSModel[Any]]) -> Callable[[], Any]:
    """Return a function for ``Reply.bind`` that gives what is to be played.

    Args:
        speech: Text, audio, an iterator, or a function that returns or yields one of these.
        voice: Returns the model that speaks text; called only for text.

    Raises:
        TypeError: If *speech* is something else.
        Exception: The exceptions of ``voice``, if *speech* is text.
    """
    if isinstance(speech, str):
        model = voice()
        return lambda: model.stream_tts_sync(speech)
    if is_output(speech):
        return lambda: iter((speech,))
    if not callable(speech):
        if not hasattr(speech, "__iter__") and not hasattr(speech, "__aiter__"):
            raise TypeError(
                "say() takes a text, audio as (rate, samples), an iterator of audio, or a function "
                f"that returns one of these, not {speech!r}"
            )
        return lambda: speech.__aiter__() if hasattr(speech, "__aiter__") else speech
    if not is_async(speech):
        return lambda: _items(speech(), voice)
    function: Callable[[], Any] = speech
    if inspect.isasyncgenfunction(function):
        return function

    async def call() -> Any:
        result = function()
        return _async_items(await result if inspect.isawaitable(result) else result, voice)

    return call


def _items(result: Any, voice: Callable[[], TTSModel[Any]]) -> Any:
    """Return an iterator of what a function has returned, in the thread of the reply."""
    if isinstance(result, str):
        return voice().stream_tts_sync(result)
    if inspect.isawaitable(result):
        return _awaited(result, voice)
    return iter((result,)) if is_output(result) else result


async def _awaited(result: Awaitable[Any], voice: Callable[[], TTSModel[Any]]) -> Any:
    return _async_items(await result, voice)


def _async_items(result: Any, voice: Callable[[], TTSModel[Any]]) -> AsyncIterator[Any] | Any:
    """Return the same on the event loop."""
    if isinstance(result, str):
        return voice().stream_tts(result)
    return iter((result,)) if is_output(result) else result
