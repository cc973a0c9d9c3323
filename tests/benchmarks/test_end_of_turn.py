"""What the benchmark of the end of turns counts."""

import numpy as np

from benchmarks.end_of_turn import PAUSE_S, RATE, Item, count, cut

SECOND = np.ones(RATE, np.int16) * 1000


def test_a_pause_is_put_where_the_speech_is_quietest():
    speech = np.concatenate((SECOND, SECOND, SECOND))
    gap = round(1.6 * RATE)
    speech[gap : gap + RATE // 20] = 0
    parts = cut(speech)
    assert parts.size == speech.size + round(PAUSE_S * RATE)
    silent = np.flatnonzero(parts == 0)
    assert gap <= silent[0] and parts[: gap - RATE // 50].all()
    assert np.array_equal(parts[-RATE:], speech[-RATE:])
    early = cut(speech, RATE // 2)
    assert np.flatnonzero(early == 0)[0] < RATE


def test_replies_are_counted_by_when_they_are_heard():
    latencies: list[float] = []
    cut_ins: dict[str, tuple[int, int]] = {}
    heard = [11.4, 20.5, 30.2, 33.0]
    count(Item("complete", SECOND), 10.0, heard, latencies, cut_ins)
    assert np.allclose(latencies, [0.4]) and cut_ins == {}
    count(Item("cut", SECOND, 1), 20.0, heard, latencies, cut_ins)
    count(Item("cut", SECOND, 1), 32.0, heard, latencies, cut_ins)  # after its end
    assert cut_ins == {"cut": (1, 2)}
