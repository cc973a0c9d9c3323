"""A pause that a turn model judges: until when, and with which result."""

import pytest

from fastrtc.turns.suspicion import Suspicion, pause_while_unsure_s

S = 1_000_000_000


def suspected(at: int = 10 * S) -> Suspicion:
    suspicion = Suspicion()
    suspicion.since = at
    return suspicion


def test_the_turn_does_not_end_until_the_deadline():
    suspicion = suspected()
    assert suspicion.waits(10 * S) and suspicion.waits(10 * S + 299_000_000)
    assert not suspicion.waits(10 * S + 300_000_000)


def test_nor_before_the_pause_is_suspected():
    assert Suspicion().waits(10 * S)


def test_a_judgement_ends_the_wait():
    for probability, complete in ((0.0, False), (0.69, False), (0.7, True), (1.0, True)):
        suspicion = suspected()
        suspicion.judge(probability, 10 * S + 1)
        assert suspicion.is_complete is complete and not suspicion.waits(10 * S + 1)


def test_a_model_that_fails_ends_it_too():
    suspicion = suspected()
    suspicion.judge(None, 10 * S + 1)
    assert suspicion.probability is None and not suspicion.waits(10 * S + 1)


def test_a_judgement_that_is_late_or_of_no_pause_is_ignored():
    suspicion = suspected()
    suspicion.judge(0.1, 10 * S + 300_000_000)
    assert suspicion.probability is None
    none = Suspicion()
    none.judge(0.9, 0)
    assert none.probability is None and not none.is_complete


def test_a_new_pause_is_judged_anew():
    suspicion = suspected()
    suspicion.judge(None, 10 * S)
    suspicion.clear()
    assert suspicion.since is None and suspicion.waits(20 * S)
    suspicion.since = 20 * S
    assert suspicion.waits(20 * S)


def test_the_less_likely_the_turn_is_complete_the_longer_the_pause():
    pauses = [pause_while_unsure_s(p, 0.5, 3.0) for p in (0.0, 0.14, 0.35, 0.7)]
    assert pauses == pytest.approx([3.0, 2.5, 1.75, 0.5])
