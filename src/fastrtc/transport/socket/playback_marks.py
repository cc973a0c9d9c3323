"""How much of its audio a client has played, by the marks that it echoes."""

from __future__ import annotations

from collections import OrderedDict

__all__ = ["PlaybackMarks"]

MARK_EVERY_S = 0.1
"""Audio between two marks, in seconds: a tenth more messages."""

MAX_MARKS = 100
"""Marks that are remembered: those of 10 s, for clients that never echo one."""

LATE_BY_S = 1.0
"""How late a client may play its audio, in seconds: network delay and its buffer. After that, the
audio counts as played even if the client stops echoing marks."""


class PlaybackMarks:
    """Track the playback of one client. No I/O and no clock.

    Clients that echo marks, as telephone providers do, confirm with each that the audio before it
    has been played. A client that never does is assumed to play audio as it is sent. Times are in
    seconds of any monotonic clock.
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
        """Record audio that was sent.

        Returns:
            The name of a mark to send after it, if one is due.
        """
        self._sent_s += seconds
        self._done_by = max(self._done_by, now + LATE_BY_S) + seconds
        return self._mark() if self._sent_s - self._marked_s >= MARK_EVERY_S - 1e-9 else None

    def ended(self) -> str | None:
        """Record that no audio follows for now.

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
        """Record an echoed mark; an unknown one is ignored."""
        at = self._marks.get(name)
        if at is None:
            return
        self._answers = True
        self._played_s = at
        while next(iter(self._marks)) != name:
            self._marks.popitem(last=False)
        del self._marks[name]

    def cleared(self) -> None:
        """Record that the client was told to drop unplayed audio."""
        self._marks.clear()  # clients echo those, too
        self._played_s = self._marked_s = self._sent_s
        self._done_by = 0.0

    @property
    def all_played(self) -> bool:
        """Whether all marks have been echoed."""
        return not self._marks

    def unplayed_s(self, now: float) -> float:
        """Return the audio that was sent and not played, in seconds."""
        if not self._answers or now >= self._done_by:
            return 0.0
        return min(self._sent_s - self._played_s, self._done_by - now)
