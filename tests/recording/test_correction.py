"""Corrections of a position: in pauses, by a stretch, or by silence."""

import numpy as np
import pytest

from fastrtc.recording.correction import CORRECT_FROM_S, MAX_STRETCH, PositionCorrection

from .sound import RATE, tone

SECOND = tone(1)
SILENCE = np.zeros(RATE, np.int16)


def changed_s(samples: np.ndarray, error_s: float, kept_pause_s: float = 0.2) -> float:
    corrected = PositionCorrection(RATE, kept_pause_s).correct(samples, error_s)
    assert corrected.dtype == np.int16
    return (len(corrected) - len(samples)) / RATE


def test_a_small_error_changes_nothing() -> None:
    correction = PositionCorrection(RATE, 0.2)
    assert correction.correct(SECOND, 0.9 * CORRECT_FROM_S) is SECOND
    assert len(correction.correct(SECOND, -0.1)) < RATE
    corrected = correction.correct(SECOND, -0.9 * CORRECT_FROM_S)
    assert len(corrected) < RATE, "a correction that has begun goes on"
    correction.begin()
    assert correction.correct(SECOND, 0.9 * CORRECT_FROM_S) is SECOND


@pytest.mark.parametrize("error_s", [-0.3, -0.03, 0.03])
def test_sound_is_stretched_inaudibly(error_s: float) -> None:
    assert abs(changed_s(SECOND, error_s)) == pytest.approx(MAX_STRETCH, rel=0.25)
    assert changed_s(SECOND, error_s) * error_s > 0


def test_sound_that_is_much_too_early_is_preceded_by_silence() -> None:
    corrected = PositionCorrection(RATE, 0.2).correct(SECOND, 0.3)
    assert len(corrected) == round(1.3 * RATE)
    assert np.array_equal(corrected[round(0.3 * RATE) :], SECOND)


@pytest.mark.parametrize(("error_s", "kept_s"), [(-0.3, 0.2), (-2.0, 0.2), (-2.0, 0.0)])
def test_a_pause_makes_up_for_a_delay(error_s: float, kept_s: float) -> None:
    most = min(-error_s, 1 - kept_s)
    assert changed_s(SILENCE, error_s, kept_s) == pytest.approx(-most, abs=0.001)


def test_a_pause_is_longer_if_it_comes_too_early() -> None:
    assert changed_s(SILENCE, 0.25) == pytest.approx(0.25)


def test_no_samples() -> None:
    assert changed_s(SILENCE[:0], -0.5) == 0
