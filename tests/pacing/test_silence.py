"""When silence takes the place of audio that a client does not send."""

import pytest

from fastrtc.pacing.silence import AFTER_S, LIMIT_S, SilenceClock

BLOCK_S = 0.02


def test_none_is_due_before_any_audio_came() -> None:
    clock = SilenceClock(BLOCK_S)
    clock.heard(0.02, 100.0)
    assert clock.take(100.0) == 0


def test_it_follows_in_real_time_when_audio_stops() -> None:
    clock = SilenceClock(BLOCK_S)
    clock.heard(0.02, 10.0)
    assert clock.next_at() == pytest.approx(10.02 + AFTER_S)
    assert clock.take(10.02 + AFTER_S - 0.001) == 0
    times = [10.021 + AFTER_S + k * 0.02 for k in range(50)]
    assert [clock.take(at) for at in times] == [1] * 50
    assert clock.next_at() == pytest.approx(times[-1] + 0.02, abs=0.01)


def test_what_a_late_timer_missed_is_made_up_for() -> None:
    clock = SilenceClock(BLOCK_S)
    clock.heard(0.02, 10.0)
    assert clock.take(10.025 + AFTER_S) == 1
    assert clock.take(10.125 + AFTER_S) == 5


def test_audio_that_came_at_once_lasts() -> None:
    """A client that sends a second at a time is not late for the next one."""
    clock = SilenceClock(BLOCK_S)
    for now in (0.0, 1.0, 2.0):
        clock.heard(1.0, now)
        assert clock.take(now + 1.0) == 0
    assert clock.take(3.0 + AFTER_S + 0.001) == 1


def test_audio_ends_a_gap() -> None:
    clock = SilenceClock(BLOCK_S)
    clock.heard(0.02, 0.0)
    assert clock.take(0.021 + AFTER_S) == 1
    clock.heard(0.02, 1.0)
    assert clock.take(1.0) == 0
    assert clock.take(1.021 + AFTER_S) == 1


def test_a_gap_is_not_filled_for_ever() -> None:
    clock = SilenceClock(BLOCK_S)
    clock.heard(0.02, 0.0)
    assert clock.take(1000.0) == round(LIMIT_S / BLOCK_S) + 1
    assert clock.take(2000.0) == 0


def test_what_the_sender_left_out_is_missing_but_for_what_was_given() -> None:
    clock = SilenceClock(BLOCK_S)
    clock.heard(0.02, 0.0)
    assert clock.missing(0.38) == 19
    clock.take(0.061 + AFTER_S)
    assert clock.missing(0.38) == 16
    assert clock.missing(0.02) == 0


@pytest.mark.parametrize("began_ms", range(1_000_000, 1_000_050, 7))
def test_a_block_is_taken_when_it_is_due_and_not_only_after_that(began_ms: int) -> None:
    """The time of uvloop's loops is in whole milliseconds, and stands still within a callback."""
    clock = SilenceClock(BLOCK_S)
    clock.heard(0.02, began_ms / 1000)
    taken = 0
    for now_ms in range(began_ms, began_ms + 5000):
        if clock.next_at() <= now_ms / 1000:
            taken += clock.take(now_ms / 1000)
            assert clock.next_at() > now_ms / 1000
    assert taken == pytest.approx((5 - 0.02 - AFTER_S) / BLOCK_S, abs=1)
