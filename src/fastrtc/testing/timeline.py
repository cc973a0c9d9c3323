"""What happened in a call, as text. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .analysis import Utterance
from .line import RATE
from .sound import Sound

__all__ = ["Event", "format_timeline"]


class Event(NamedTuple):
    """Something that happened.

    Attributes:
        when_s: When, in seconds since the call began.
        who: ``"caller"`` or ``"program"``.
        what: What, in words.
    """

    when_s: float
    who: str
    what: str


def format_timeline(
    utterances: Sequence[Utterance], sounds: Sequence[Sound], events: Sequence[Event]
) -> str:
    """Return one line per event, in order: the time in seconds, who, and what."""
    lines = list(events)
    for utterance in utterances:
        lines.append(Event(utterance.start / RATE, "caller", f"says {utterance.quoted}"))
        lines.append(Event(utterance.end / RATE, "caller", "has said it"))
    for sound in sounds:
        lines.append(Event(sound.start / RATE, "program", "is heard"))
        lines.append(Event(sound.end / RATE, "program", "is silent"))
    ordered = sorted(lines, key=lambda event: event.when_s)
    return "".join(f"{when_s:9.3f}  {who:8} {what}\n" for when_s, who, what in ordered)
