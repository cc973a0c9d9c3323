"""FastRTC's import path of messages, outputs, contexts and audio helpers."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import types
from collections.abc import Awaitable, Callable, Generator
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

from .audio.convert import audio_to_float32, audio_to_int16
from .audio.files import (
    aggregate_bytes_to_16bit,
    async_aggregate_bytes_to_16bit,
    audio_to_bytes,
    audio_to_file,
)
from .core.context import Context, current_context, get_current_context
from .core.errors import WebRTCError
from .core.loop_clock import TICK_S, clock_of
from .core.messages import (
    DataChannel,
    Warning,  # noqa: A004
    create_message,
    current_channel,
)
from .core.outputs import AdditionalOutputs, CloseStream, split_output
from .core.rates import FRAME_S as AUDIO_PTIME
from .core.speech import Speech
from .core.tool_call import ToolCall
from .core.transcript import Transcript
from .core.types import AudioChunk, RTCConfigurationCallable
from .handlers.inputs import WebRTCData
from .pacing.worker import player_worker_decode

if TYPE_CHECKING:
    from .ui.value import WebRTCModel

__all__ = [
    "AUDIO_PTIME",
    "AdditionalOutputs",
    "AudioChunk",
    "CloseStream",
    "Context",
    "DataChannel",
    "RTCConfigurationCallable",
    "Speech",
    "ToolCall",
    "Transcript",
    "Warning",
    "WebRTCData",
    "WebRTCError",
    "WebRTCModel",
    "aggregate_bytes_to_16bit",
    "async_aggregate_bytes_to_16bit",
    "audio_to_bytes",
    "audio_to_file",
    "audio_to_float32",
    "audio_to_int16",
    "create_message",
    "current_channel",
    "current_context",
    "get_current_context",
    "player_worker_decode",
    "split_output",
    "wait_for_item",
    "webrtc_error_handler",
]

logger = logging.getLogger(__name__)

T = TypeVar("T")
Function = TypeVar("Function", bound=Callable[..., object])


def __getattr__(name: str) -> Any:
    if name == "WebRTCModel":  # requires Gradio
        from .ui.value import WebRTCModel

        return WebRTCModel
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def webrtc_error_handler(func: Function) -> Function:
    """Decorate a function so that its exceptions are shown to the client.

    Args:
        func: Sync or async.

    Returns:
        A function of the same kind. It logs an exception with its traceback, and raises a
        ``WebRTCError`` with the same message.
    """

    def fail(error: Exception) -> NoReturn:
        logger.error("%s failed", getattr(func, "__qualname__", func), exc_info=error)
        raise error if isinstance(error, WebRTCError) else WebRTCError(str(error)) from error

    @functools.wraps(func)
    async def wait(*args: object, **kwargs: object) -> object:
        try:
            return await cast(Callable[..., Awaitable[object]], func)(*args, **kwargs)
        except Exception as error:
            fail(error)

    @functools.wraps(func)
    def call(*args: object, **kwargs: object) -> object:
        try:
            return func(*args, **kwargs)
        except Exception as error:
            fail(error)

    return cast(Function, wait if inspect.iscoroutinefunction(func) else call)


async def wait_for_item(queue: asyncio.Queue[T], timeout: float = 0.1) -> T | None:
    """Remove and return an item of a queue; wait for one if it is empty.

    Args:
        queue: The queue.
        timeout: How long to wait, in seconds.

    Returns:
        The item, or None after the timeout.
    """
    try:
        return queue.get_nowait()  # an available item needs no timer
    except asyncio.QueueEmpty:
        pass
    if timeout is not None and type(queue).get is asyncio.Queue.get:
        return await _get_within(queue, timeout)
    try:
        return await asyncio.wait_for(queue.get(), timeout)
    except asyncio.TimeoutError:
        return None


@types.coroutine
def _get_within(
    queue: asyncio.Queue[T], timeout: float
) -> Generator[asyncio.Future[Any], None, T | None]:
    """Run ``queue.get()`` in the calling task, up to *timeout* seconds.

    ``asyncio.wait_for`` creates a task for it before Python 3.12. ``get`` waits for a future, and
    removes an item only after that: wherever it is ended, no item is lost.
    """
    loop = asyncio.get_running_loop()
    clock, deadline = clock_of(loop), loop.time() + timeout
    getting = queue.get()
    try:
        waiter = getting.send(None)
        while True:
            clock.wake_at(deadline, waiter)
            try:
                yield waiter
            except BaseException as error:  # cancelled
                clock.note_done()
                waiter = getting.throw(error)
                continue
            if queue.empty() and loop.time() >= deadline - TICK_S:
                return None
            clock.note_done()
            waiter = getting.send(None)
    except StopIteration as returned:
        item: T = returned.value
        return item
    finally:
        getting.close()
