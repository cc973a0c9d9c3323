"""What a client has played of the audio that it was sent, by the marks that it sends back."""

from __future__ import annotations

from collections import OrderedDict

__all__ = ["PlaybackMarks"]

MARK_EVERY_S = 0.1
"""How much audio lies between two marks, in seconds: a tenth of the messages more."""

MAX_MARKS = 100
"""Marks that are remembered: those of 10 s, for clients that never send one back."""

LATE_BY_S = 1.0
"""How late a client may play what it was sent, in seconds: the way there and its buffer. One
that sends no more marks has played it by then all the same."""


class PlaybackMarks:
    """Follows the playing of one client, without I/O and without a clock.

    Clients that send marks back, as telephone providers do, say with each that what was sent
    before it has been played. One that never does is taken to play audio as it is sent.
    Times are in seconds, of any clock that does not jump.
    """

    def __init__(self) -> None:
        self._sent_s = 0.0
        self._played_s = 0.0
        self._marks: OrderedDict[str, float] = OrderedDict()
        self._marked_s = 0.0
        self._count = 0
        self._answers = False
        self._done_by = 0.0

    def sent(self, seconds: float, now: float) -> str | None:
        """Learn that audio was sent.

        Returns:
            The name of a mark to send after it, if it is time for one.
        """
        self._sent_s += seconds
        self._done_by = max(self._done_by, now + LATE_BY_S) + seconds
        return self._mark() if self._sent_s - self._marked_s >= MARK_EVERY_S - 1e-9 else None

    def ended(self) -> str | None:
        """Learn that nothing follows for now.

        Returns:
            The name of a mark to send, if there is audio after the last one.
        """
        return self._mark() if self._sent_s > self._marked_s else None

    def _mark(self) -> str:
        self._marked_s = self._sent_s
        self._count += 1
        name = f"fastrtc-{self._count}"
        self._marks[name] = self._sent_s
        if len(self._marks) > MAX_MARKS:
            self._marks.popitem(last=False)
        return name

    def played(self, name: str) -> None:
        """Learn that a mark has come back; one that nobody knows is ignored."""
        at = self._marks.get(name)
        if at is None:
            return
        self._answers = True
        self._played_s = at
        while next(iter(self._marks)) != name:
            self._marks.popitem(last=False)
        del self._marks[name]

    def cleared(self) -> None:
        """Learn that the client was told to drop what it has not played."""
        self._marks.clear()  # clients send those back, too
        self._played_s = self._marked_s = self._sent_s
        self._done_by = 0.0

    @property
    def all_played(self) -> bool:
        """Whether all marks have come back."""
        return not self._marks

    def unplayed_s(self, now: float) -> float:
        """Tell how much of the audio that was sent has not been played, in seconds."""
        if not self._answers or now >= self._done_by:
            return 0.0
        return min(self._sent_s - self._played_s, self._done_by - now)
