"""Jitter buffer: RTP packets in order, with a wait that adapts to the jitter. No I/O, no clock."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["SEQUENCE_NUMBERS", "Packet", "JitterBuffer", "JitterBufferOptions"]

T = TypeVar("T")

SEQUENCE_NUMBERS = 1 << 16
"""Sequence numbers are 16-bit and wrap (RFC 3550)."""

TIMESTAMPS = 1 << 32


@dataclass(frozen=True)
class JitterBufferOptions:
    """How long to wait for a missing packet.

    Attributes:
        least_wait_s: Initial and minimum wait in seconds: more than the difference between parallel
            paths of a network.
        most_wait_s: Maximum wait in seconds. Packets that are later count as lost.
        window: The number of latest packets whose delays determine the target of the wait; at 50
            packets a second, 10 s.
        too_late: How many packets of the window may be later than the target: 1%, so that a few
            very late ones do not delay everything.
        decay: Factor by which the wait's excess over the target shrinks with each packet in order;
            0.998 halves it in 7 s of speech.
        most_waiting: Maximum number of buffered packets; at 50 packets a second, 0.64 s.
        most_misorder: Distance of sequence numbers above which the stream counts as restarted
            (RFC 3550 appendix A.1).
    """

    least_wait_s: float = 0.03
    most_wait_s: float = 0.15
    window: int = 500
    too_late: int = 5
    decay: float = 0.998
    most_waiting: int = 32
    most_misorder: int = 100


@dataclass(slots=True)
class Packet(Generic[T]):
    """A packet in order.

    Attributes:
        timestamp: RTP timestamp, extended so that it does not wrap.
        payload: The payload.
        lost: Number of packets lost directly before this one.
    """

    timestamp: int
    payload: T
    lost: int


@dataclass(frozen=True)
class _Waiting(Generic[T]):
    timestamp: int
    payload: T
    since: float


class _Lateness:
    """The wait that would have been long enough for nearly all of the latest packets.

    Args:
        window: The number of latest packets.
        too_late: How many of them may be later.

    Attributes:
        late: The late packets of the window: the packet count when it arrived, and how late it was
            in seconds.
    """

    def __init__(self, window: int, too_late: int) -> None:
        self._window = window
        self._too_late = too_late
        self.late: deque[tuple[int, float]] = deque()
        self._sorted: list[float] = []

    def add(self, count: int, late_s: float) -> None:
        """Record a packet that arrived after a later one.

        Args:
            count: The number of packets so far.
            late_s: How much later, in seconds.
        """
        self.late.append((count, late_s))
        insort(self._sorted, late_s)
        self._expire(count)

    def target_s(self, count: int) -> float:
        """Return the wait, in seconds, after so many packets."""
        self._expire(count)
        return self._sorted[-self._too_late - 1] if len(self._sorted) > self._too_late else 0.0

    def _expire(self, count: int) -> None:
        while self.late and self.late[0][0] <= count - self._window:
            del self._sorted[bisect_left(self._sorted, self.late.popleft()[1])]


class JitterBuffer(Generic[T]):
    """Put RTP packets in order.

    A packet in order is returned at once, so a good network adds no delay. An early packet waits
    for the ones before it. The wait follows the jitter: it grows at once when packets arrive late,
    and shrinks slowly. Times are arguments, in seconds.
    """

    def __init__(self, options: JitterBufferOptions | None = None) -> None:
        self.options = options or JitterBufferOptions()
        self.wait_s = self.options.least_wait_s
        self._next: int | None = None
        self._waiting: dict[int, _Waiting[T]] = {}
        self._gap_since: float | None = None
        self._skipped: dict[int, float] = {}  # packets given up on, and when their gap began
        self._last_timestamp: int | None = None
        self._lateness = _Lateness(self.options.window, self.options.too_late)
        self._count = 0
        self.lost = 0

    @property
    def deadline(self) -> float | None:
        """When to call ``poll`` if no packet arrives earlier; None if no packet waits."""
        return None if self._gap_since is None else self._gap_since + self.wait_s

    def push(self, sequence: int, timestamp: int, payload: T, now: float) -> list[Packet[T]]:
        """Add a packet, and return the packets that are in order now."""
        if self._next is None:
            self._next = sequence
        ahead = (sequence - self._next) % SEQUENCE_NUMBERS
        if ahead == 0 and not self._waiting:  # as nearly all packets
            self._count += 1
            if self._lateness.late or self.wait_s > self.options.least_wait_s:
                self._adapt()
            self._next = (sequence + 1) % SEQUENCE_NUMBERS
            return [Packet(self._unwrap(timestamp), payload, 0)]
        behind = SEQUENCE_NUMBERS - ahead
        if min(ahead, behind) > self.options.most_misorder:
            return self._restart(sequence, timestamp, payload)
        self._count += 1
        if behind < ahead:  # too late, or a duplicate
            self._note_late(sequence, now)
            return []
        if self._waiting and sequence not in self._waiting:
            self._note_overtaken(ahead, now)
        self._waiting.setdefault(sequence, _Waiting(timestamp, payload, now))
        if ahead == 0:
            if self._lateness.late or self.wait_s > self.options.least_wait_s:
                self._adapt()
        elif self._gap_since is None:
            self._gap_since = now
        packets = self._in_order(lost=0)
        if len(self._waiting) > self.options.most_waiting:
            packets += self._skip_gap()
        return packets

    def poll(self, now: float) -> list[Packet[T]]:
        """Return the packets that have waited long enough for missing ones."""
        packets: list[Packet[T]] = []
        while (deadline := self.deadline) is not None and now >= deadline:
            packets += self._skip_gap()
        return packets

    def _in_order(self, lost: int) -> list[Packet[T]]:
        assert self._next is not None
        packets = []
        while (waiting := self._waiting.pop(self._next, None)) is not None:
            packets.append(Packet(self._unwrap(waiting.timestamp), waiting.payload, lost))
            lost = 0
            self._next = (self._next + 1) % SEQUENCE_NUMBERS
        if not self._waiting:
            self._gap_since = None
        elif packets:
            # the next gap began with the first packet after it: waits do not add up
            self._gap_since = min(waiting.since for waiting in self._waiting.values())
        return packets

    def _skip_gap(self) -> list[Packet[T]]:
        assert self._next is not None and self._gap_since is not None
        lost = 0
        while self._next not in self._waiting:
            self._skipped[self._next] = self._gap_since
            self._next = (self._next + 1) % SEQUENCE_NUMBERS
            lost += 1
        while len(self._skipped) > self.options.most_misorder:
            del self._skipped[next(iter(self._skipped))]
        self.lost += lost
        return self._in_order(lost)

    def _adapt(self) -> None:
        """Let the wait shrink towards the target, or grow to it at once."""
        options = self.options
        target = min(
            options.most_wait_s, max(options.least_wait_s, self._lateness.target_s(self._count))
        )
        self.wait_s = target + options.decay * max(0.0, self.wait_s - target)

    def _note_overtaken(self, ahead: int, now: float) -> None:
        """Record the lateness of a packet, if a later one has arrived before it."""
        assert self._next is not None
        since = [
            waiting.since
            for number, waiting in self._waiting.items()
            if (number - self._next) % SEQUENCE_NUMBERS > ahead
        ]
        if since:
            self._lateness.add(self._count, now - min(since))

    def _note_late(self, sequence: int, now: float) -> None:
        gap_since = self._skipped.pop(sequence, None)
        if gap_since is not None:  # a slightly longer wait would have been enough
            self.lost -= 1
            self.wait_s = min(self.options.most_wait_s, max(self.wait_s, 1.25 * (now - gap_since)))
            self._lateness.add(self._count, now - gap_since)

    def _restart(self, sequence: int, timestamp: int, payload: T) -> list[Packet[T]]:
        self._waiting.clear()
        self._skipped.clear()
        self._gap_since = None
        self._next = (sequence + 1) % SEQUENCE_NUMBERS
        return [Packet(self._unwrap(timestamp), payload, 0)]

    def _unwrap(self, timestamp: int) -> int:
        if self._last_timestamp is not None:
            step = (timestamp - self._last_timestamp) % TIMESTAMPS
            if step >= TIMESTAMPS // 2:
                step -= TIMESTAMPS
            timestamp = self._last_timestamp + step
        self._last_timestamp = timestamp
        return timestamp
