"""FastRTC's import path of handlers, their types, and media tracks."""

from __future__ import annotations

import logging

from .core.context import Context, current_context
from .core.errors import WebRTCError
from .core.messages import DataChannel, create_message, current_channel
from .core.outputs import AdditionalOutputs, CloseStream, split_output
from .core.types import AudioEmitType, EmitType, VideoEmitType, VideoNDArray
from .handlers.base import StreamHandlerBase
from .handlers.inputs import WebRTCData
from .handlers.kinds import (
    AsyncHandler,
    AudioVideoStreamHandlerImpl,
    HandlerType,
    StreamHandlerImpl,
    VideoEventGenerator,
    VideoEventHandler,
    VideoStreamHandlerImpl,
)
from .handlers.stream import (
    AsyncAudioVideoStreamHandler,
    AsyncStreamHandler,
    AudioVideoStreamHandler,
    StreamHandler,
)
from .handlers.video import VideoStreamHandler
from .pacing.worker import player_worker_decode
from .transport.webrtc.audio_tracks import AudioCallback, ServerToClientAudio
from .transport.webrtc.video_tracks import (
    ServerToClientVideo,
    VideoCallback,
    VideoStreamHandler_,
)

__all__ = [
    "AdditionalOutputs",
    "AsyncAudioVideoStreamHandler",
    "AsyncHandler",
    "AsyncStreamHandler",
    "AudioCallback",
    "AudioEmitType",
    "AudioVideoStreamHandler",
    "AudioVideoStreamHandlerImpl",
    "CloseStream",
    "Context",
    "DataChannel",
    "EmitType",
    "HandlerType",
    "ServerToClientAudio",
    "ServerToClientVideo",
    "StreamHandler",
    "StreamHandlerBase",
    "StreamHandlerImpl",
    "VideoCallback",
    "VideoEmitType",
    "VideoEventGenerator",
    "VideoEventHandler",
    "VideoNDArray",
    "VideoStreamHandler",
    "VideoStreamHandlerImpl",
    "VideoStreamHandler_",
    "WebRTCData",
    "WebRTCError",
    "create_message",
    "current_channel",
    "current_context",
    "player_worker_decode",
    "split_output",
]

logger = logging.getLogger(__name__)
