import pytest

from fastrtc.transport.stalled_client import (
    MAX_EVER,
    MAX_WAITING,
    PATIENCE_S,
    StalledClientDetector,
)

OVER = MAX_WAITING + 1
PATIENT_S = PATIENCE_S * OVER / MAX_WAITING


def test_what_is_under_the_bound_may_wait_for_ever():
    backlog = StalledClientDetector()
    assert not backlog.is_too_much(MAX_WAITING, 0, 0.0)
    assert not backlog.is_too_much(MAX_WAITING, 0, 1e6)


def test_over_the_bound_a_client_must_take_something():
    backlog = StalledClientDetector()
    assert not backlog.is_too_much(OVER, 0, 100.0)
    assert not backlog.is_too_much(OVER, 0, 100.0 + PATIENT_S)
    assert backlog.is_too_much(OVER, 0, 100.1 + PATIENT_S)


def test_whoever_takes_something_has_time_again():
    backlog = StalledClientDetector()
    for taken in range(100):
        assert not backlog.is_too_much(OVER, taken, taken * PATIENCE_S)
    assert backlog.is_too_much(OVER, 99, 99 * PATIENCE_S + PATIENT_S + 0.1)


@pytest.mark.parametrize("times", [2, 15])
def test_there_is_time_for_each_mebibyte(times: int):
    backlog = StalledClientDetector()
    waiting = times * MAX_WAITING
    assert not backlog.is_too_much(waiting, 0, 0.0)
    assert not backlog.is_too_much(waiting, 0, times * PATIENCE_S)
    assert backlog.is_too_much(waiting, 0, times * PATIENCE_S + 0.1)


def test_what_was_dropped_meanwhile_is_not_held_against_it():
    backlog = StalledClientDetector()
    assert not backlog.is_too_much(OVER, 0, 0.0)
    assert not backlog.is_too_much(0, 0, 1.0)
    assert not backlog.is_too_much(OVER, 0, 1000.0)


def test_there_is_an_end_whatever_it_takes():
    backlog = StalledClientDetector()
    assert not backlog.is_too_much(MAX_EVER, 0, 0.0)
    assert backlog.is_too_much(MAX_EVER + 1, 1, 0.0)
