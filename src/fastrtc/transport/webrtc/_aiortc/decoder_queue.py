"""A bound on the encoded video frames that are queued for a decoder."""

from __future__ import annotations

import queue
from collections.abc import Callable
from typing import Any

from aiortc import RTCRtpReceiver

from ..guard import guarded
from .patch import Patch

__all__ = ["MAX_ENCODED", "PATCH", "bound_decoder"]

PATCH = Patch(
    name="decoder queue",
    target="RTCRtpReceiver.__decoder_queue",
    seen="aiortc 1.15 and 1.16",
    needs=("RTCRtpReceiver()._RTCRtpReceiver__decoder_queue.put",),
    uses=("RTCRtpReceiver()._RTCRtpReceiver__decoder_error",),  # from 1.16 on
    lost="a client that sends video faster than it can be decoded fills the memory",
    upstream="upstream.md#a-bound-for-the-decoder-queue",
    delete_when="aiortc's decoder queue has a bound",
    is_bound=True,
)

MAX_ENCODED = 32
"""Video frames that are queued for the decoder: about a second."""


class _Bounded(queue.Queue[Any]):
    """A queue that drops new items when it is full; the final None discards all queued items."""

    def __init__(self, max_items: int, dropped: Callable[[], None]) -> None:
        super().__init__()
        self._max_items = max_items
        self._dropped = dropped

    @guarded(None)
    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        if item is None:
            with self.mutex:
                self.queue.clear()
        if item is None or self.qsize() < self._max_items:
            super().put(item, block, timeout)
        else:
            self._dropped()


def bound_decoder(receiver: RTCRtpReceiver) -> None:
    """Bound the encoded frames that are queued for a receiver's decoder.

    From aiortc 1.16 on, a key frame is requested from the peer after a drop. To be called before
    the connection is established.
    """
    error: Any = getattr(receiver, "_RTCRtpReceiver__decoder_error", None)
    bounded = _Bounded(MAX_ENCODED, error.set if error else lambda: None)
    setattr(receiver, "_RTCRtpReceiver__decoder_queue", bounded)  # noqa: B010
