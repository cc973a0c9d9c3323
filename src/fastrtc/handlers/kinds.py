"""Which handlers fit which modality and mode."""

from __future__ import annotations

import inspect
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextvars import Context
from functools import partial
from typing import Any, TypeAlias, TypeVar, cast, get_args

from ..core.errors import HandlerError
from ..core.tasks import run_in_thread
from ..core.types import AudioEmitType, Modality, Mode, VideoEmitType
from .base import StreamHandlerBase
from .invoke import as_exception
from .link import has_link, link_of
from .stream import (
    AsyncAudioVideoStreamHandler,
    AsyncStreamHandler,
    AudioVideoStreamHandler,
    StreamHandler,
)
from .video import VideoStreamHandler

__all__ = [
    "AsyncHandler",
    "AudioVideoStreamHandlerImpl",
    "HandlerType",
    "StreamHandlerImpl",
    "VideoEventGenerator",
    "VideoEventHandler",
    "VideoStreamHandlerImpl",
    "check_handler",
    "check_media",
    "copy_handler",
    "copy_handler_in_thread",
    "serves",
    "video_function",
]

logger = logging.getLogger(__name__)

StreamHandlerImpl: TypeAlias = StreamHandler | AsyncStreamHandler
AudioVideoStreamHandlerImpl: TypeAlias = AudioVideoStreamHandler | AsyncAudioVideoStreamHandler
VideoStreamHandlerImpl: TypeAlias = AudioVideoStreamHandlerImpl | VideoStreamHandler
AsyncHandler: TypeAlias = AsyncStreamHandler | AsyncAudioVideoStreamHandler
VideoEventHandler: TypeAlias = Callable[..., VideoEmitType | Awaitable[VideoEmitType]]
VideoEventGenerator: TypeAlias = Callable[
    ..., Generator[VideoEmitType, None, None] | AsyncGenerator[VideoEmitType, None]
]
AudioEventGenerator: TypeAlias = Callable[
    ..., Generator[AudioEmitType, None, None] | AsyncGenerator[AudioEmitType, None]
]
HandlerType: TypeAlias = (
    StreamHandlerImpl
    | AudioVideoStreamHandlerImpl
    | VideoStreamHandler
    | VideoEventHandler
    | VideoEventGenerator
    | AudioEventGenerator
    | Callable[..., Any]
)

T = TypeVar("T")


def video_function(handler: Any) -> Callable[..., Any]:
    """Give the function that a video handler consists of."""
    return handler.callable if isinstance(handler, VideoStreamHandler) else handler


def copy_handler(handler: T) -> T:
    """Make the handler of one connection; functions have no state and serve all.

    Raises:
        HandlerError: If ``copy()`` returns no handler.
        HandlerNotInitialized: If it returns one whose base class was not initialized.
        Exception: What ``copy()`` raises; ``HandlerExited`` if that is no ``Exception``.
    """
    if not isinstance(handler, StreamHandlerBase):
        return handler
    try:
        made = handler.copy()  # type: ignore[attr-defined]
    except BaseException as error:
        raised = as_exception(handler.copy, error)  # type: ignore[attr-defined]
        if raised is error:
            raise
        raise raised from error
    if not isinstance(made, StreamHandlerBase):
        raise HandlerError(
            f"{type(handler).__name__}.copy() must return a handler, not {_shown(made)}"
        )
    link_of(made)
    return cast(T, made)


_copied_on_loop: set[type] = set()
"""Classes whose ``copy()`` needs a running event loop."""


async def copy_handler_in_thread(handler: T, context: Context) -> T:
    """Make the handler of one connection without blocking the event loop.

    ``copy()`` is the program's: it may load a model. It runs in a thread of its own; or on the
    loop, where it asks for the running one, as it could in FastRTC 0.0.34.

    Args:
        handler: The handler.
        context: The context variables that ``copy()`` reads.

    Raises:
        Exception: As ``copy_handler``.
    """
    if not isinstance(handler, StreamHandlerBase):
        return handler
    if type(handler) not in _copied_on_loop:
        try:
            return await run_in_thread(partial(context.copy().run, copy_handler, handler))
        except RuntimeError as error:
            if "event loop" not in str(error):
                raise
            _copied_on_loop.add(type(handler))
    return context.copy().run(copy_handler, handler)


def check_media(modality: Any, mode: Any) -> None:
    """See whether there are such a modality and such a mode.

    Raises:
        ValueError: If not, naming the argument and what it may be.
    """
    if modality not in get_args(Modality):
        raise ValueError(f"Modality must be 'video', 'audio' or 'audio-video', not {modality!r}")
    if mode not in get_args(Mode):
        raise ValueError(f"mode must be 'send-receive', 'receive' or 'send', not {mode!r}")


def check_handler(handler: Any, modality: Modality, mode: Mode) -> None:
    """Check that a handler fits.

    An audio handler may have the modality ``"video"``, which is that of a ``Stream`` that names
    none: such a stream serves WebSockets and the telephone. It is warned of in the log.

    Raises:
        ValueError: If not, naming the argument and what it may be.
    """
    check_media(modality, mode)
    if inspect.isclass(handler) and issubclass(handler, StreamHandlerBase):
        raise ValueError(
            f"handler is the class {handler.__name__}: give an instance, {handler.__name__}(...)"
        )
    if isinstance(handler, StreamHandlerBase) and not has_link(handler):
        raise ValueError(f"{type(handler).__name__}.__init__() must call super().__init__()")
    if not _fits(handler, modality, mode):
        raise ValueError(
            f"handler for modality={modality!r} and mode={mode!r} must be "
            f"{_WANTED[modality, mode == 'receive']}, not {_shown(handler)}"
        )
    if not serves(handler, modality):
        logger.warning(
            "%s takes audio, but modality is 'video', which is the default: it is reached over "
            "WebSocket and by telephone only. For WebRTC give modality='audio'",
            type(handler).__name__,
        )


def serves(handler: Any, modality: Modality) -> bool:
    """Whether the media of a modality can go through a handler: one of audio takes no video."""
    return (
        modality == "audio"
        or not isinstance(handler, StreamHandlerBase)
        or isinstance(handler, AudioVideoStreamHandler | AsyncAudioVideoStreamHandler)
    )


_WANTED = {
    ("audio", False): "an instance of StreamHandler or AsyncStreamHandler",
    ("audio", True): "a generator function of audio, or a StreamHandler or AsyncStreamHandler",
    ("video", False): "a function of a frame, a VideoStreamHandler, or an audio-video handler",
    ("video", True): (
        "a generator function of frames, a VideoStreamHandler, or an audio-video handler"
    ),
    ("audio-video", False): (
        "an instance of AudioVideoStreamHandler or AsyncAudioVideoStreamHandler"
    ),
    ("audio-video", True): (
        "an instance of AudioVideoStreamHandler or AsyncAudioVideoStreamHandler"
    ),
}


def _fits(handler: Any, modality: Modality, mode: Mode) -> bool:
    if modality == "audio-video":
        return isinstance(handler, AudioVideoStreamHandler | AsyncAudioVideoStreamHandler)
    if isinstance(handler, StreamHandlerBase):
        return True
    if modality == "video":
        return callable(video_function(handler))
    return mode == "receive" and callable(handler)


def _shown(handler: Any) -> str:
    if inspect.isroutine(handler):
        return f"the function {getattr(handler, '__name__', handler)!s}"
    return f"{handler!r}" if handler is None else f"an instance of {type(handler).__name__}"
