"""One turn of a call: what the caller said, and the program's reply."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from math import inf

import numpy as np
from numpy.typing import NDArray

from ..speech_to_text.protocol import STTModel
from .errors import CallFailed

__all__ = ["Turn", "words"]


@dataclass(frozen=True)
class Turn:
    """What the caller said, and the reply of the program, measured on the audio.

    Times are in seconds since the call began, as the caller hears them. A greeting before the
    caller has spoken is a turn of its own, in which ``said`` is empty.

    Attributes:
        said: The text of the caller, or a description of the audio.
        starts_s: The first sound of the caller.
        ends_s: The last sound of the caller.
        reply_starts_s: The first sound of the reply; infinity if there was none.
        reply_ends_s: The last sound of the reply; infinity if there was none.
        interrupted: Whether the caller began to speak again while the reply sounded.
        stopped_after_s: How long the reply sounded after that, in seconds; infinity if it was not
            interrupted.
        audio: The reply, from its first to its last sound: a sample rate in Hz, and samples of
            shape ``(n,)``.
    """

    said: str
    starts_s: float
    ends_s: float
    reply_starts_s: float = inf
    reply_ends_s: float = inf
    interrupted: bool = False
    stopped_after_s: float = inf
    audio: tuple[int, NDArray[np.int16]] = field(
        default_factory=lambda: (48_000, np.zeros(0, np.int16)), repr=False
    )
    ears: STTModel | None = field(default=None, repr=False)

    @property
    def latency_s(self) -> float:
        """From the last sound of the caller to the first one of the reply, in seconds.

        It is negative if the program began while the caller spoke, and infinite without a reply.
        """
        return self.reply_starts_s - self.ends_s

    @cached_property
    def heard(self) -> str:
        """The words of the reply as the ears of the call recognize them; see ``words``.

        Raises:
            CallFailed: If the call has no ears.
        """
        if self.ears is None:
            raise CallFailed("The call has no ears: Call(stream, ears=stt_model) recognizes speech")
        rate, samples = self.audio
        if not samples.size:
            return ""
        silence = np.zeros(rate // 4, np.int16)  # recognizers miss words at the very edge
        return words(self.ears.stt((rate, np.concatenate((silence, samples, silence)))))


def words(text: str) -> str:
    """Return the words of a text in lower case, without punctuation, separated by spaces."""
    return " ".join(re.findall(r"[^\W_]+(?:'[^\W_]+)*", text.lower()))
