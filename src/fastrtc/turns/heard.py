"""What was heard of a reply: the texts of its audio that was played. No I/O and no clock."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Interruption", "SpokenText"]

MAX_CHARACTERS_PER_S = 30.0
"""Characters that a fast voice speaks in a second. Audio that is shorter than its text at this
speed is the beginning of it: the rest is still being synthesized."""

ROUNDING_S = 1e-3
"""Tolerance of positions in seconds."""

_SPACE = re.compile(r"\s")
_NO_SPACES = re.compile(r"[\u0e00-\u0eff\u1780-\u17ff\u3000-\u30ff\u3400-\u9fff\uf900-\uffef]")
"""Characters of languages that do not separate words by spaces, and their punctuation."""


class Interruption(float):
    """How far a reply had got when it was interrupted.

    It is a number: ``played_s``.

    Attributes:
        played_s: The length of what was played, in seconds.
        heard_text: What was spoken until then: whole sentences, and of the last one the words that
            fit into the share of its audio that was played. Empty for audio without texts: see
            ``Speech``.
        text: All that had been synthesized of the reply; the rest was not heard.
    """

    heard_text: str
    text: str

    def __new__(cls, played_s: float, heard_text: str = "", text: str = "") -> Interruption:
        """Create the number of seconds, with the texts."""
        interruption = super().__new__(cls, played_s)
        interruption.heard_text = heard_text
        interruption.text = text
        return interruption

    @property
    def played_s(self) -> float:
        """The length of what was played, in seconds."""
        return float(self)

    def __getnewargs__(self) -> tuple[float, str, str]:  # type: ignore[override]
        """Return what copies and pickles are made of."""
        return float(self), self.heard_text, self.text

    def __repr__(self) -> str:
        """Return a representation with the texts."""
        return f"Interruption({float(self)!r}, heard_text={self.heard_text!r}, text={self.text!r})"


class _Part(NamedTuple):
    text: str
    starts_s: float
    ends_s: float


class SpokenText:
    """The texts of a reply, at the positions of their audio.

    ``add`` is called in one thread; the other methods may be called in any.

    Attributes:
        length_s: The length of the audio so far, in seconds.
    """

    def __init__(self) -> None:
        self._parts: tuple[_Part, ...] = ()
        self.length_s = 0.0
        self._open = False  # more audio of the last text may follow

    def add(self, seconds: float, text: str | None) -> None:
        """Record the next audio.

        Args:
            seconds: Its length.
            text: Its text; ``""`` if it continues the previous one, None if it has none.
        """
        starts_s, self.length_s = self.length_s, self.length_s + seconds
        if text:
            self._parts = (*self._parts, _Part(text, starts_s, self.length_s))
            self._open = True
        elif text is None:
            self._open = False
        elif self._open:
            *others, last = self._parts
            self._parts = (*others, last._replace(ends_s=self.length_s))

    def end(self) -> None:
        """Record that the reply has no more audio."""
        self._open = False

    @property
    def text(self) -> str:
        """All texts so far."""
        return _joined([part.text for part in self._parts])

    def heard(self, played_s: float) -> str:
        """Return what was spoken in the first *played_s* seconds of the audio."""
        parts, heard = self._parts, []
        for index, part in enumerate(parts):
            played = played_s - part.starts_s
            seconds = part.ends_s - part.starts_s
            if self._open and index == len(parts) - 1:
                seconds = max(seconds, len(part.text) / MAX_CHARACTERS_PER_S)
            if played >= seconds - ROUNDING_S:
                heard.append(part.text)
            elif played > 0:
                heard.append(_beginning(part.text, played / seconds))
        return _joined(heard)

    def interruption(self, played_s: float) -> Interruption:
        """Return the outcome of an interruption after *played_s* seconds."""
        return Interruption(played_s, self.heard(played_s), self.text)


def _beginning(text: str, share: float) -> str:
    """Return the whole words within a share of a text."""
    end = int(len(text) * share)
    if end < len(text) and not _SPACE.match(text[end]) and not _NO_SPACES.match(text[end]):
        while end and not _SPACE.match(text[end - 1]) and not _NO_SPACES.match(text[end - 1]):
            end -= 1
    return text[:end].rstrip()


def _joined(texts: list[str]) -> str:
    joined = ""
    for text in texts:
        spaced = joined and text and not joined[-1].isspace() and not text[0].isspace()
        if spaced and not _NO_SPACES.match(joined[-1]) and not _NO_SPACES.match(text[0]):
            joined += " "
        joined += text
    return joined.strip()
