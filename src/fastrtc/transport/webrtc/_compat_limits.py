"""What a peer can make aiortc do is bounded here; the other half of ``_compat``.

aiortc trusts its peer: it keeps whatever is sent and decodes whatever size is announced. Each
function touches private names, says in which version they were seen, and falls back to no bound.
"""

from __future__ import annotations

import asyncio
import logging
import queue
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import aiortc.rtcrtpreceiver
import av
from aiortc import RTCPeerConnection, RTCRtpReceiver

from ...core.limits import RateLimit
from ...core.seldom import Seldom
from .guard import guarded, guarded_async

__all__ = ["bound_decoder", "limit_messages", "limit_pictures", "vp8_size"]

logger = logging.getLogger(__name__)

MOST_FRAGMENTS = 1024
"""Packets of one stream that wait for others. 1 MiB, all that a peer may send ahead, fills some
900; and aiortc walks through them at each packet."""

MOST_OUT_OF_ORDER = 1024
"""Packets that have come before others; aiortc sorts them at each packet."""

MOST_STREAMS = 64
"""Streams of a peer, each of which may be a data channel; clients have one or a few."""

WINDOW_SLACK = 64 * 1024
"""Bytes by which a peer may overrun the window that it was given: what was on its way."""

MOST_ENCODED = 32
"""Video frames that wait for the decoder: about a second."""


_too_large = Seldom()


class _TooMuch(Exception):
    """A peer sends more than it may."""


def limit_messages(pc: RTCPeerConnection, per_s: float, on_abuse: Callable[[str], None]) -> None:
    """Bound what a peer sends over its data channels.

    Replaces ``_handle_data`` and ``_receive_data_chunk`` of ``RTCSctpTransport`` (seen in
    aiortc 1.15 and 1.16), which holds any number of fragments, and fails on messages that
    contradict each other in a way that is logged as aiortc's own error.

    Args:
        pc: The connection.
        per_s: How many packets with data it may send per second.
        on_abuse: Called once, with the reason; nothing is taken any more.
    """
    sctp: Any = pc.sctp
    handle = getattr(sctp, "_handle_data", None)
    receive = getattr(sctp, "_receive_data_chunk", None)
    if handle is None or receive is None:
        return
    loop = asyncio.get_running_loop()
    rate = RateLimit(per_s)
    ended = False

    @guarded("")
    def too_much(chunk: Any) -> str:
        if rate.take(loop.time()):
            return "The client sends too many messages"
        if _holds_too_much(sctp, chunk):
            return "The client sends messages that it does not finish"
        return ""

    async def receive_data_chunk(chunk: Any) -> None:
        if reason := too_much(chunk):
            raise _TooMuch(reason)
        await receive(chunk)

    async def handle_data(data: bytes) -> None:
        nonlocal ended
        if ended:
            return
        try:
            await handle(data)
        except _TooMuch as error:
            ended = True
            on_abuse(str(error))
        except ConnectionError:  # it is being closed
            raise
        except Exception as error:  # of aiortc; those of listeners do not come here
            ended = True
            logger.warning("A data channel failed, its connection is ended", exc_info=error)
            on_abuse("The data channel failed")

    sctp._receive_data_chunk = receive_data_chunk
    sctp._handle_data = guarded_async(None, passes=(ConnectionError,))(handle_data)


def _holds_too_much(sctp: Any, chunk: Any) -> bool:
    streams = getattr(sctp, "_inbound_streams", {})
    stream = streams.get(chunk.stream_id)
    return (
        len(getattr(stream, "reassembly", ())) > MOST_FRAGMENTS
        or len(getattr(sctp, "_sack_misordered", ())) > MOST_OUT_OF_ORDER
        or len(streams) > MOST_STREAMS
        or getattr(sctp, "_advertised_rwnd", 0) < -WINDOW_SLACK
    )


