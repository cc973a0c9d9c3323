"""Pausing a phone: what its provider has buffered is dropped and sent again, by its marks.

A playout, the marks of its client and a provider with a network in between, in virtual time.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastrtc.pacing.playout import Playout, PlayoutFrame
from fastrtc.transport.socket.open_socket import SOCKET_PLAYOUT
from fastrtc.transport.socket.playback_marks import PlaybackMarks

RATE, FRAME = 8000, 160


class Call:
    """A server that plays frames 1, 2, 3, ..., and a provider that sends one of them every 20 ms.

    Args:
        delays: The delay of each way, in seconds.
        echoes_cleared: Whether marks of dropped audio are echoed.
        echoes: Whether marks are echoed at all.
    """

    def __init__(
        self,
        *delays: float,
        echoes_cleared: bool = True,
        echoes: bool = True,
        frames: int = 100,
    ) -> None:
        self.now, self._numbers = 0.0, itertools.count()
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self.to_phone, self.to_server = delays
        self.playout = Playout(RATE, 1, SOCKET_PLAYOUT)
        self.marks = PlaybackMarks(takes_back=True)
        self.echoes, self.echoes_cleared = echoes, echoes_cleared
        self.buffer: deque[tuple[str, Any]] = deque()
        self.heard: list[int] = []
        self.ticking = False
        samples = np.repeat(np.arange(1, frames + 1), FRAME).astype(np.int16)
        self.playout.push(RATE, samples)
        self.playout.end()
        self.at(0.0, self.poll)

    def at(self, when: float, function: Callable[..., None], *args: Any) -> None:
        heapq.heappush(self._events, (when, next(self._numbers), function, args))

    def run(self, until: float) -> None:
        while self._events and self._events[0][0] <= until:
            self.now, _, function, args = heapq.heappop(self._events)
            function(*args)
        self.now = until

    # The server

    def poll(self) -> None:
        while isinstance(action := self.playout.poll(self.now), PlayoutFrame):
            frame = action.samples
            self.at(self.now + self.to_phone, self.arrive, "audio", int(frame.max()))
            mark = self.marks.sent(0.02, self.now, frame)
            if mark is not None:
                self.at(self.now + self.to_phone, self.arrive, "mark", mark)
        if action is not None:
            self.at(action, self.poll)

    def pause(self) -> None:
        self.playout.pause(self.now)
        taken = self.marks.take_back(self.now, self.playout.ahead_s(self.now))
        if taken is not None:
            self.playout.put_back(taken.samples, self.now)
            self.at(self.now + self.to_phone, self.clear)
            self.at(self.now + self.to_phone, self.arrive, "mark", taken.mark)

    def resume(self) -> None:
        self.marks.resumed()
        self.playout.resume(self.now)
        self.poll()

    def echoed(self, mark: str) -> None:
        self.playout.skip(self.marks.played(mark, self.now))

    # The provider

    def arrive(self, kind: str, content: Any) -> None:
        if kind == "mark" and not self.buffer:
            self.echo(content)
            return
        self.buffer.append((kind, content))
        if not self.ticking:
            self.ticking = True
            self.tick()

    def tick(self) -> None:
        self.send_marks()
        if not self.buffer:
            self.ticking = False
            return
        self.heard.append(self.buffer.popleft()[1])
        self.send_marks()
        self.at(self.now + 0.02, self.tick)

    def send_marks(self) -> None:
        while self.buffer and self.buffer[0][0] == "mark":
            self.echo(self.buffer.popleft()[1])

    def clear(self) -> None:
        for kind, content in self.buffer:
            if kind == "mark" and self.echoes_cleared:
                self.echo(content)
        self.buffer.clear()

    def echo(self, mark: str) -> None:
        if self.echoes:
            self.at(self.now + self.to_server, self.echoed, mark)


def paused(call: Call, *pauses: tuple[float, float]) -> list[int]:
    for after, seconds in pauses:
        call.run(call.now + after)
        call.pause()
        call.run(call.now + seconds)
        call.resume()
    call.run(100)
    return call.heard


ALL = list(range(1, 101))


@given(st.lists(st.tuples(st.floats(0, 0.8), st.floats(0.02, 1)), max_size=5))
def test_without_a_delay_each_frame_is_heard_once(pauses):
    assert paused(Call(0.0, 0.0), *pauses) == ALL


@given(
    st.lists(st.tuples(st.floats(0, 0.8), st.floats(0.3, 1)), max_size=5),
    st.floats(0, 0.1),
    st.floats(0, 0.1),
    st.booleans(),
)
def test_over_a_network_nothing_is_lost_and_at_most_a_frame_repeated(
    pauses, there, back, echoes_cleared
):
    heard = paused(Call(there, back, echoes_cleared=echoes_cleared), *pauses)
    assert sorted(set(heard)) == ALL
    assert heard == sorted(heard)
    assert len(heard) - len(ALL) <= len(pauses)


@given(st.floats(0, 0.8), st.floats(0, 0.1), st.floats(0, 0.1))
def test_a_resume_before_the_answer_repeats_what_was_under_way(after, there, back):
    heard = paused(Call(there, back), (after, 0.001))
    assert sorted(set(heard)) == ALL
    assert len(heard) - len(ALL) <= (there + back) / 0.02 + 2


def test_the_queue_counts_what_the_provider_has_not_played():
    call = Call(0.01, 0.01)
    call.run(0.5)
    call.pause()
    call.run(2.0)
    assert len(call.heard) in (24, 25)
    unplayed_s = call.playout.queued_s + call.marks.unplayed_s(call.now)
    assert unplayed_s == pytest.approx((100 - len(call.heard)) * 0.02, abs=0.021)
    assert call.playout.ahead_s(call.now) == 0


def test_a_provider_that_echoes_no_marks_is_believed_to_play_in_real_time():
    heard = paused(Call(0.01, 0.01, echoes=False), (1.5, 0.5))
    assert sorted(set(heard)) == ALL
    assert len(heard) - len(ALL) <= 2


def test_after_the_last_frame_there_is_nothing_to_take_back():
    call = Call(0.0, 0.0, frames=5)
    call.run(1.0)
    call.pause()
    assert not call.playout.has_audio
    call.resume()
    assert call.heard == [1, 2, 3, 4, 5]


def test_a_clear_in_a_pause_forgets_what_was_taken_back():
    call = Call(0.05, 0.05)
    call.run(0.5)
    call.pause()
    call.marks.cleared()
    call.playout.clear()
    call.run(2.0)
    assert not call.playout.has_audio
    assert call.marks.unplayed_s(call.now) == 0
