"""Report the user's turns, with the times of the speech; for those who follow the conversation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..core.turn import EndedBy
from .face import rate_of
from .segmenter import Segment
from .speech_end import LAST_S, speech_end_s
from .transitions import Event

if TYPE_CHECKING:
    from .dialogue import Dialogue
    from .turn_events import TurnEvents

__all__ = ["report_pause", "report_trigger", "report_turns"]


def report_turns(
    dialogue: Dialogue, turns: TurnEvents, events: Sequence[Event], segment: Segment | None
) -> None:
    """Report what a frame of audio meant, before it has consequences; with ``hearing`` held.

    Args:
        dialogue: The conversation.
        turns: Where to report it.
        events: The events of the frame.
        segment: What the segmenter has found in it; None if chunks are judged instead.
    """
    arrived_at = dialogue.link.arrived_at()
    for event in events:
        if event is Event.SPEECH_STARTED:
            ago_s = _chunk_s(dialogue) if segment is None else segment.onset_ago_s
            turns.speech_started(arrived_at - ago_s)
        elif event is Event.TURN_ENDED:
            ago_s = _end_ago_s(dialogue, segment)
            by: EndedBy = "pause"
            if segment is not None:
                by = segment.ended_by
            elif _is_full(dialogue):
                by = "maximum"
            if by == "pause" and dialogue.by_words:
                by = "stop_word"
            turns.turn_ended(by, arrived_at - ago_s)


def report_trigger(dialogue: Dialogue, turns: TurnEvents) -> None:
    """Report a turn that the program has ended, with the end of the speech in it, if any.

    ``hearing`` must be held.
    """
    said, chunk = dialogue.face.state.stream, dialogue.face.state.buffer
    rate, channels = rate_of(dialogue.face), _channels(dialogue)
    ended_s = None
    if said is not None and said.size:
        if chunk is not None:  # which was not judged yet
            said = said.reshape(-1)[-round(LAST_S * rate) * channels :]
            said = np.concatenate((said, chunk.reshape(-1)))
        ago_s = speech_end_s(said, rate, channels=channels)
        ended_s = dialogue.link.arrived_at() - ago_s
    turns.turn_ended("program", ended_s)


def report_pause(dialogue: Dialogue, segment: Segment) -> None:
    """Note a pause in which the turn may be over."""
    turns: TurnEvents | None = dialogue.link.turn_events
    if turns is not None and segment.end_ago_s is not None:
        turns.paused(dialogue.link.arrived_at() - segment.end_ago_s)


def _end_ago_s(dialogue: Dialogue, segment: Segment | None) -> float:
    """Return how long ago the speech ended, in seconds of audio."""
    if segment is not None and segment.end_ago_s is not None:
        return segment.end_ago_s
    face = dialogue.face
    said = face.state.stream
    if said is None:
        return 0.0
    return speech_end_s(said, rate_of(face), channels=_channels(dialogue))


def _is_full(dialogue: Dialogue) -> bool:
    """Return whether the utterance has its maximum length."""
    face = dialogue.face
    said = face.state.stream
    if said is None:
        return False
    limit_s = face.algo_options.max_continuous_speech_s
    return bool(said.size >= limit_s * rate_of(face) * _channels(dialogue))


def _channels(dialogue: Dialogue) -> int:
    return 2 if dialogue.face.expected_layout == "stereo" else 1


def _chunk_s(dialogue: Dialogue) -> float:
    """Return when speech in the last chunk began: on average, in its middle."""
    return dialogue.face.algo_options.audio_chunk_duration / 2
