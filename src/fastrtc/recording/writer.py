"""What writes a recording, in a thread."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from .errors import LimitReached
from .events import Event, Picture, Side
from .paths import create_file, fill_template
from .pictures import Pictures
from .recorder import Recorder
from .report import Stretch
from .sink import Sink, format_of, open_sink
from .threads import WritingThread
from .timeline import Timeline
from .track import RATE, Block

__all__ = ["Target", "Writer", "Written"]

logger = logging.getLogger(__name__)

MAX_WAITING_S = 30.0
"""How much may wait for a slow disk, in seconds. What comes later is dropped, and is silence."""

MAX_PICTURES_S = 2.0
"""The same for pictures, of which each takes half a megabyte; the last one stays."""

STEP_BLOCKS = 10
"""How many blocks of a batch are written before other recordings of the thread have their turn: the
silence since a stop may be hours."""


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
    """What was written, at the end.

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
    offset_s: float = inf  # see ``Timeline.start``


class Observer(Protocol):
    """What the thread reports; called in the thread."""

    def opened(self) -> None:
        """The file is open."""

    def ended(self, written: Written) -> None:
        """The file is complete, or has failed."""


class Writer:
    """Place and encode what the taps tell, and write it to the file, in a thread.

    Recordings of sound in the same folder share a thread if the disk is fast enough; one with video
    has its own.

    Args:
        target: What is recorded, and where.
        now: The time of day of the start.
        observer: Notified in the thread.

    Attributes:
        batch_s: How often to call ``put``, in seconds.

    Raises:
        RuntimeError: If no thread can be started.
    """

    def __init__(self, target: Target, now: datetime, observer: Observer) -> None:
        self._target = target
        self._now = now
        self._observer = observer
        self._batches: deque[_Batch | None] = deque()
        self._steps: Iterator[None] | None = None  # of the batch that is being written
        self._lost_s = 0.0
        self._flushed_s = 0.0  # how much was written completely
        self._last_s: float | None = None
        self._written = Written()
        recorder = target.recorder
        self._pictures = (
            Pictures(target.sides, recorder.picture_size, recorder.fps) if target.sides else None
        )
        rates, self.batch_s, packets = format_of(recorder.suffix, target.rates)
        self._timeline = Timeline(
            self._pictures,
            consent=recorder.start == "manual",
            rates=rates,
            packets=packets,
            max_s=recorder.max_s,
        )
        self._sink: Sink | None = None
        self._ended = False
        folder = str(Path(recorder.template).parent)
        self._thread = WritingThread.join(f"{folder}/{target.id}" if target.sides else folder)
        self._thread.call(self._begin)

    # On the event loop

    def start(self, at_s: float, offset_s: float = inf) -> None:
        """Begin a stretch, see ``Timeline.start``."""
        self._last_s = at_s
        self._submit(_Batch("start", at_s, (), offset_s))

    def put(self, at_s: float, events: Sequence[Event]) -> None:
        """Write what has happened until a time; it is dropped if the disk is too slow."""
        waiting_s = len(self._batches) * self.batch_s
        if waiting_s < MAX_WAITING_S:
            if waiting_s > MAX_PICTURES_S:
                events = [event for event in events if not isinstance(event, Picture)]
            self._submit(_Batch("more", at_s, events))
        else:
            self._drop(at_s)
        self._last_s = at_s

    def stop(self, at_s: float, events: Sequence[Event]) -> None:
        """End a stretch."""
        self._submit(_Batch("stop", at_s, events))
        self._last_s = at_s

    def finish(self) -> None:
        """Complete the file, after the last stretch."""
        self._submit(None)

    def _submit(self, batch: _Batch | None) -> None:
        if not self._ended:  # or a moment ago: then the thread does nothing with it
            self._batches.append(batch)
            self._thread.call(self._continue)

    def _drop(self, at_s: float) -> None:
        if not self._lost_s:
            logger.warning(
                "Session %s: the disk is too slow for the recording: it has silence instead",
                self._target.id,
            )
        self._lost_s += at_s - (self._last_s or at_s)

    # In the thread

    def _begin(self) -> None:
        try:
            self._sink = self._open()
            self._observer.opened()
        except Exception as error:
            self._end(error)

    def _continue(self) -> None:
        """Write the next step of a batch, and call itself once more for each further one."""
        if self._steps is None:
            batch = self._batches.popleft()
            if self._ended or self._sink is None:
                return
            if batch is None:
                self._end(None)
                return
            self._steps = self._write(self._sink, batch)
        try:
            for _ in self._steps:
                self._thread.call(self._continue)
                return
        except Exception as error:
            self._end(error)
        self._steps = None

    def _end(self, error: Exception | None) -> None:
        """Complete the file, or what there is of it."""
        self._ended = True
        written, sink = self._written, self._sink
        has_failed = error is not None and not isinstance(error, LimitReached)
        if sink is not None:
            try:
                sink.close()
            except Exception as failed:
                has_failed, error = True, error or failed
            written.size = sink.size()
        written.error = error
        written.lost_s = self._lost_s
        written.duration_s = self._flushed_s if has_failed else self._timeline.written_s
        if written.stretches and written.stretches[-1].end_s is None:  # it has ended by itself
            written.stretches[-1].end_s = written.duration_s
        self._thread.leave()
        self._observer.ended(written)

    def _open(self) -> Sink:
        target = self._target
        path = fill_template(target.recorder.template, target.id, target.transport, self._now)
        self._written.path, descriptor = create_file(path)
        return open_sink(
            descriptor, target.recorder.suffix, audio=target.audio, pictures=self._pictures
        )

    def _write(self, sink: Sink, batch: _Batch) -> Iterator[None]:
        """Write a batch.

        Yields:
            Where the thread may write something else.

        Raises:
            LimitReached: If the recording is too long or too large.
            OSError: If the file cannot be written.
        """
        timeline = self._timeline
        if batch.events:
            timeline.add(batch.events)
        for count, block in enumerate(self._read(batch), start=1):
            sink.write(block)
            if self._pictures is not None:
                for frame in self._pictures.frames(timeline.written_s):
                    sink.write_picture(frame)
            self._check_limits(sink)
            if count % STEP_BLOCKS == 0:
                self._flush(sink)
                yield
        self._flush(sink)
        if batch.kind == "start":
            self._written.stretches.append(Stretch(timeline.position_s(batch.at_s)))
        elif batch.kind == "stop":
            self._written.stretches[-1].end_s = timeline.position_s(batch.at_s)

    def _read(self, batch: _Batch) -> Iterator[Block]:
        """Return what a batch makes certain."""
        if batch.kind == "more":
            return self._timeline.read(batch.at_s)
        if batch.kind == "start":
            return self._timeline.start(batch.at_s, batch.offset_s)
        return self._timeline.stop(batch.at_s)

    def _flush(self, sink: Sink) -> None:
        sink.flush()
        self._flushed_s = self._timeline.written_s

    def _check_limits(self, sink: Sink) -> None:
        recorder = self._target.recorder
        if self._timeline.is_full:
            raise LimitReached(f"it has the greatest length, {recorder.max_s:g} s")
        if sink.size() >= recorder.max_bytes:
            raise LimitReached(f"it is larger than {recorder.max_bytes} bytes")
