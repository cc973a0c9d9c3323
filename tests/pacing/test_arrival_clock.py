"""Positions of audio and the times at which it was spoken."""

import pytest

from fastrtc.pacing.arrival_clock import ArrivalClock

FRAME_S = 0.02


def speak(
    clock: ArrivalClock, start_s: float, end_s: float, at: float, late_s: float = 0.0
) -> None:
    """Frames arrive, each `late_s` after its time; position 0 is spoken `at` a time."""
    for k in range(round(start_s / FRAME_S), round(end_s / FRAME_S)):
        position_s = (k + 1) * FRAME_S
        clock.push(position_s, at + position_s + late_s)


def test_even_audio_is_spoken_as_it_arrives() -> None:
    clock = ArrivalClock()
    speak(clock, 0, 3, at=100.0)
    assert clock.time_of(2.5) == pytest.approx(102.5)


def test_audio_that_was_held_up_was_spoken_when_it_should_have_come() -> None:
    clock = ArrivalClock()
    speak(clock, 0, 3, at=100.0)
    for k in range(10):  # 0.2 s at once
        clock.push(3.02 + k * FRAME_S, 103.22)
        assert clock.time_of(3.02 + k * FRAME_S) == pytest.approx(103.02 + k * FRAME_S)


def test_a_longer_way_counts_after_two_seconds() -> None:
    clock = ArrivalClock()
    speak(clock, 0, 3, at=100.0)
    speak(clock, 3, 6, at=100.0, late_s=0.1)
    assert clock.time_of(6.0) == pytest.approx(106.1)


def test_a_shorter_way_counts_at_once() -> None:
    clock = ArrivalClock()
    speak(clock, 0, 3, at=100.1)
    speak(clock, 3, 3.04, at=100.0)
    assert clock.time_of(3.04) == pytest.approx(103.04)


def test_a_pause_in_which_nothing_was_sent_is_one() -> None:
    clock = ArrivalClock()
    speak(clock, 0, 3, at=100.0)
    speak(clock, 3, 3.02, at=105.0)
    assert clock.time_of(3.02) == pytest.approx(108.02)


def test_a_long_stall_is_corrected_by_its_burst() -> None:
    clock = ArrivalClock()
    speak(clock, 0, 3, at=100.0)
    for k in range(50):
        clock.push(3.02 + k * FRAME_S, 104.0)
    assert clock.time_of(4.0) == pytest.approx(104.0)
    assert clock.time_of(3.5) == pytest.approx(103.5)


def test_the_delay_of_the_codec_is_known() -> None:
    clock = ArrivalClock()
    clock.codec_s = 0.0065
    speak(clock, 0, 1, at=100.0)
    assert clock.time_of(1.0) == pytest.approx(100.9935)


def test_without_audio_nothing_has_arrived() -> None:
    assert ArrivalClock().time_of(1.0) == -float("inf")
