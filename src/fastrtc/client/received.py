"""What a client receives, in queues that a program iterates over."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from .errors import JSON, ClientError, ended_by_server

__all__ = ["Incoming", "ReceivedAudio", "ReceivedQueue", "ReceivedVideo", "parse_message"]

MAX_AUDIO = 3000
"""Received chunks of audio, 60 s in chunks of 20 ms, that wait for the program."""

MAX_FRAMES = 30
"""Received frames of video that wait for the program."""

MAX_MESSAGES = 10_000
"""Received messages that wait for the program."""

T = TypeVar("T")


@dataclass(frozen=True)
class ReceivedAudio:
    """A chunk of audio from the server, usually 20 ms.

    Attributes:
        time_s: When it arrived, in seconds on the clock of the event loop (``loop.time()``).
        rate: Sample rate in Hz.
        samples: ``int16`` samples, mono, shape ``(n,)``.
    """

    time_s: float
    rate: int
    samples: NDArray[np.int16]


@dataclass(frozen=True)
class ReceivedVideo:
    """A frame of video from the server.

    Attributes:
        time_s: When it was decoded, in seconds on the clock of the event loop.
        image: BGR ``uint8`` pixels, shape ``(height, width, 3)``.
    """

    time_s: float
    image: NDArray[np.uint8]


def _ignore(*_: object) -> None:
    """Do nothing."""


class ReceivedQueue(Generic[T]):
    """A queue that drops its oldest items when it is full, and ends with the connection.

    Args:
        max_items: The capacity.
    """

    def __init__(self, max_items: int) -> None:
        self._items: deque[T] = deque(maxlen=max_items)
        self._changed = asyncio.Event()
        self._ended = False
        self._held = False

    def put(self, item: T) -> None:
        """Append an item."""
        self._items.append(item)
        self._changed.set()

    def clear(self) -> None:
        """Drop all items."""
        self._items.clear()

    def hold(self, held: bool) -> None:
        """Yield no items until this is called with False, or the end."""
        self._held = held
        self._changed.set()

    def end(self) -> None:
        """End the iteration after the items so far."""
        self._ended = True
        self._changed.set()

    async def iterate(self, on_processed: Callable[[T, float], None] = _ignore) -> AsyncIterator[T]:
        """Yield items as they arrive, until the end.

        Args:
            on_processed: Called with each item when the program asks for the next one, and the time
                when it got the item, in seconds on the clock of the event loop.
        """
        loop = asyncio.get_running_loop()
        while True:
            while self._items and (not self._held or self._ended):
                item, taken_at = self._items.popleft(), loop.time()
                yield item
                on_processed(item, taken_at)
            if self._ended:
                return
            self._changed.clear()
            await self._changed.wait()


class Incoming:
    """Implement ``LinkEvents``: queue what arrives, and record why the connection ended.

    Args:
        on_send_input: Called when the server requests inputs.
        on_ended: Called when the connection ends.
        on_call: Called with each message ``call`` or ``result`` of the server.
        on_question: Called with each message ``report_heard`` of the server.

    Attributes:
        error: Why it has ended; None if the client closed it.
        closed: Set once it has ended.
        audio_queue: The received audio.
        video_queue: The received frames of video.
        message_queue: The received messages.
    """

    def __init__(
        self,
        on_send_input: Callable[[], None],
        on_ended: Callable[[], None],
        on_call: Callable[[dict[str, JSON]], None] = _ignore,
        on_question: Callable[[dict[str, JSON]], None] = _ignore,
    ) -> None:
        self._on_send_input = on_send_input
        self._on_call = on_call
        self._on_question = on_question
        self._on_ended = on_ended
        self._reason: ClientError | None = None  # announced with `end_stream`
        self._failure: ClientError | None = None  # if it was the last message
        self._early_end: ClientError | None = None
        self._opened = False
        self.error: ClientError | None = None
        self.closed = asyncio.Event()
        self.audio_queue: ReceivedQueue[ReceivedAudio] = ReceivedQueue(MAX_AUDIO)
        self.video_queue: ReceivedQueue[ReceivedVideo] = ReceivedQueue(MAX_FRAMES)
        self.message_queue: ReceivedQueue[dict[str, JSON]] = ReceivedQueue(MAX_MESSAGES)

    def audio(self, rate: int, samples: NDArray[np.int16]) -> None:
        """Queue audio, shape ``(n,)``."""
        now = asyncio.get_running_loop().time()
        self.audio_queue.put(ReceivedAudio(now, rate, samples))

    def video(self, image: NDArray[np.uint8]) -> None:
        """Queue a frame: BGR, shape ``(height, width, 3)``."""
        self.video_queue.put(ReceivedVideo(asyncio.get_running_loop().time(), image))

    def message(self, text: str) -> None:
        """Queue a message, and react to what it says."""
        message = parse_message(text)
        self.message_queue.put(message)
        kind = message["type"]
        self._failure = None
        if kind == "end_stream":
            self._reason = ended_by_server(str(message.get("data") or ""), message.get("code"))
        elif kind == "error":
            self._failure = ClientError(
                f"the handler failed: {message.get('message') or message.get('data')}",
                "handler_error",
            )
        elif kind == "send_input":
            self._on_send_input()
        elif kind in ("call", "result"):
            self._on_call(message)
        elif kind == "report_heard":
            self._on_question(message)

    def clear(self) -> None:
        """Drop audio that the program has not read; ends a pause."""
        self.audio_queue.clear()
        self.audio_queue.hold(False)
        self.message_queue.put({"type": "clear", "data": ""})

    def pause(self) -> None:
        """Hold audio that the program has not read."""
        self.audio_queue.hold(True)
        self.message_queue.put({"type": "pause", "data": ""})

    def resume(self) -> None:
        """Deliver audio again."""
        self.audio_queue.hold(False)
        self.message_queue.put({"type": "resume", "data": ""})

    def ended(self, error: ClientError) -> None:
        """Record the end of the connection, also of one that ends as soon as it is established."""
        if not self._opened:
            self._early_end = error
        elif not self.closed.is_set():
            self.error = self._reason or self._failure or error
            self.finish()

    def open(self) -> None:
        """Record that the connection is established."""
        self._opened = True
        if self._early_end is not None:
            self.ended(self._early_end)

    def finish(self) -> None:
        """End all queues."""
        if self.closed.is_set():
            return
        self.closed.set()
        for queue in (self.audio_queue, self.video_queue, self.message_queue):
            queue.end()
        self._on_ended()


def parse_message(text: str) -> dict[str, JSON]:
    """Parse a message; anything but an object with a ``type`` becomes the type ``"text"``."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return {"type": "text", "data": text}
    if isinstance(message, dict) and isinstance(message.get("type"), str):
        return message
    return {"type": "text", "data": message}
