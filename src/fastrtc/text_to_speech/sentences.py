"""Split text into sentences, and long sentences into pieces, for text to speech."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .abbreviations import (
    BEFORE_NUMBER,
    DETERMINERS,
    GERMAN_MONTHS,
    MAY_END,
    NEVER_END,
    NO_SENTENCE_START,
    SELDOM_END,
    SENTENCE_STARTERS,
)

__all__ = ["SentenceSplitter", "halves", "split_text"]

MAX_SENTENCE = 1000
"""Maximum length in characters. Text without an end of sentence is cut there, to bound memory."""

LOOK_BEHIND = 48
"""Characters before a full stop that determine its meaning."""

LOOK_AHEAD = 96
"""Characters from the start of a stop that determine its meaning: `STOP`, then `AHEAD`."""

# Repetitions in these patterns are bounded, and the parts of a pattern do not overlap, so that
# each match takes constant time.

STOP = re.compile(
    r"(?P<line>[\n\r\u2028\u2029])"
    r"|(?P<wide>[。！？｡︒．։؟۔।॥။។።፧᠃]{1,16})[」』”’）】》〉\"'\)\]]{0,8}"
    r"|(?P<mark>[.!?…‽‼⁇⁈⁉\u037e]{1,16})"
    r"(?P<closing>[\"'“”‘’«»‹›\)\]\}*_~`]{0,8}(?:[ \u00a0\u202f]»(?=\s|$))?)"
)
"""A possible end of a sentence: a line break, a stop that needs no space after it, or one that
does."""

AHEAD = re.compile(
    r"(?P<gap>[\s\"'“”„‘’«»‹›\(\[\{¿¡*_~`#–—•-]{0,24})(?P<word>[^\W_]{0,32})(?P<after>['’.]?)"
)
"""The text after a stop: white space and opening punctuation, and the first word."""

LINE = re.compile(r"[\n\r\u2028\u2029]")
CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
WORD = re.compile(r"[^\W_]")
ELISION = re.compile(r"^\w{1,2}['’]")
ACRONYM = re.compile(r"(?:[^\W\d_]\.){1,8}[^\W\d_]")
OPENING = "\"'“”„‘’«»‹›([{¿¡*_~`"

ABBREVIATIONS = NEVER_END | SELDOM_END | MAY_END | BEFORE_NUMBER

PAUSE = re.compile(r"[,;:–—、，；](?=\s|$)|(?<=\s)-(?=\s)|[、，；]")
"""Where a speaker may pause within a sentence."""


class SentenceSplitter:
    """Split text that arrives in pieces, such as the tokens of a language model, into sentences.

    A full stop does not end a sentence in an abbreviation ("Dr. Smith", "10 a.m. with"), a number,
    an initial, an ordinal ("am 3. Oktober") or an enumeration ("1. Open it"), nor if the next word
    is in lower case, unless the full stop follows five or more letters. If the end is ambiguous,
    the text is not split. The result does not depend on how the text is divided into pieces. A
    sentence is returned as soon as its end is certain: at the next white space, letter or word.
    Sentences of more than 1000 characters are cut.
    """

    def __init__(self) -> None:
        self._text = ""  # not returned yet
        self._position = 0  # no sentence ends before this
        self._cased = False  # whether an upper-case letter precedes the position

    def push(self, text: str) -> list[str]:
        """Append a piece of text.

        Args:
            text: Any length.

        Returns:
            The sentences that are now complete, in order, without surrounding white space.

        Raises:
            TypeError: If the text is not a string.
        """
        if not isinstance(text, str):
            raise TypeError(f"Text must be a string, not {type(text).__name__}")
        self._text += text
        return list(self._sentences(final=False))

    def flush(self) -> list[str]:
        """End the text: return the remaining sentences, and start a new text."""
        rest = list(self._sentences(final=True))
        self._text, self._position, self._cased = "", 0, False
        return rest

    def _sentences(self, final: bool) -> Iterator[str]:
        start = 0
        while (end := self._next_end(start, final)) is not None:
            if sentence := self._text[start:end].strip():
                yield sentence
            start = end
        self._text = self._text[start:]
        self._position -= start

    def _next_end(self, start: int, final: bool) -> int | None:
        """Return the end of the sentence that starts at *start*, or None if it is not known yet."""
        text, limit = self._text, start + MAX_SENTENCE
        while (stop := STOP.search(text, self._position, limit + LOOK_AHEAD)) is not None:
            if stop.start() >= limit:
                break
            if not final and _is_open(text, start, stop):
                self._advance(stop.start())
                return None
            self._advance(stop.end())
            if _ends_sentence(text, start, stop, self._cased):
                return stop.end()
        if len(text) >= limit + LOOK_AHEAD or (final and len(text) > limit):
            cut = start + _cut(text[start:limit])
            self._advance(max(cut, self._position))
            return cut
        self._advance(max(self._position, min(len(text), limit)))
        if final and start < len(text):
            return len(text)
        return None

    def _advance(self, position: int) -> None:
        passed = self._text[self._position : position]
        self._cased = self._cased or passed != passed.lower()
        self._position = position


def split_text(text: str, max_length: int) -> Iterator[str]:
    """Split text into sentences, and long sentences where a speaker would pause.

    Args:
        text: The text.
        max_length: Maximum number of characters of a piece.

    Yields:
        Pieces that are not blank, in order; only white space is lost.
    """
    splitter = SentenceSplitter()
    for sentence in (*splitter.push(text), *splitter.flush()):
        yield from _fit(sentence, max_length)


def _is_open(text: str, start: int, stop: re.Match[str]) -> bool:
    """Return whether the meaning of a stop depends on text that may still follow."""
    following = text[stop.end() : stop.end() + 1]
    if stop["line"]:
        return False
    if stop["wide"] or not following.isspace():
        return not following
    before = _before(text, start, stop)
    if stop["mark"] == "." and _is_long_word(before) and not stop["closing"]:
        return False
    ahead = _look_ahead(text, stop)
    if ahead.end() < len(text) or LINE.search(ahead["gap"]):
        return False
    if stop["mark"] == ".":  # needs the first letter of the next word, or all of it
        return not ahead["word"] or not _is_ordinary(before)
    return ahead["word"] in ("", "I")


def _before(text: str, start: int, stop: re.Match[str]) -> str:
    return text[max(start, stop.start() - LOOK_BEHIND) : stop.start()]


def _look_ahead(text: str, stop: re.Match[str]) -> re.Match[str]:
    ahead = AHEAD.match(text, stop.end())
    assert ahead is not None  # each of its parts may be empty
    return ahead


def _ends_sentence(text: str, start: int, stop: re.Match[str], cased: bool) -> bool:
    """Return whether a stop ends the sentence that starts at *start*."""
    following = text[stop.end() : stop.end() + 1]
    if stop["line"] or not following:
        return True
    if WORD.search(text, start, stop.start()) is None:  # nothing to say
        return False
    if stop["wide"]:
        quoted = stop.end() > stop.end("wide")  # 「はい。」と言った is one sentence
        return not (following.isalnum() and (quoted or following.isdigit()))
    mark = stop["mark"]
    if not following.isspace():  # 3.14, fastrtc.org, (?), but also: 你好!再见
        return mark[-1] in "!?" and CJK.match(following) is not None
    before = _before(text, start, stop)
    if mark == "." and _is_long_word(before) and not stop["closing"]:
        return True
    ahead = _look_ahead(text, stop)
    gap, word = ahead["gap"], ahead["word"]
    if LINE.search(gap) or "¿" in gap or "¡" in gap:
        return True
    if not word:  # an emoji, or another full stop: . . .
        return STOP.match(text, stop.end() + len(gap)) is None
    if mark == ".":
        verdict = _full_stop(before, word, ahead["after"])
        if verdict is not None:
            return verdict
    elif mark[-1] in ".…" and word == "I":  # Well... I think so.
        return False
    return not (cased and word[0].islower())


def _full_stop(before: str, word: str, after: str) -> bool | None:
    """Determine the meaning of a single full stop.

    Args:
        before: The sentence before it, or the end of that.
        word: The next word.
        after: An apostrophe or full stop after that word, if any.

    Returns:
        Whether it ends the sentence; None if it is an ordinary full stop, which does unless the
        next word indicates otherwise.
    """
    words = before.split()
    if not words:
        return None
    last = ELISION.sub("", words[-1].lstrip(OPENING))
    previous = words[-2].lower() if len(words) > 1 else ""
    counts = previous.endswith((":", ";")) or (not previous and len(before) < LOOK_BEHIND)
    starter = _is_starter(word, after)
    if last.isdecimal() and len(last) <= 3:
        ordinal = (previous in DETERMINERS and not starter) or word.lower() in GERMAN_MONTHS
        return False if counts or ordinal else None
    key = last.lower()
    if len(last) == 1 and last.lower() != last.upper():
        if counts:  # A. The first
            return False
        initials = _initials(words)
        if initials not in MAY_END:
            return starter and len(initials) == 1
        key = initials
    if key in MAY_END:
        return word[0].isalpha() and not word[0].islower() and word.lower() not in NO_SENTENCE_START
    if key in NEVER_END or previous == "p.":  # p. ex., p. ej.
        return False
    if (key in BEFORE_NUMBER or key.endswith("str")) and word[0].isdecimal():
        return False
    if key in SELDOM_END or ACRONYM.fullmatch(key):
        return starter
    return None


def _is_ordinary(before: str) -> bool:
    """Return whether the text before a full stop ends with a word that is not an abbreviation."""
    words = before.lower().split()
    last = ELISION.sub("", words[-1].lstrip(OPENING)) if words else ""
    known = last in ABBREVIATIONS or last.endswith("str") or words[-2:-1] == ["p."]
    return len(last) > 1 and last.isalpha() and not known


def _is_long_word(before: str) -> bool:
    """Return whether the text ends with a word that is too long for an abbreviation."""
    return len(before) >= 5 and before[-5:].isalpha() and _is_ordinary(before)


def _initials(words: list[str]) -> str:
    """Join the single letters at the end of a sentence: ``J. R. R`` becomes ``j.r.r``."""
    letters = [words[-1].lstrip(OPENING)]
    for word in reversed(words[:-1]):
        word = word.lstrip(OPENING)
        if len(word) != 2 or word[1] != "." or not word[0].isalpha():
            break
        letters.append(word[0])
    return ".".join(reversed(letters)).lower()


def _is_starter(word: str, after: str) -> bool:
    """Return whether a word typically starts a sentence, not a name: ``The``, but not ``WHO``."""
    if after == "." and len(word) == 1:  # an initial
        return False
    if not word[0].isupper() or word[1:] != word[1:].lower():
        return False
    return word.lower() in SENTENCE_STARTERS


def halves(text: str) -> tuple[str, str]:
    """Split text in two near its middle: at a pause, else between words, else anywhere.

    Raises:
        ValueError: If it has fewer than two characters.
    """
    text = text.strip()
    if len(text) < 2:
        raise ValueError(f"{text!r} cannot be split in two")
    middle = len(text) / 2
    for pattern in (PAUSE, re.compile(r"\s")):
        cuts = [match.end() for match in pattern.finditer(text) if 0 < match.end() < len(text)]
        # a cut near an end leaves nearly all of the text
        cuts = [cut for cut in cuts if 0.2 <= cut / len(text) <= 0.8]
        if cuts:
            cut = min(cuts, key=lambda cut: abs(cut - middle))
            return text[:cut].rstrip(), text[cut:].lstrip()
    return text[: len(text) // 2], text[len(text) // 2 :]


def _cut(text: str) -> int:
    """Return where to cut text that is too long: at its last pause or space, else at its end."""
    for pattern in (PAUSE, re.compile(r"\s")):
        cuts = [match.end() for match in pattern.finditer(text, len(text) // 2)]
        if cuts:
            return cuts[-1]
    return len(text)


def _fit(sentence: str, max_length: int) -> Iterator[str]:
    pieces = [sentence]
    while pieces:
        piece = pieces.pop()
        if len(piece) > max(max_length, 1):
            pieces.extend(reversed(halves(piece)))
        elif piece:
            yield piece
