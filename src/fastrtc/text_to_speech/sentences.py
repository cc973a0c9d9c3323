"""Cutting text into pieces that are said one after another."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["halves", "split_text"]

END = re.compile(r"""(?:[.!?…]+["'”’)\]]*(?=\s)|[。！？]+|\n)\s*""")
"""Where a sentence ends. A full stop in a number or an address has no space after it."""

ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:mr|mrs|ms|dr|prof|st|jr|sr|vs|e\.g|i\.e|[A-Za-z])\.\s*$", re.IGNORECASE
)
"""What ends in a full stop and does not end a sentence; a letter may be an initial."""

PAUSE = re.compile(r"[,;:–—、，；](?=\s|$)|(?<=\s)-(?=\s)|[、，；]")
"""Where a speaker may pause within a sentence."""


def split_text(text: str, longest: int) -> Iterator[str]:
    """Cut a text into sentences, and long sentences where a speaker would pause.

    Args:
        text: The text.
        longest: How many characters a piece has at most.

    Yields:
        Pieces that are not blank, in order; nothing but white space is lost.
    """
    start = 0
    for match in END.finditer(text):
        if not ABBREVIATION.search(text[start : match.end()]):
            yield from _fit(text[start : match.end()], longest)
            start = match.end()
    yield from _fit(text[start:], longest)


def halves(text: str) -> tuple[str, str]:
    """Cut a text in two, near its middle: at a pause, else between words, else anywhere.

    Raises:
        ValueError: If it has fewer than two characters.
    """
    text = text.strip()
    if len(text) < 2:
        raise ValueError(f"{text!r} cannot be cut in two")
    middle = len(text) / 2
    for pattern in (PAUSE, re.compile(r"\s")):
        cuts = [match.end() for match in pattern.finditer(text) if 0 < match.end() < len(text)]
        # one near an end leaves nearly as much as there was
        cuts = [cut for cut in cuts if 0.2 <= cut / len(text) <= 0.8]
        if cuts:
            cut = min(cuts, key=lambda cut: abs(cut - middle))
            return text[:cut].rstrip(), text[cut:].lstrip()
    return text[: len(text) // 2], text[len(text) // 2 :]


def _fit(sentence: str, longest: int) -> Iterator[str]:
    pieces = [sentence.strip()]
    while pieces:
        piece = pieces.pop()
        if len(piece) > max(longest, 1):
            pieces.extend(reversed(halves(piece)))
        elif piece:
            yield piece
