"""FastRTC's import path of messages, outputs, contexts and audio helpers."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
from collections.abc import Awaitable, Callable
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
from .core.messages import (
    DataChannel,
    Warning,  # noqa: A004
    create_message,
    current_channel,
)
from .core.outputs import AdditionalOutputs, CloseStream, split_output
from .core.rates import FRAME_S as AUDIO_PTIME
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
        return queue.get_nowait()  # an available item needs neither a task nor a timer
    except asyncio.QueueEmpty:
        pass
    try:
        return await asyncio.wait_for(queue.get(), timeout)
    except asyncio.TimeoutError:
        return None
