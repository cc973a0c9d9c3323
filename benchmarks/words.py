"""How many words of a transcript a recognizer got wrong."""

from __future__ import annotations

import re

_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")


def word_error_rate(said: str, heard: str) -> float:
    """Return the edits that make *heard* of *said*, divided by the number of words in *said*.

    An edit is a word left out, put in or replaced. Case and punctuation do not count. The rate is
    over 1 if more words were put in than were said.

    Raises:
        ValueError: If there is no word in *said*.
    """
    wanted, found = _words(said), _words(heard)
    if not wanted:
        raise ValueError("nothing was said, so no share of it can be wrong")
    edits = list(range(len(found) + 1))
    for row, word in enumerate(wanted, 1):
        diagonal, edits[0] = edits[0], row
        for column, other in enumerate(found, 1):
            replaced = diagonal + (word != other)
            diagonal = edits[column]
            edits[column] = min(replaced, diagonal + 1, edits[column - 1] + 1)
    return edits[-1] / len(wanted)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
