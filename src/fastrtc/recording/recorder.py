"""``Recorder``: how a stream is recorded, and what the program is told at the end."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any, Literal, TypeAlias

from ..core.callbacks import check_callback
from ..core.types import Modality, Mode
from .events import Side
from .paths import check_template
from .sink import SUFFIXES, VIDEO_SUFFIXES
from .wav import MAX_WAV_BYTES

__all__ = ["OnRecorded", "Recorder", "RecordingEnd", "check_recorder"]


@dataclass(frozen=True)
class RecordingEnd:
    """The end of a recording, as ``on_end`` gets it.

    Attributes:
        webrtc_id: The id of the connection.
        path: The file; None if it could not be created, or was removed before it was complete.
        turns_path: The JSON file of the turns; None if it could not be written.
        duration_s: The length of the recording, in seconds.
        size: The size of the file in bytes.
        reason: ``"ended"`` if the connection has ended, ``"limit"`` if ``max_s`` or ``max_bytes``
            was reached, ``"error"`` if the file, or that of the turns, could not be written.
        error: The error in words; None without one.
        lost_s: How much was not recorded because the disk was too slow, in seconds; there is
            silence in its place.
    """

    webrtc_id: str
    path: Path | None
    turns_path: Path | None
    duration_s: float
    size: int
    reason: Literal["ended", "limit", "error"]
    error: str | None = None
    lost_s: float = 0.0


OnRecorded: TypeAlias = Callable[[RecordingEnd], Any]
"""Called when the recording of a connection has ended. Sync or async."""


@dataclass(frozen=True)
class Recorder:
    """Record the connections of a stream: ``Stream(record=Recorder("calls/{id}.ogg"))``.

    Each connection has a file of its own, with what was received from the client on the left, and
    what was played to it on the right, and a JSON file of its turns: ``calls/x.ogg.json``.

    Attributes:
        path: The path of the files, with the placeholders ``{id}``, ``{date}``, ``{time}`` and
            ``{transport}``. The suffix is the format: ``.ogg`` or ``.opus`` for Opus, ``.wav``;
            with video ``.mp4`` or ``.webm``. Missing folders are created; an existing file is never
            overwritten: a number is added to the name. A ``~`` at its beginning is the home folder
            of the user.
        start: ``"connected"`` to record from the beginning; ``"manual"`` to record from
            ``get_current_context().recording.start()`` on.
        on_end: Called with a ``RecordingEnd`` when the recording of a connection has ended. Sync or
            async.
        max_s: The greatest length of a recording, in seconds.
        max_bytes: The greatest size of a file, in bytes; it may be exceeded by what is written in a
            moment.
        picture_size: Width and height of the picture of one side, in pixels; even numbers.
        fps: Frames of video per second, a whole number.

    Raises:
        TypeError: If the path is neither a string nor a ``Path``, or ``on_end`` has other
            parameters.
        ValueError: If another value is invalid; the message names it.
    """

    path: str | os.PathLike[str]
    start: Literal["connected", "manual"] = "connected"
    on_end: OnRecorded | None = None
    max_s: float = 4 * 3600.0
    max_bytes: int = 2_000_000_000
    picture_size: tuple[int, int] = (640, 480)
    fps: int = 15

    def __post_init__(self) -> None:
        if not isinstance(self.path, str | os.PathLike) or not isinstance(self.template, str):
            raise TypeError(f"path must be a string or a Path, not {self.path!r}")
        check_template(self.template, SUFFIXES)
        if self.start not in ("connected", "manual"):
            raise ValueError(f'start must be "connected" or "manual", not {self.start!r}')
        if self.on_end is not None:
            if not callable(self.on_end):
                raise ValueError(f"on_end must be a function or None, not {self.on_end!r}")
            check_callback("on_end", self.on_end, "a RecordingEnd")
        if not _is_number(self.max_s) or not 0 < self.max_s < inf:
            raise ValueError(f"max_s must be a positive number of seconds, not {self.max_s!r}")
        if not _is_number(self.max_bytes) or not 0 < self.max_bytes < inf:
            raise ValueError(f"max_bytes must be a positive number, not {self.max_bytes!r}")
        if self.suffix == ".wav" and self.max_bytes > MAX_WAV_BYTES:
            raise ValueError(f"max_bytes of a WAV file must be at most {MAX_WAV_BYTES}")
        if not _is_size(self.picture_size):
            raise ValueError(
                f"picture_size must be two even numbers from 16 on, not {self.picture_size!r}"
            )
        if not _is_whole(self.fps) or not 1 <= self.fps <= 60:
            raise ValueError(f"fps must be a whole number from 1 to 60, not {self.fps!r}")

    @property
    def template(self) -> str:
        """The path as a string, with the home folder."""
        return os.path.expanduser(os.fspath(self.path))

    @property
    def suffix(self) -> str:
        """The suffix of the path, with its dot."""
        return Path(self.template).suffix

    @property
    def has_video(self) -> bool:
        """Whether video is recorded."""
        return self.suffix in VIDEO_SUFFIXES


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_size(value: object) -> bool:
    if not isinstance(value, tuple | list) or len(value) != 2:
        return False
    return all(_is_whole(n) and n >= 16 and n % 2 == 0 for n in value)


def check_recorder(recorder: Any, modality: Modality) -> Recorder | None:
    """Validate the recorder of a stream.

    Raises:
        ValueError: If it is none, or records something that the stream does not have.
    """
    if recorder is None:
        return None
    if not isinstance(recorder, Recorder):
        raise ValueError(f"record must be a Recorder or None, not {recorder!r}")
    if modality == "video" and not recorder.has_video:
        raise ValueError(
            f"A stream of video is recorded as {' or '.join(VIDEO_SUFFIXES)}, not {recorder.suffix}"
        )
    if modality == "audio" and recorder.has_video:
        raise ValueError(f"A stream of audio is recorded as .ogg or .wav, not {recorder.suffix}")
    return recorder


def sides_of(mode: Mode) -> tuple[Side, ...]:
    """Return the sides that have media, from left to right."""
    if mode == "send":
        return ("received",)
    return ("played",) if mode == "receive" else ("received", "played")
