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
    from .credentials import (
        CachedTurnCredentials,
        get_cloudflare_turn_credentials,
        get_cloudflare_turn_credentials_async,
        get_coturn_credentials,
        get_hf_turn_credentials,
        get_hf_turn_credentials_async,
        get_turn_credentials,
        get_turn_credentials_async,
        get_twilio_turn_credentials,
        get_twilio_turn_credentials_async,
    )
    from .pause_detection import (
        ModelOptions,
        PauseDetectionModel,
        SileroVadOptions,
        get_silero_model,
    )
    from .reply_on_pause import AlgoOptions, ReplyOnPause
    from .reply_on_stopwords import ReplyOnStopWords
    from .speech_to_text import MoonshineSTT, get_stt_model
    from .stream import Ice, Limits, Stream, UIArgs, Unauthorized
    from .text_to_speech import (
        CartesiaTTSOptions,
        EspeakTTSOptions,
        KokoroTTSOptions,
        get_tts_model,
    )
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
    from .webrtc import WebRTC
    from .webrtc_connection_mixin import CandidateInfo, CheckInfo, Diagnosis

__all__ = [
    "AdditionalOutputs",
    "AlgoOptions",
    "AsyncAudioVideoStreamHandler",
    "AsyncStreamHandler",
    "AudioEmitType",
    "AudioVideoStreamHandler",
    "CachedTurnCredentials",
    "CandidateInfo",
    "CartesiaTTSOptions",
    "CheckInfo",
    "CloseStream",
    "Diagnosis",
    "EspeakTTSOptions",
    "Ice",
    "KokoroTTSOptions",
    "Limits",
    "ModelOptions",
    "MoonshineSTT",
    "PauseDetectionModel",
    "ReplyOnPause",
    "ReplyOnStopWords",
    "SileroVadOptions",
    "Stream",
    "StreamHandler",
    "UIArgs",
    "Unauthorized",
    "VideoEmitType",
    "VideoStreamHandler",
    "Warning",
    "WebRTC",
    "WebRTCData",
    "WebRTCError",
    "__version__",
    "aggregate_bytes_to_16bit",
    "async_aggregate_bytes_to_16bit",
    "audio_to_bytes",
    "audio_to_file",
    "audio_to_float32",
    "audio_to_int16",
    "get_cloudflare_turn_credentials",
    "get_cloudflare_turn_credentials_async",
    "get_coturn_credentials",
    "get_current_context",
    "get_hf_turn_credentials",
    "get_hf_turn_credentials_async",
    "get_silero_model",
    "get_stt_model",
    "get_tts_model",
    "get_turn_credentials",
    "get_turn_credentials_async",
    "get_twilio_turn_credentials",
    "get_twilio_turn_credentials_async",
    "wait_for_item",
]

_HOMES = {
    "credentials": (
        "CachedTurnCredentials",
        "get_cloudflare_turn_credentials",
        "get_cloudflare_turn_credentials_async",
        "get_coturn_credentials",
        "get_hf_turn_credentials",
        "get_hf_turn_credentials_async",
        "get_turn_credentials",
        "get_turn_credentials_async",
        "get_twilio_turn_credentials",
        "get_twilio_turn_credentials_async",
    ),
    "pause_detection": (
        "ModelOptions",
        "PauseDetectionModel",
        "SileroVadOptions",
        "get_silero_model",
    ),
    "reply_on_pause": ("AlgoOptions", "ReplyOnPause"),
    "reply_on_stopwords": ("ReplyOnStopWords",),
    "speech_to_text": ("MoonshineSTT", "get_stt_model"),
    "stream": ("Ice", "Limits", "Stream", "UIArgs", "Unauthorized"),
    "telephony": (),
    "text_to_speech": (
        "CartesiaTTSOptions",
        "EspeakTTSOptions",
        "KokoroTTSOptions",
        "get_tts_model",
    ),
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
    "webrtc": ("WebRTC",),
    "webrtc_connection_mixin": ("CandidateInfo", "CheckInfo", "Diagnosis"),
    "websocket": (),
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
