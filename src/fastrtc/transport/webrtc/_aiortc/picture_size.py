"""Bounds on the size of the pictures that aiortc decodes."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from ....core.log_throttle import LogThrottle
from ..guard import guarded
from .patch import Patch

__all__ = ["PATCH", "limit_pictures", "vp8_size"]

logger = logging.getLogger(__name__)

PATCH = Patch(
    name="picture size",
    target="aiortc.rtcrtpreceiver.get_decoder",
    seen="aiortc 1.15 and 1.16",
    needs=(
        "aiortc.rtcrtpreceiver.get_decoder",
        "aiortc.rtcrtpreceiver.threading.Thread",  # the limit is in the context of the threads
        "Vp8Decoder().codec.options",
        "Vp8Decoder().decode",
        "H264Decoder().codec.options",
        "H264Decoder().decode",
    ),
    lost="a packet of a client can make the server decode a picture of 16383 x 16383 pixels",
    upstream="upstream.md#smaller-proposals",
    delete_when="aiortc bounds the size of pictures",
    is_bound=True,
)

LOGGERS = ("aiortc.rtcrtpreceiver", "aiortc.codecs.vpx", "aiortc.codecs.h264")
"""Loggers that report damaged frames: the first from aiortc 1.16 on, the others before."""

_too_large = LogThrottle()

_max_pixels: ContextVar[int | None] = ContextVar("max_pixels", default=None)


@contextmanager
def limit_pictures(pixels: int) -> Iterator[None]:
    """Bound the pictures of the connections that are established within this context.

    aiortc's factory of decoders is replaced by one whose decoders check the size first. Decoders
    are created in threads that have the context of the code that started the connection; see
    ``make_decoder_threads_daemons``.

    Args:
        pixels: Maximum number of pixels of a picture.
    """
    if PATCH.fits:
        module: Any = importlib.import_module("aiortc.rtcrtpreceiver")
        if not hasattr(module.get_decoder, "limited"):
            module.get_decoder = _limiting(module.get_decoder)
            for name in LOGGERS:
                logging.getLogger(name).addFilter(_DamagedFrames())
    token = _max_pixels.set(pixels)
    try:
        yield
    finally:
        _max_pixels.reset(token)


def _limiting(get_decoder: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def get_limited_decoder(codec: Any) -> Any:
        decoder = get_decoder(codec)
        pixels = _max_pixels.get()
        if pixels is None:
            return decoder
        return _limited(codec, decoder, pixels) or _LimitedLater(codec, decoder, pixels)

    get_limited_decoder.limited = True  # type: ignore[attr-defined]
    return get_limited_decoder


@guarded(None)
def _limited(codec: Any, decoder: Any, pixels: int) -> Any:
    if codec.mimeType.lower().startswith("audio/"):
        return decoder
    if codec.name.upper() == "VP8":  # libvpx allocates before FFmpeg checks the size
        return _LimitedVp8(decoder, pixels)
    decoder.codec.options = {"max_pixels": str(pixels)}  # the width counts as a multiple of 64
    return decoder


class _LimitedLater:
    """A decoder that could not be limited yet; it decodes nothing until it is."""

    def __init__(self, codec: Any, decoder: Any, pixels: int) -> None:
        self._arguments = codec, decoder, pixels
        self._limited: Any = None

    def decode(self, encoded: Any) -> list[Any]:
        if self._limited is None:
            self._limited = _limited(*self._arguments)
        return [] if self._limited is None else list(self._limited.decode(encoded))


class _LimitedVp8:
    """A decoder that skips pictures which are too large, until the size changes."""

    def __init__(self, decoder: Any, pixels: int) -> None:
        self._decoder = decoder
        self._pixels = pixels
        self._too_large = False

    def decode(self, encoded: Any) -> list[Any]:
        if self._is_too_large(encoded.data):
            return []
        frames: list[Any] = self._decoder.decode(encoded)
        return frames

    @guarded(True)
    def _is_too_large(self, data: bytes) -> bool:
        size = vp8_size(data)
        if size is not None:
            too_large = size[0] * size[1] > self._pixels
            if too_large and not self._too_large:
                _too_large.log(
                    logger.warning,
                    "A client's video of %d x %d is not decoded: it is too large",
                    *size,
                )
            self._too_large = too_large
        return self._too_large


def vp8_size(data: bytes) -> tuple[int, int] | None:
    """Return the size of a VP8 picture if it is a key frame (RFC 6386 section 9.1), else None.

    Args:
        data: An encoded frame.

    Returns:
        Width and height in pixels.
    """
    if len(data) < 10 or data[0] & 1 or data[3:6] != b"\x9d\x01\x2a":
        return None
    width, height = (int.from_bytes(data[k : k + 2], "little") & 0x3FFF for k in (6, 8))
    return width, height


class _DamagedFrames(logging.Filter):
    """Throttle aiortc's log messages about damaged frames."""

    def __init__(self) -> None:
        super().__init__()
        self._throttle = LogThrottle()

    @guarded(True)
    def filter(self, record: logging.LogRecord) -> bool:
        if "failed to decode" not in str(record.msg):
            return True
        passed: list[str] = []
        self._throttle.log(passed.append, "")
        if passed:
            record.msg = f"{record.msg}{passed[0]}"
        return bool(passed)
