"""Streams over memory that are recorded, and what is told about their recordings."""

import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fastrtc import Interruptions, Recorder, RecordingEnd, Stream, get_current_context
from fastrtc.testing import Call
from tests.testing.programs import RATE, replying, tone


class Ends:
    """What `on_end` was told."""

    def __init__(self) -> None:
        self.all: list[RecordingEnd] = []
        self.threads: list[str] = []

    def __call__(self, end: RecordingEnd) -> None:
        assert get_current_context().webrtc_id == end.webrtc_id
        self.threads.append(threading.current_thread().name)
        self.all.append(end)

    @property
    def one(self) -> RecordingEnd:
        (end,) = self.all
        return end


def story(audio: Any) -> Iterator[Any]:
    for _ in range(10):
        yield RATE, tone(0.5)


def short(audio: Any) -> Iterator[Any]:
    yield RATE, tone(0.5)


def recorded(
    fn: Any, recorder: Recorder, interruptions: Interruptions | None = None, **options: Any
) -> Stream:
    stream = replying(fn, interruptions=interruptions)
    return Stream(
        stream.event_handler,
        modality="audio",
        mode="send-receive",
        concurrency_limit=9,
        record=recorder,
        **options,
    )


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def indicator(call: Call) -> list[bool]:
    return [m["data"]["active"] for m in call.messages if m["type"] == "recording"]  # type: ignore[index]


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]
