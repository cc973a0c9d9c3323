"""The thread that writes: limits, a slow disk, a disk that is full."""

import threading
import time
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from fastrtc.recording.consent import MARGIN_S
from fastrtc.recording.errors import LimitReached
from fastrtc.recording.events import Event, Picture, Received
from fastrtc.recording.recorder import Recorder
from fastrtc.recording.track import GRID
from fastrtc.recording.writer import MAX_PICTURES_S, MAX_WAITING_S, Target, Writer, Written

from .sound import RATE, on_time, onsets, read, tone

NOW = datetime(2026, 11, 29)


class Observer:
    def __init__(self) -> None:
        self.is_open = threading.Event()
        self.over = threading.Event()
        self.may_write = threading.Event()
        self.may_write.set()
        self.written = Written()
        self.over_at = 0.0

    def opened(self) -> None:
        self.is_open.set()
        self.may_write.wait(10)

    def ended(self, written: Written) -> None:
        self.written = written
        self.over_at = time.monotonic()
        self.over.set()


def writer(path: Path | str, observer: Observer, **options: object) -> Writer:
    recorder = Recorder(path, **options)  # type: ignore[arg-type]
    return Writer(Target(recorder, "me", "webrtc", True, ()), NOW, observer)


def speak(writer: Writer, seconds: float, **silence: float) -> None:
    """Play a tone of 0.1 s each second, in batches."""
    writer.start(100.0)
    sound = tone(0.1)[np.newaxis]
    played_s = 0
    for n in range(1, round(seconds / writer.batch_s) + 1):
        at_s = 100 + n * writer.batch_s
        events: list[Event] = []
        if at_s > 100.1 + played_s:
            events.append(on_time(100.0 + played_s, RATE, sound))
            played_s += 1
        writer.put(at_s, events)


def test_a_recording(tmp_path: Path) -> None:
    observer = Observer()
    made = writer(tmp_path / "{id}.wav", observer)
    speak(made, 4)
    made.stop(104.0, [])
    made.finish()
    assert observer.over.wait(10)
    written = observer.written
    assert written.error is None and written.path == tmp_path / "me.wav"
    assert written.duration_s == 4.0 and written.size == 44 + 4 * 4 * RATE
    assert [(s.start_s, s.end_s) for s in written.stretches] == [(0.0, 4.0)]
    left, right = read(written.path)
    assert not left.any() and onsets(right) == pytest.approx([0, 1, 2, 3], abs=0.001)


@pytest.mark.parametrize("suffix", [".wav", ".ogg"])
@pytest.mark.parametrize("max_s", [2.0, 1.1, 2.345678, 0.0001])
def test_the_greatest_length_is_exact(tmp_path: Path, suffix: str, max_s: float) -> None:
    observer = Observer()
    speak(writer(tmp_path / f"x{suffix}", observer, max_s=max_s), 5)
    assert observer.over.wait(10)
    assert isinstance(observer.written.error, LimitReached)
    assert observer.written.duration_s == pytest.approx(max_s, abs=GRID / RATE)
    assert observer.written.duration_s <= max(max_s, GRID / RATE)
    assert read(tmp_path / f"x{suffix}").shape[1] == round(observer.written.duration_s * RATE)


@pytest.mark.parametrize("limit", [{"max_s": 2.0}, {"max_bytes": 4 * RATE}])
def test_limits(tmp_path: Path, limit: dict[str, float]) -> None:
    observer = Observer()
    speak(writer(tmp_path / "x.wav", observer, **limit), 5)
    assert observer.over.wait(10)
    assert isinstance(observer.written.error, LimitReached)
    assert 1 <= observer.written.duration_s <= 2.2
    (stretch,) = observer.written.stretches
    assert (stretch.start_s, stretch.end_s) == (0.0, observer.written.duration_s)
    assert read(tmp_path / "x.wav").shape[1] == round(observer.written.duration_s * RATE)


def test_recordings_of_one_folder_are_written_each_for_itself(tmp_path: Path) -> None:
    short, long = Observer(), Observer()
    limited = writer(tmp_path / "short.wav", short, max_s=2.0)
    whole = writer(tmp_path / "long.wav", long)
    speak(limited, 5)
    speak(whole, 5)
    assert short.over.wait(10) and isinstance(short.written.error, LimitReached)
    whole.stop(105.0, [])
    whole.finish()
    assert long.over.wait(10) and long.written.error is None
    assert onsets(read(tmp_path / "long.wav")[1]) == pytest.approx([*range(5)], abs=0.001)


