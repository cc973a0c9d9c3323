"""The JSON file beside a recording."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from .errors import RecordingRemoved
from .events import Side
from .track import RATE

__all__ = ["Report", "Stretch", "write_report"]

VERSION = 1
"""Of the format of the file."""


@dataclass
class Stretch:
    """What was recorded between a start and a stop.

    Attributes:
        start_s: Its position in the recording, in seconds.
        end_s: The position of its end; None as long as it goes on.
    """

    start_s: float
    end_s: float | None = None


@dataclass(frozen=True)
class Report:
    """What stands in the file.

    Attributes:
        webrtc_id: The id of the connection.
        transport: Its transport.
        file: The name of the recording.
        started_at: The time of day of position 0, with the offset of the time zone.
        duration_s: The length in seconds.
        sides: What is on the channels, or with video on the pictures, from left to right.
        video: Whether the file has pictures.
        stretches: What was recorded; between them there is silence.
        lost_s: How much was lost because the disk was too slow, in seconds.
        error: Why the recording has ended early.
        turns: The turns of the conversation, with times as positions in the recording.
    """

    webrtc_id: str
    transport: str
    file: str
    started_at: datetime
    duration_s: float
    sides: tuple[Side, ...]
    video: bool
    stretches: Sequence[Stretch]
    lost_s: float
    error: str | None
    turns: Sequence[dict[str, Any]]


def write_report(path: Path, report: Report) -> Path:
    """Write the JSON file of a recording; it is complete or missing.

    Returns:
        Its path: that of the recording, and ``.json``.

    Raises:
        RecordingRemoved: If there is no recording any more: what was said in it is not to stay.
        OSError: If it cannot be written.
    """
    if not path.exists():
        raise RecordingRemoved(f"the recording {path} was removed before it was complete")
    data = {"version": VERSION, **asdict(report), "sample_rate": RATE}
    data["started_at"] = report.started_at.isoformat(timespec="milliseconds")
    final, temporary = Path(f"{path}.json"), Path(f"{path}.json.part")
    text = json.dumps(data, indent=1, ensure_ascii=False, default=str)
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0)
    temporary.unlink(missing_ok=True)  # of a process that was killed; a link is not followed
    descriptor = os.open(temporary, flags, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        os.replace(temporary, final)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    return final
