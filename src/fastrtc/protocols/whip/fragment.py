"""SDP fragments with ICE candidates: ``application/trickle-ice-sdpfrag`` (RFC 8840 section 9).

No I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ...core.errors import FastRTCError
from ..ice import Credentials

__all__ = ["MAX_FRAGMENT", "Fragment", "InvalidFragment", "parse_fragment"]

MAX_FRAGMENT = 64 * 1024
"""Maximum length of a fragment in characters; a browser's has some hundred per candidate."""

MAX_LINES = 1024

MAX_SECTIONS = 32
"""Media sections, as in an offer."""

_CONTROL = re.compile(r"[^\t\n\r -~\xa0-\u2027\u202f-\U0010ffff]")
_ATTRIBUTE = re.compile(r"a=([A-Za-z0-9!#$%&'*+.^_`{|}~-]+)(?::(.*))?")


class InvalidFragment(FastRTCError, ValueError):
    """A fragment that is malformed."""


@dataclass(frozen=True)
class Fragment:
    """A parsed fragment.

    Attributes:
        credentials: The ICE credentials that it names, without duplicates.
        candidates: The candidates, each as ``parse_candidate`` accepts it.
        ended: Whether no candidates will follow.
    """

    credentials: tuple[Credentials, ...]
    candidates: tuple[dict[str, Any], ...]
    ended: bool

    def restarts(self, known: Iterable[Credentials]) -> bool:
        """Return whether it restarts ICE: whether it has credentials other than the known ones."""
        return not set(self.credentials) <= set(known)


class _Level:
    """The session level of a fragment, or one of its media sections."""

    def __init__(self, index: int | None) -> None:
        self.index = index
        self.mid: str | None = None
        self.ufrag: str | None = None
        self.password: str | None = None
        self.candidates: list[str] = []
        self.ended = False

    def read(self, name: str, value: str) -> None:
        if name == "mid":
            self.mid = value
        elif name == "ice-ufrag":
            self.ufrag = value
        elif name == "ice-pwd":
            self.password = value
        elif name == "candidate":
            self.candidates.append(value)
        elif name == "end-of-candidates":
            self.ended = True

    def credentials(self) -> Credentials | None:
        if self.ufrag is None and self.password is None:
            return None
        if not self.ufrag or not self.password:
            raise InvalidFragment("The fragment has an ice-ufrag or ice-pwd without the other")
        return Credentials(self.ufrag, self.password)

    def placed(self) -> Iterable[dict[str, Any]]:
        for text in self.candidates:
            place: dict[str, Any] = {"candidate": f"candidate:{text}"}
            if self.mid is not None:
                place["sdpMid"] = self.mid
            elif self.index is not None:
                place["sdpMLineIndex"] = self.index
            yield place


def parse_fragment(text: str) -> Fragment:
    """Parse a fragment. Unknown attributes are ignored.

    A candidate is for the section with the ``a=mid`` of its pseudo media line, or else for the
    section with the index of that line, or else for the first section: all of them are bundled.

    Raises:
        InvalidFragment: If it is malformed, or too long.
    """
    if len(text) > MAX_FRAGMENT:
        raise InvalidFragment(f"The fragment is longer than {MAX_FRAGMENT} characters")
    if _CONTROL.search(text):  # parts of it are logged
        raise InvalidFragment("The fragment has control characters")
    lines = [line for line in re.split(r"\r\n|\n|\r", text) if line]
    if len(lines) > MAX_LINES:
        raise InvalidFragment(f"The fragment has more than {MAX_LINES} lines")
    levels = [_Level(None)]
    for line in lines:
        if line.startswith("m="):
            if len(levels) > MAX_SECTIONS:
                raise InvalidFragment(f"The fragment has more than {MAX_SECTIONS} media sections")
            levels.append(_Level(len(levels) - 1))
            continue
        found = _ATTRIBUTE.fullmatch(line)
        if found is None:
            raise InvalidFragment(f"This is no line of a fragment: {line[:100]!r}")
        levels[-1].read(found[1], (found[2] or "").strip())
    given = [level.credentials() for level in levels]
    credentials = tuple(dict.fromkeys(one for one in given if one is not None))
    candidates = tuple(place for level in levels for place in level.placed())
    ended = levels[0].ended or len(levels) > 1 and all(level.ended for level in levels[1:])
    if not (credentials or candidates or ended):
        raise InvalidFragment("The fragment has neither candidates nor ICE credentials")
    return Fragment(credentials, candidates, ended)
