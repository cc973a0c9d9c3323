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
    for probability, complete in ((0.0, False), (0.84, False), (0.85, True), (1.0, True)):
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
    pauses = [pause_while_unsure_s(p, 0.5, 3.0) for p in (0.0, 0.19, 0.475, 0.95, 1.0)]
    assert pauses == pytest.approx([3.0, 2.37, 1.6875, 1.25, 1.25])
    assert pause_while_unsure_s(0.5, 0.5, 0.8) == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("probability", "complete", "unclear"),
    [(0.19, False, False), (0.2, False, True), (0.84, False, True), (0.85, True, True)],
)
def test_an_unclear_pause_is_asked_about_again(probability: float, complete: bool, unclear: bool):
    suspicion = suspected()
    suspicion.judge(probability, 10 * S)
    assert (suspicion.is_complete, suspicion.is_unclear) == (complete, unclear)


def test_the_second_judgement_has_a_deadline_of_its_own_and_needs_more():
    suspicion = suspected()
    suspicion.judge(0.5, 10 * S)
    suspicion.ask_again(11 * S)
    assert suspicion.waits(11 * S) and not suspicion.is_unclear
    assert not suspicion.waits(11 * S + 300_000_000)
    suspicion.judge(0.94, 11 * S)
    assert not suspicion.is_complete and not suspicion.is_unclear and not suspicion.waits(11 * S)


@pytest.mark.parametrize("late", [True, False])
def test_without_the_second_judgement_the_first_one_counts(late: bool):
    suspicion = suspected()
    suspicion.judge(0.5, 10 * S)
    suspicion.ask_again(11 * S)
    suspicion.judge(0.99 if late else None, 12 * S if late else 11 * S)
    assert suspicion.probability == 0.5 and not suspicion.is_complete
