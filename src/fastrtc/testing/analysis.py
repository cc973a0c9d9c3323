"""The turns of a call, measured on its audio. No I/O, no clock."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from ..speech_to_text.protocol import STTModel
from .line import RATE
from .sound import Sound
from .turn import Turn

__all__ = ["Utterance", "make_turns"]


@dataclass(frozen=True)
class Utterance:
    """Something that the caller says.

    Attributes:
        said: The text, or a description of the audio.
        start: The index of its first sample.
        audio: At 48 kHz, from its first to its last sound.
        place: The line of the test.
    """

    said: str
    start: int
    audio: NDArray[np.int16]
    place: str = ""

    @property
    def end(self) -> int:
        """The index after its last sample."""
        return self.start + len(self.audio)

    @property
    def quoted(self) -> str:
        """The text, and the line of the test, for messages."""
        where = f" ({self.place})" if self.place else ""
        return f"{self.said!r}{where}"


def make_turns(
    utterances: Sequence[Utterance],
    heard: NDArray[np.int16],
    sounds: Sequence[Sound],
    ears: STTModel | None = None,
) -> list[Turn]:
    """Assign the sounds of the program to what the caller said.

    A sound belongs to the last utterance that began before it. One that began earlier and still
    sounds is a reply that the caller interrupts.

    Args:
        utterances: What the caller said, in order.
        heard: The audio of the program at 48 kHz, shape ``(n,)``.
        sounds: The stretches of sound in it.
        ears: Recognizes the words of the replies.
    """
    starts = [utterance.start for utterance in utterances]
    replies: dict[int, list[Sound]] = {}
    for sound in sounds:
        replies.setdefault(bisect_right(starts, sound.start) - 1, []).append(sound)
    turns = []
    if -1 in replies:
        greeting = Utterance("", 0, np.zeros(0, np.int16))
        turns.append(_turn(greeting, replies[-1], starts[0] if starts else None, heard, ears))
    for i, utterance in enumerate(utterances):
        following = starts[i + 1] if i + 1 < len(starts) else None
        turns.append(_turn(utterance, replies.get(i, []), following, heard, ears))
    return turns


def _turn(
    utterance: Utterance,
    sounds: Sequence[Sound],
    following: int | None,
    heard: NDArray[np.int16],
    ears: STTModel | None,
) -> Turn:
    said, starts_s, ends_s = utterance.said, utterance.start / RATE, utterance.end / RATE
    if not sounds:
        return Turn(said, starts_s, ends_s, ears=ears)
    start, end = sounds[0].start, sounds[-1].end
    interrupted = following is not None and any(one.start <= following < one.end for one in sounds)
    return Turn(
        said,
        starts_s,
        ends_s,
        start / RATE,
        end / RATE,
        interrupted,
        (end - following) / RATE if interrupted and following is not None else inf,
        (RATE, heard[start:end].copy()),
        ears,
    )
