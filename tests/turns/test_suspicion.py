"""A pause that a turn model judges: until when, and with which result."""

from fastrtc.turns.suspicion import Suspicion

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
    for complete in (True, False):
        suspicion = suspected()
        suspicion.judge(complete, 10 * S + 1)
        assert suspicion.complete is complete and not suspicion.waits(10 * S + 1)


def test_a_model_that_fails_ends_it_too():
    suspicion = suspected()
    suspicion.judge(None, 10 * S + 1)
    assert suspicion.complete is None and not suspicion.waits(10 * S + 1)


def test_a_judgement_that_is_late_or_of_no_pause_is_ignored():
    suspicion = suspected()
    suspicion.judge(False, 10 * S + 300_000_000)
    assert suspicion.complete is None
    none = Suspicion()
    none.judge(True, 0)
    assert none.complete is None


def test_a_new_pause_is_judged_anew():
    suspicion = suspected()
    suspicion.judge(None, 10 * S)
    suspicion.clear()
    assert suspicion.since is None and suspicion.waits(20 * S)
    suspicion.since = 20 * S
    assert suspicion.waits(20 * S)
