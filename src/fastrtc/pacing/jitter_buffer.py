"""Audio packets in order: what is late is waited for, as long as packets tend to be late."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["SEQUENCE_NUMBERS", "Packet", "JitterBuffer", "JitterBufferOptions"]

T = TypeVar("T")

SEQUENCE_NUMBERS = 1 << 16
"""They count from 0 to this, and then anew (RFC 3550)."""

TIMESTAMPS = 1 << 32


@dataclass(frozen=True)
class JitterBufferOptions:
    """How long a missing packet is waited for.

    Attributes:
        least_wait_s: To begin with, in seconds: more than what parallel paths of one network
            differ by.
        most_wait_s: At most, however late packets are, in seconds. What is later counts as lost.
        decay: By which factor of its excess the wait shrinks with each packet in order;
            0.998 halves it in 7 s of speech.
        most_waiting: Packets that wait at most. At 50 a second, 0.64 s.
        most_misorder: How far a sequence number may be away before the stream counts as
            begun anew (RFC 3550 appendix A.1).
    """

    least_wait_s: float = 0.03
    most_wait_s: float = 0.15
    decay: float = 0.998
    most_waiting: int = 32
    most_misorder: int = 100


@dataclass(frozen=True)
class Packet(Generic[T]):
    """A packet in order.

    Attributes:
        timestamp: RTP time, which does not wrap.
        payload: What it carries.
        lost: How many packets before it are missing.
    """

    timestamp: int
    payload: T
    lost: int


@dataclass(frozen=True)
class _Waiting(Generic[T]):
    timestamp: int
    payload: T
    since: float


class JitterBuffer(Generic[T]):
    """Puts RTP packets in order.

    A packet that comes in its turn is given at once, so on a good network nothing is
    delayed. One that comes early waits for those before it; the wait adapts to how late
    packets come. Time comes in as an argument, in seconds.
    """

    def __init__(self, options: JitterBufferOptions | None = None) -> None:
        self.options = options or JitterBufferOptions()
        self.wait_s = self.options.least_wait_s
        self._next: int | None = None
        self._waiting: dict[int, _Waiting[T]] = {}
        self._gap_since: float | None = None
        self._skipped: dict[int, float] = {}  # what was given up, and when its gap began
        self._last_timestamp: int | None = None
        self.lost = 0

    @property
    def deadline(self) -> float | None:
        """When ``poll`` is to be called, if nothing comes before; None if nothing waits."""
        return None if self._gap_since is None else self._gap_since + self.wait_s

    def push(self, sequence: int, timestamp: int, payload: T, now: float) -> list[Packet[T]]:
        """Take a packet, and give those whose turn it is."""
        if self._next is None:
            self._next = sequence
        ahead = (sequence - self._next) % SEQUENCE_NUMBERS
        behind = SEQUENCE_NUMBERS - ahead
        if min(ahead, behind) > self.options.most_misorder:
            return self._restart(sequence, timestamp, payload)
        if behind < ahead:  # too late, or a duplicate
            self._note_late(sequence, now)
            return []
        self._waiting.setdefault(sequence, _Waiting(timestamp, payload, now))
        if ahead == 0:
            self.wait_s = self.options.least_wait_s + self.options.decay * (
                self.wait_s - self.options.least_wait_s
            )
        elif self._gap_since is None:
            self._gap_since = now
        packets = self._in_order(lost=0)
        if len(self._waiting) > self.options.most_waiting:
            packets += self._skip_gap()
        return packets

    def poll(self, now: float) -> list[Packet[T]]:
        """Give what waited long enough for those before it."""
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
            # the next gap is as old as the first packet behind it: waits do not add up
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

    def _note_late(self, sequence: int, now: float) -> None:
        gap_since = self._skipped.pop(sequence, None)
        if gap_since is not None:  # had we waited a little longer, it would be here
            self.lost -= 1
            self.wait_s = min(self.options.most_wait_s, max(self.wait_s, 1.25 * (now - gap_since)))

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