_most_pixels: ContextVar[int | None] = ContextVar("most_pixels", default=None)


@contextmanager
def limit_pictures(pixels: int) -> Iterator[None]:
    """Bound the pictures that the connections established in its course decode.

    ``aiortc.rtcrtpreceiver.get_decoder`` (seen in aiortc 1.15 and 1.16) is replaced by one whose
    decoders look at the size first. They are made in threads that have the context of
    whoever began to establish the connection; see ``make_decoder_threads_daemons``.
    """
    module: Any = aiortc.rtcrtpreceiver
    get_decoder = getattr(module, "get_decoder", None)
    if get_decoder is not None and not hasattr(get_decoder, "limited"):
        module.get_decoder = _limiting(get_decoder)
        getattr(module, "logger", logger).addFilter(_DamagedFrames())
    token = _most_pixels.set(pixels)
    try:
        yield
    finally:
        _most_pixels.reset(token)


def _limiting(get_decoder: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def get_limited_decoder(codec: Any) -> Any:
        decoder = get_decoder(codec)
        return _limited(codec, decoder) or decoder

    get_limited_decoder.limited = True  # type: ignore[attr-defined]
    return get_limited_decoder


@guarded(None)
def _limited(codec: Any, decoder: Any) -> Any:
    pixels = _most_pixels.get()
    context = getattr(decoder, "codec", None)
    if pixels is None or not isinstance(context, av.VideoCodecContext):
        return None
    if codec.name.upper() == "VP8":  # libvpx allocates before FFmpeg looks at the size
        return _LimitedVp8(decoder, pixels)
    context.options = {"max_pixels": str(pixels)}  # of a width that is a multiple of 64
    return None


class _LimitedVp8:
    """A decoder that leaves out pictures which are too large, until there is another size."""

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
    """Tell the size of a VP8 picture, if it is a key frame (RFC 6386 section 9.1).

    Args:
        data: An encoded frame.

    Returns:
        Its width and height in pixels.
    """
    if len(data) < 10 or data[0] & 1 or data[3:6] != b"\x9d\x01\x2a":
        return None
    width, height = (int.from_bytes(data[k : k + 2], "little") & 0x3FFF for k in (6, 8))
    return width, height


class _DamagedFrames(logging.Filter):
    """Has aiortc tell now and then, not for each frame, that a peer sends damaged ones."""

    def __init__(self) -> None:
        super().__init__()
        self._seldom = Seldom()

    @guarded(True)
    def filter(self, record: logging.LogRecord) -> bool:
        if "failed to decode" not in str(record.msg):
            return True
        passed: list[str] = []
        self._seldom.log(passed.append, "")
        if passed:
            record.msg = f"{record.msg}{passed[0]}"
        return bool(passed)


class _Bounded(queue.Queue[Any]):
    """A queue that drops what comes when it is full; the None that ends it drops what waits."""

    def __init__(self, most: int, dropped: Callable[[], None]) -> None:
        super().__init__()
        self._most = most
        self._dropped = dropped

    @guarded(None)
    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        if item is None:
            with self.mutex:
                self.queue.clear()
        if item is None or self.qsize() < self._most:
            super().put(item, block, timeout)
        else:
            self._dropped()


def bound_decoder(receiver: RTCRtpReceiver) -> None:
    """Bound the encoded frames of a receiver that wait for its decoder.

    Its queue (``_RTCRtpReceiver__decoder_queue``, seen in aiortc 1.15 and 1.16) has no bound. What
    is dropped is asked for again by ``_RTCRtpReceiver__decoder_error`` (1.16): the peer then
    sends a key frame. To be called before the connection is established.
    """
    name = "_RTCRtpReceiver__decoder_queue"
    if hasattr(receiver, name):
        error: Any = getattr(receiver, "_RTCRtpReceiver__decoder_error", None)
        setattr(receiver, name, _Bounded(MOST_ENCODED, error.set if error else lambda: None))
