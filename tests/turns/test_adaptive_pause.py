"""The pause that ends a turn follows the speaker's own pauses."""

import pytest

from fastrtc.turns.adaptive_pause import AdaptivePause

PLAIN_S = 0.5


def test_it_is_that_of_the_options_until_the_speaker_has_paused():
    pause = AdaptivePause()
    pause.note(0.05, PLAIN_S)  # a stop consonant
    assert pause.pause_s(PLAIN_S) == PLAIN_S
    assert pause.pause_s(2.0) == 2.0


def test_it_gets_shorter_with_a_fast_speaker_but_not_too_short():
    pause, before = AdaptivePause(), PLAIN_S
    for _ in range(100):
        pause.note(0.12, PLAIN_S)
        assert pause.pause_s(PLAIN_S) <= before
        before = pause.pause_s(PLAIN_S)
    assert before == 0.3


def test_it_gets_longer_with_a_hesitant_speaker_but_not_too_long():
    pause, before = AdaptivePause(), PLAIN_S
    for _ in range(100):
        pause.note(4.0, PLAIN_S)
        assert pause.pause_s(PLAIN_S) >= before
        before = pause.pause_s(PLAIN_S)
    assert before == 1.5
    assert pause.pause_s(2.0) == 2.0  # as the options ask for


def test_one_pause_counts_for_a_tenth_of_the_mean():
    pause = AdaptivePause()
    pause.note(0.5, PLAIN_S)
    assert pause.pause_s(PLAIN_S) == pytest.approx(0.9 * PLAIN_S + 0.1 * 0.5 * 1.5)


def test_a_turn_that_is_continued_at_once_was_ended_too_early():
    pause = AdaptivePause()
    pause.turn_ended(10.0, 10.5)
    pause.turn_started(11.0, PLAIN_S)
    assert pause.pause_s(PLAIN_S) == pytest.approx(0.9 * PLAIN_S + 0.1 * 1.0 * 1.5)


def test_an_answer_to_the_reply_is_a_turn_of_its_own():
    pause = AdaptivePause()
    pause.turn_started(1.0, PLAIN_S)  # the first one
    pause.turn_ended(10.0, 10.5)
    pause.turn_started(11.4, PLAIN_S)
    pause.turn_started(11.5, PLAIN_S)
    assert pause.pause_s(PLAIN_S) == PLAIN_S
