"""The thread that writes a recording."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from .errors import LimitReached
from .events import Event, Picture, Side
from .paths import create_file, fill_template
from .pictures import Pictures
from .recorder import Recorder
from .report import Stretch
from .sink import Sink, format_of, open_sink
from .timeline import Timeline
from .track import RATE

__all__ = ["Target", "Writer", "Written"]

logger = logging.getLogger(__name__)

MAX_WAITING_S = 30.0
"""How much may wait for a slow disk, in seconds. What comes later is dropped, and is silence."""

MAX_PICTURES_S = 2.0
"""The same for pictures, of which each takes half a megabyte; the last one stays."""


@dataclass(frozen=True)
class Target:
    """What is recorded, and where.

    Attributes:
        recorder: The options.
        id: The id of the connection.
        transport: Its transport.
        audio: Whether it has audio.
        sides: The sides with video, from left to right; empty without video.
        rates: The sample rates of what is received and played, in Hz.
    """

    recorder: Recorder
    id: str
    transport: str
    audio: bool
    sides: tuple[Side, ...]
    rates: tuple[int, int] = (RATE, RATE)


@dataclass
class Written:
    """What was written, when the thread has ended.

    Attributes:
        path: The file; None if it could not be created.
        duration_s: The length in seconds.
        size: The size of the file in bytes.
        error: Why it ended early.
        lost_s: What was dropped, in seconds.
        stretches: Between start and stop, as positions in seconds.
    """

    path: Path | None = None
    duration_s: float = 0.0
    size: int = 0
    error: Exception | None = None
    lost_s: float = 0.0
    stretches: list[Stretch] = field(default_factory=list)


class _Batch(NamedTuple):
    kind: Literal["start", "more", "stop"]
    at_s: float
    events: Sequence[Event]


class Observer(Protocol):
    """What the thread reports; called in the thread."""

    def opened(self) -> None:
        """The file is open."""

    def ended(self, written: Written) -> None:
        """The thread ends: the file is complete, or has failed."""


class Writer:
    """Place and encode what the taps tell, and write it to the file, in a thread of its own.

    Args:
        target: What is recorded, and where.
        now: The time of day of the start.
        observer: Notified in the thread.

    Attributes:
        batch_s: How often to call ``put``, in seconds.
    """

    def __init__(self, target: Target, now: datetime, observer: Observer) -> None:
        self._target = target
        self._now = now
        self._observer = observer
        self._items: queue.SimpleQueue[_Batch | None] = queue.SimpleQueue()
        self._lost_s = 0.0
        self._last_s: float | None = None
        self._written = Written()
        pictures = target.recorder
        self._pictures = (
            Pictures(target.sides, pictures.picture_size, pictures.fps) if target.sides else None
        )
        rates, self.batch_s = format_of(target.recorder.suffix, target.rates)
        self._timeline = Timeline(
            self._pictures, consent=target.recorder.start == "manual", rates=rates
        )
        self._thread = threading.Thread(
            target=self._run, name=f"fastrtc-{target.id}:recording", daemon=True
        )
        self._thread.start()

    # On the event loop

    def start(self, at_s: float) -> None:
        """Begin a stretch at a time on the clock of the event loop."""
        self._last_s = at_s
        self._items.put(_Batch("start", at_s, ()))

    def put(self, at_s: float, events: Sequence[Event]) -> None:
        """Write what has happened until a time; it is dropped if the disk is too slow."""
        waiting_s = self._items.qsize() * self.batch_s
        if waiting_s < MAX_WAITING_S:
            if waiting_s > MAX_PICTURES_S:
                events = [event for event in events if not isinstance(event, Picture)]
            self._items.put(_Batch("more", at_s, events))
        else:
            self._drop(at_s)
        self._last_s = at_s

    def stop(self, at_s: float, events: Sequence[Event]) -> None:
        """End a stretch."""
        self._items.put(_Batch("stop", at_s, events))
        self._last_s = at_s

    def finish(self) -> None:
        """Complete the file, after the last stretch."""
        self._items.put(None)

    def _drop(self, at_s: float) -> None:
        if not self._lost_s:
            logger.warning(
                "Session %s: the disk is too slow for the recording: it has silence instead",
                self._target.id,
            )
        self._lost_s += at_s - (self._last_s or at_s)

    # In the thread

    def _run(self) -> None:
        written = self._written
        sink: Sink | None = None
        try:
            sink = self._open()
            self._observer.opened()
            self._write(sink)
        except Exception as error:
            written.error = error
        try:
            if sink is not None:
                sink.close()
        except Exception as error:
            written.error = written.error or error
        if sink is not None:
            written.size = sink.size()
        written.lost_s = self._lost_s
        written.duration_s = self._timeline.written_s
        self._observer.ended(written)

    def _open(self) -> Sink:
        target = self._target
        path = fill_template(target.recorder.template, target.id, target.transport, self._now)
        self._written.path, descriptor = create_file(path)
        return open_sink(
            descriptor, target.recorder.suffix, audio=target.audio, pictures=self._pictures
        )

    def _write(self, sink: Sink) -> None:
        """Write batches until the end.

        Raises:
            LimitReached: If the recording is too long or too large.
            OSError: If the file cannot be written.
        """
        timeline = self._timeline
        read = {"start": timeline.start, "more": timeline.read, "stop": timeline.stop}
        while (batch := self._items.get()) is not None:
            if batch.events:
                timeline.add(batch.events)
            for block in read[batch.kind](batch.at_s):
                sink.write(block)
                if self._pictures is not None:
                    for frame in self._pictures.frames(timeline.written_s):
                        sink.write_picture(frame)
                self._check_limits(sink)  # the silence since a stop may be long
            sink.flush()
            if batch.kind == "start":
                self._written.stretches.append(Stretch(timeline.position_s(batch.at_s)))
            elif batch.kind == "stop":
                self._written.stretches[-1].end_s = timeline.position_s(batch.at_s)

    def _check_limits(self, sink: Sink) -> None:
        recorder = self._target.recorder
        if self._timeline.written_s >= recorder.max_s:
            raise LimitReached(f"it is longer than {recorder.max_s:g} s")
        if sink.size() >= recorder.max_bytes:
            raise LimitReached(f"it is larger than {recorder.max_bytes} bytes")
