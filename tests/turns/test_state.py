"""The state of a conversation."""

from dataclasses import dataclass

from fastrtc.turns.state import AppState


def test_a_new_state_is_fresh_and_of_the_same_class() -> None:
    @dataclass
    class Own(AppState):
        words: int = 0

    state = Own(started_talking=True, words=3)
    state.interrupted.set()
    new = state.new()
    assert type(new) is Own
    assert (new.started_talking, new.words, new.interrupted.is_set()) == (False, 0, False)
    assert state.started_talking and state.words == 3 and state.interrupted.is_set()
