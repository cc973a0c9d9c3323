"""The reference's import path for messages, outputs, contexts and helpers for audio."""

from __future__ import annotations

import asyncio
from typing import Any

from .audio.convert import audio_to_float32, audio_to_int16
from .audio.files import (
    aggregate_bytes_to_16bit,
    async_aggregate_bytes_to_16bit,
    audio_to_bytes,
    audio_to_file,
)
from .core.context import Context, current_context, get_current_context
from .core.errors import WebRTCError
from .core.messages import DataChannel, Warning, create_message  # noqa: A004
from .core.outputs import AdditionalOutputs, CloseStream, split_output
from .core.types import AudioChunk, RTCConfigurationCallable
from .handlers.inputs import WebRTCData

__all__ = [
    "AdditionalOutputs",
    "AudioChunk",
    "CloseStream",
    "Context",
    "DataChannel",
    "RTCConfigurationCallable",
    "Warning",
    "WebRTCData",
    "WebRTCError",
    "aggregate_bytes_to_16bit",
    "async_aggregate_bytes_to_16bit",
    "audio_to_bytes",
    "audio_to_file",
    "audio_to_float32",
    "audio_to_int16",
    "create_message",
    "current_context",
    "get_current_context",
    "split_output",
    "wait_for_item",
]


async def wait_for_item(queue: asyncio.Queue[Any], timeout: float = 0.1) -> Any:
    """Take an item from a queue, waiting a moment for one.

    Args:
        queue: The queue.
        timeout: How long to wait, in seconds.

    Returns:
        The item, or None if none came in time.
    """
    try:
        return queue.get_nowait()  # what is there costs neither a task nor a timer
    except asyncio.QueueEmpty:
        pass
    try:
        return await asyncio.wait_for(queue.get(), timeout)
    except asyncio.TimeoutError:
        return None
