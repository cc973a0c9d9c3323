"""Types of handlers, and which of them fit a modality and mode."""

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
    """Return the function of a video handler."""
    return handler.callable if isinstance(handler, VideoStreamHandler) else handler


def copy_handler(handler: T) -> T:
    """Create the handler of one connection; functions are stateless and shared.

    Raises:
        HandlerError: If ``copy()`` does not return a handler.
        HandlerNotInitialized: If the base class of the copy was not initialized.
        Exception: Any exception of ``copy()``; ``HandlerExited`` for a ``BaseException`` that is
            not an ``Exception``.
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
    """Create the handler of one connection without blocking the event loop.

    ``copy()`` is user code and may load a model. It runs in a thread of its own; or on the loop if
    it needs the running loop, which was available in FastRTC 0.0.34.

    Args:
        handler: The handler.
        context: The context variables visible to ``copy()``.

    Raises:
        Exception: As for ``copy_handler``.
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
    """Validate a modality and a mode.

    Raises:
        ValueError: If one is invalid; it names the argument and the valid values.
    """
    if modality not in get_args(Modality):
        raise ValueError(f"Modality must be 'video', 'audio' or 'audio-video', not {modality!r}")
    if mode not in get_args(Mode):
        raise ValueError(f"mode must be 'send-receive', 'receive' or 'send', not {mode!r}")


def check_handler(handler: Any, modality: Modality, mode: Mode) -> None:
    """Check that a handler fits a modality and a mode.

    An audio handler may have the modality ``"video"``, the default of ``Stream``: such a stream
    serves WebSockets and telephone calls. A warning is logged.

    Raises:
        ValueError: If it does not fit; it names the argument and the valid values.
    """
    check_media(modality, mode)
    if inspect.isclass(handler) and issubclass(handler, StreamHandlerBase):
        raise ValueError(
            f"handler is the class {handler.__name__}: pass an instance, {handler.__name__}(...)"
        )
    if (isinstance(handler, StreamHandlerBase) and not has_link(handler)) or (
        isinstance(handler, VideoStreamHandler) and not hasattr(handler, "callable")
    ):
        raise ValueError(f"{type(handler).__name__}.__init__() must call super().__init__()")
    if not _fits(handler, modality, mode):
        raise ValueError(
            f"handler for modality={modality!r} and mode={mode!r} must be "
            f"{_WANTED[modality, mode == 'receive']}, not {_shown(handler)}"
        )
    if not serves(handler, modality):
        logger.warning(
            "%s is an audio handler, but modality is 'video', the default: it is available over "
            "WebSocket and telephone only. For WebRTC set modality='audio'",
            type(handler).__name__,
        )


def serves(handler: Any, modality: Modality) -> bool:
    """Return whether a handler can process the media of a modality: not video, if audio-only."""
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