def test_the_silence_of_a_long_stop_is_written_in_steps(tmp_path: Path) -> None:
    """Meanwhile another recording of the folder is written, and ends."""
    long, short = Observer(), Observer()
    first = writer(tmp_path / "long.wav", long)
    second = writer(tmp_path / "short.wav", short)
    may_write = threading.Event()

    def wait() -> None:
        may_write.wait(10)

    first._thread.call(wait)
    first.start(100.0)
    first.stop(101.0, [])
    first.start(181.0)
    first.stop(182.0, [on_time(181.5, RATE, tone(0.1)[np.newaxis])])
    first.finish()
    speak(second, 2)
    second.stop(102.0, [])
    second.finish()
    may_write.set()
    assert long.over.wait(20) and short.over.wait(20)
    assert short.over_at < long.over_at
    assert [(s.start_s, s.end_s) for s in long.written.stretches] == [(0.0, 1.0), (81.0, 82.0)]
    assert onsets(read(tmp_path / "long.wav")[1]) == pytest.approx([81.5], abs=0.001)
    assert onsets(read(tmp_path / "short.wav")[1]) == pytest.approx([0, 1], abs=0.001)


def test_a_slow_disk_costs_what_does_not_fit_and_moves_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    observer = Observer()
    observer.may_write.clear()
    made = writer(tmp_path / "x.wav", observer)
    assert observer.is_open.wait(10)
    speak(made, 40)
    frames = [Picture("received", 0.0, 0.0, None)]
    assert len(made._batches) == MAX_WAITING_S / made.batch_s
    made.put(140.4, frames)
    observer.may_write.set()
    made.stop(141.0, [on_time(140.5, RATE, tone(0.1)[np.newaxis])])
    made.finish()
    assert observer.over.wait(20)
    assert observer.written.lost_s == pytest.approx(10.4, abs=0.5)
    assert observer.written.duration_s == 41
    heard = onsets(read(tmp_path / "x.wav")[1])
    assert heard == pytest.approx([*range(30), 40.5], abs=0.001)
    assert caplog.text.count("the disk is too slow") == 1
    assert MAX_PICTURES_S < MAX_WAITING_S


@pytest.mark.parametrize("name", ["x.ogg", "x.wav"])
def test_a_file_that_cannot_be_written(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    observer = Observer()
    speak(writer(tmp_path / "file" / name, observer), 1)
    assert observer.over.wait(10)
    assert isinstance(observer.written.error, OSError)
    assert observer.written.path is None and not observer.is_open.is_set()


@pytest.mark.parametrize("limit", [{"max_s": 3.0}, {"max_bytes": 12 * RATE}])
def test_a_limit_within_the_silence_of_a_pause(tmp_path: Path, limit: dict[str, float]) -> None:
    observer = Observer()
    made = writer(tmp_path / "x.wav", observer, **limit)
    made.start(100.0)
    made.stop(101.0, [])
    made.start(130.0)
    assert observer.over.wait(10)
    assert isinstance(observer.written.error, LimitReached)
    assert observer.written.duration_s <= 4 and observer.written.size <= 44 + 4 * 4 * RATE
    assert [(s.start_s, s.end_s) for s in observer.written.stretches] == [(0.0, 1.0)]


@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.parametrize("start", ["manual", "connected"])
def test_a_burst_brings_nothing_from_before_the_program_started(
    tmp_path: Path, start: str, timed: bool
) -> None:
    observer = Observer()
    made = writer(tmp_path / "x.wav", observer, start=start)
    began_s = 100.0
    made.start(began_s)
    if start == "connected":  # it starts again, after a stop
        made.stop(101.0, [])
        began_s = 102.0
        made.start(began_s)
    burst = Received(7.0, timed, began_s + 0.1, RATE, tone(2.0)[np.newaxis])
    made.put(began_s + 0.2, [burst])
    made.stop(began_s + 3, [])
    made.finish()
    assert observer.over.wait(10)
    left, _ = read(tmp_path / "x.wav")
    assert np.count_nonzero(left) == pytest.approx((0.1 - MARGIN_S) * RATE, rel=0.05)
