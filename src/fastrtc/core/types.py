"""Types of the inputs and outputs of handlers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeAlias, TypedDict

import numpy as np
from numpy.typing import NDArray

from .outputs import CloseStream, Delivered

__all__ = [
    "AudioChunk",
    "AudioEmitType",
    "AudioFrameType",
    "EmitType",
    "Layout",
    "Modality",
    "Mode",
    "RTCConfigurationCallable",
    "VideoEmitType",
    "VideoNDArray",
]

Layout: TypeAlias = Literal["mono", "stereo"]
Modality: TypeAlias = Literal["video", "audio", "audio-video"]
Mode: TypeAlias = Literal["send-receive", "receive", "send"]

_Samples: TypeAlias = NDArray[np.int16 | np.int32 | np.float32 | np.float64]

AudioFrameType: TypeAlias = tuple[int, _Samples] | tuple[int, _Samples, Layout]
"""A sample rate in Hz and samples; the optional third item is the layout of two channels."""

EmitType: TypeAlias = (
    AudioFrameType | Delivered | tuple[AudioFrameType, Delivered | CloseStream] | CloseStream | None
)
AudioEmitType: TypeAlias = EmitType

VideoNDArray: TypeAlias = NDArray[np.uint8 | np.float32]
VideoEmitType: TypeAlias = (
    VideoNDArray | tuple[VideoNDArray, Delivered | CloseStream] | Delivered | CloseStream | None
)

RTCConfigurationCallable: TypeAlias = (
    Callable[[], dict[str, Any]] | Callable[[], Awaitable[dict[str, Any]]]
)


class AudioChunk(TypedDict):
    """A stretch of speech, in samples from the start of the audio."""

    start: int
    end: int
