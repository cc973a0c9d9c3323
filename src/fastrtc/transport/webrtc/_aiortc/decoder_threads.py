"""Decoder threads that do not keep a process alive or block the event loop."""

from __future__ import annotations

import asyncio
import importlib
import logging
import threading
import types
from collections.abc import Coroutine
from contextvars import copy_context
from typing import Any, NoReturn

from .patch import Patch

__all__ = ["PATCH", "make_decoder_threads_daemons"]

logger = logging.getLogger(__name__)

PATCH = Patch(
    name="decoder threads",
    target="aiortc.rtcrtpreceiver.threading",
    seen="aiortc 1.15 and 1.16",
    needs=("aiortc.rtcrtpreceiver.threading.Thread",),
    lost="a program that ends with open connections hangs, and a client can hold up the event "
    "loop while a large picture is decoded",
    upstream="upstream.md#daemon-decoder-threads",
    delete_when="aiortc's decoder threads are daemons, and are not joined on the event loop",
)

JOIN_TIMEOUT_S = 0.05
"""How long the event loop waits for a decoder thread to end. It also ends without being joined."""


class _Put(Coroutine[Any, Any, None]):
    """``queue.put(frame)`` of an unbounded queue, without a warning if it is never awaited.

    A decoder passes it to ``run_coroutine_threadsafe``, and the loop may end before it runs.
    """

    def __init__(self, queue: asyncio.Queue[Any], frame: Any) -> None:
        self._queue = queue
        self._frame = frame

    def send(self, value: Any) -> NoReturn:
        """Put the frame."""
        self._queue.put_nowait(self._frame)
        raise StopIteration

    def throw(self, kind: Any, value: Any = None, traceback: Any = None) -> NoReturn:
        """Raise an exception, such as the cancellation of the task."""
        raise kind if value is None else value

    def close(self) -> None:
        """Do nothing."""

    def __await__(self) -> Any:
        """Put the frame."""
        self._queue.put_nowait(self._frame)
        return iter(())


class _Frames:
    """Receive the frames of a decoder in place of its track's queue."""

    def __init__(self, queue: asyncio.Queue[Any]) -> None:
        self._queue = queue

    def put(self, frame: Any) -> _Put:
        """Return a coroutine that puts a frame."""
        return _Put(self._queue, frame)


class _DecoderThread(threading.Thread):
    """A daemon thread that runs in the context of the code that creates it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        given = kwargs.get("args", ())
        put = [_Frames(one) if isinstance(one, asyncio.Queue) else one for one in given]
        super().__init__(*args, **{**kwargs, "args": tuple(put), "daemon": True})
        self._run_in = copy_context()  # Python 3.14 has ``_context`` of its own

    def run(self) -> None:
        """Run the decoder."""
        try:
            self._run_in.run(super().run)
        except RuntimeError as error:  # its loop was closed while it decoded
            logger.debug("A decoder has ended: %s", error)

    def join(self, timeout: float | None = None) -> None:
        """Wait for the thread, but not for the decoding of a whole picture.

        aiortc calls it on the event loop, such as when a peer sends RTCP's BYE while large pictures
        are being decoded.
        """
        super().join(JOIN_TIMEOUT_S if timeout is None else timeout)


def make_decoder_threads_daemons() -> None:
    """Make aiortc's decoder threads daemon threads.

    Each of its receivers creates a ``threading.Thread`` that runs until the connection is closed:
    without this, a program that ends with open connections hangs.
    """
    if not PATCH.fits:
        return
    module: Any = importlib.import_module("aiortc.rtcrtpreceiver")
    if module.threading is threading:
        module.threading = types.SimpleNamespace(**{**vars(threading), "Thread": _DecoderThread})
