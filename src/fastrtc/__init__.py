"""Turn any Python function into a real-time audio and video stream.

Over WebRTC, from a browser or any other peer::

    from fastrtc import Stream

    def flip(frame):
        return frame[::-1]

    stream = Stream(flip, modality="video", mode="send-receive")
    stream.mount(app)  # a FastAPI app

Names are loaded on first use (PEP 562), so that importing the package costs little.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from .core.types import AudioEmitType, VideoEmitType
    from .pause_detection import (
        ModelOptions,
        PauseDetectionModel,
        SileroVadOptions,
        get_silero_model,
    )
    from .reply_on_pause import AlgoOptions, ReplyOnPause
    from .stream import Stream
    from .tracks import (
        AsyncAudioVideoStreamHandler,
        AsyncStreamHandler,
        AudioVideoStreamHandler,
        StreamHandler,
        VideoStreamHandler,
    )
    from .utils import (
        AdditionalOutputs,
        CloseStream,
        Warning,  # noqa: A004
        WebRTCData,
        WebRTCError,
        aggregate_bytes_to_16bit,
        async_aggregate_bytes_to_16bit,
        audio_to_bytes,
        audio_to_file,
        audio_to_float32,
        audio_to_int16,
        get_current_context,
        wait_for_item,
    )

__all__ = [
    "AdditionalOutputs",
    "AlgoOptions",
    "AsyncAudioVideoStreamHandler",
    "AsyncStreamHandler",
    "AudioEmitType",
    "AudioVideoStreamHandler",
    "CloseStream",
    "ModelOptions",
    "PauseDetectionModel",
    "ReplyOnPause",
    "SileroVadOptions",
    "Stream",
    "StreamHandler",
    "VideoEmitType",
    "VideoStreamHandler",
    "Warning",
    "WebRTCData",
    "WebRTCError",
    "__version__",
    "aggregate_bytes_to_16bit",
    "async_aggregate_bytes_to_16bit",
    "audio_to_bytes",
    "audio_to_file",
    "audio_to_float32",
    "audio_to_int16",
    "get_current_context",
    "get_silero_model",
    "wait_for_item",
]

_HOMES = {
    "pause_detection": (
        "ModelOptions",
        "PauseDetectionModel",
        "SileroVadOptions",
        "get_silero_model",
    ),
    "reply_on_pause": ("AlgoOptions", "ReplyOnPause"),
    "stream": ("Stream",),
    "tracks": (
        "AsyncAudioVideoStreamHandler",
        "AsyncStreamHandler",
        "AudioEmitType",
        "AudioVideoStreamHandler",
        "StreamHandler",
        "VideoEmitType",
        "VideoStreamHandler",
    ),
    "utils": (
        "AdditionalOutputs",
        "CloseStream",
        "Warning",
        "WebRTCData",
        "WebRTCError",
        "aggregate_bytes_to_16bit",
        "async_aggregate_bytes_to_16bit",
        "audio_to_bytes",
        "audio_to_file",
        "audio_to_float32",
        "audio_to_int16",
        "get_current_context",
        "wait_for_item",
    ),
    "webrtc_connection_mixin": (),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name in _HOMES:  # ``fastrtc.tracks`` works after a plain ``import fastrtc``
        return importlib.import_module(f".{name}", __name__)
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOME_OF[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_HOMES})
