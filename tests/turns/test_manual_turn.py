"""The audio of a turn whose beginning and end the client decides about."""

import numpy as np
import pytest

from fastrtc.turns.manual_turn import MIN_S, WITHOUT_BEGIN_S, ManualTurn
from fastrtc.turns.speech_buffer import MAX_KEPT_S

RATE = 8000
NEVER = float("inf")


def push(turn: ManualTurn, seconds: float, value: int = 1, max_s: float = NEVER) -> list[int]:
    """Push frames of 20 ms, and return the lengths of the turns that ended meanwhile."""
    ended = []
    for _ in range(round(seconds / 0.02)):
        said = turn.push(RATE, np.full((1, RATE // 50), value, np.int16), 1, max_s)
        if said is not None:
            ended.append(len(said))
    return ended


def test_without_begin_all_audio_since_the_last_turn_belongs_to_it() -> None:
    turn = ManualTurn()
    push(turn, 1, 1)
    push(turn, 1, 2)
    said = turn.take()
    assert said is not None and said.shape == (2 * RATE,) and said.dtype == np.int16
    assert said[0] == 1 and said[-1] == 2
    push(turn, 0.5, 3)
    said = turn.take()
    assert said is not None and set(said) == {3}


def test_after_the_first_begin_only_audio_of_a_turn_belongs_to_it() -> None:
    turn = ManualTurn()
    push(turn, 1, 1)
    turn.begin()
    push(turn, 1, 2)
    said = turn.take()
    assert said is not None and len(said) == RATE and set(said) == {2}
    push(turn, 1, 3)
    assert turn.take() is None
    turn.begin()
    push(turn, 1, 4)
    said = turn.take()
    assert said is not None and set(said) == {4}


def test_begin_again_begins_anew() -> None:
    turn = ManualTurn()
    turn.begin()
    push(turn, 1, 1)
    turn.begin()
    push(turn, 1, 2)
    said = turn.take()
    assert said is not None and set(said) == {2}


def test_what_is_dropped_is_gone() -> None:
    turn = ManualTurn()
    turn.begin()
    push(turn, 1)
    turn.drop()
    push(turn, 1)
    assert turn.take() is None


def test_a_press_by_mistake_is_no_turn() -> None:
    turn = ManualTurn()
    turn.begin()
    push(turn, MIN_S - 0.02)
    assert turn.take() is None
    turn.begin()
    push(turn, MIN_S + 0.02)
    assert turn.take() is not None


def test_a_turn_ends_at_its_maximum_length() -> None:
    turn = ManualTurn()
    turn.begin()
    assert push(turn, 5, max_s=2) == [2 * RATE]
    assert turn.take() is None


def test_no_turn_is_longer_than_10_minutes() -> None:
    turn = ManualTurn()
    turn.begin()
    (ended,) = push(turn, MAX_KEPT_S + 1)
    assert ended == pytest.approx(MAX_KEPT_S * RATE, abs=RATE // 50)


@pytest.mark.parametrize(("max_s", "kept_s"), [(NEVER, WITHOUT_BEGIN_S), (10, 10)])
def test_without_begin_the_latest_audio_is_kept(max_s: float, kept_s: float) -> None:
    turn = ManualTurn()
    push(turn, 60, 1, max_s)
    assert push(turn, 5, 2, max_s) == []
    said = turn.take()
    assert said is not None and len(said) / RATE == pytest.approx(kept_s, abs=0.021)
    assert said[-1] == 2 and np.count_nonzero(said == 2) == 5 * RATE


def test_stereo_is_half_as_long() -> None:
    turn = ManualTurn()
    turn.begin()
    for _ in range(100):
        turn.push(RATE, np.ones(RATE // 50, np.int16), 2, NEVER)
    said = turn.take()
    assert said is not None and len(said) == 2 * RATE
    turn.begin()
    assert turn.push(RATE, np.ones(2 * RATE, np.int16), 2, 1.0) is not None


def test_frames_are_copied() -> None:
    turn, frame = ManualTurn(), np.ones(RATE, np.int16)
    turn.push(RATE, frame, 1, NEVER)
    frame[:] = 7
    said = turn.take()
    assert said is not None and set(said) == {1}
