"""What counts as doing something."""

import numpy as np

from fastrtc.session.idle import SOUND_RMS, IdleDetector


def test_the_deadline_moves_with_what_the_client_does() -> None:
    detector = IdleDetector(10, 100.0, lambda: False)
    assert detector.deadline == 110 and not detector.is_idle(109.9) and detector.is_idle(110)
    detector.active(105)
    detector.active(103)  # of another thread
    assert detector.deadline == 115 and not detector.is_idle(110)


def test_only_sound_counts() -> None:
    detector = IdleDetector(10, 100.0, lambda: False)
    quiet = np.full((1, 480), SOUND_RMS - 5, np.int16)
    detector.heard(quiet, 105)
    detector.heard(np.zeros((1, 0), np.int16), 105)
    assert detector.deadline == 110
    detector.heard(-np.full((1, 480), SOUND_RMS + 5, np.int16), 106)
    assert detector.deadline == 116


def test_a_loud_block_does_not_overflow() -> None:
    detector = IdleDetector(10, 100.0, lambda: False)
    detector.heard(np.full((1, 48_000), -32768, np.int16), 105)
    assert detector.deadline == 115


def test_a_reply_counts() -> None:
    busy = True
    detector = IdleDetector(10, 100.0, lambda: busy)
    assert not detector.is_idle(110) and detector.deadline == 120
    busy = False
    assert detector.is_idle(120)
