"""Which turns are in the file beside a recording, and where."""

import time

import pytest

from fastrtc.core.turn import Turn
from fastrtc.session.recorded_turns import MAX_TURNS, RecordedTurns


def turn(number: int, began_s: float, ended_s: float) -> Turn:
    return Turn(
        "me",
        number,
        "reply",
        0.0,
        speech_began_s=began_s,
        speech_ended_s=began_s + 1,
        first_sent_s=began_s + 2,
        last_sent_s=ended_s,
        played_s=3.0,
        text="Hello",
    )


def test_turns_within_a_stretch_at_their_positions(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    turns = RecordedTurns(connected_s=90.0)
    assert turns.positions() == []
    for began_s, ended_s in ((100.0, 120.0), (140.0, 160.0)):
        now[0] = began_s
        turns.start()
        now[0] = ended_s
        turns.stop()
    for number, (began_s, ended_s) in enumerate(
        [(9, 15), (12, 16), (25, 32), (35, 39), (48, 52), (55, 62), (68, 75)]
    ):
        turns.on_turn(turn(number, began_s, ended_s))
    turns.on_turn(Turn("me", 99, "say", 0.0))  # nothing is known of it
    one, two = turns.positions()
    assert (one["number"], one["speech_began_s"], one["last_sent_s"]) == (1, 2.0, 6.0)
    assert (one["played_s"], one["silence_s"], one["text"]) == (3.0, 1.0, "Hello")
    assert (two["number"], two["speech_began_s"], two["first_heard_s"]) == (5, 45.0, None)
    for _ in range(MAX_TURNS):
        turns.on_turn(turn(7, 9, 15))
    assert len(turns._turns) == MAX_TURNS
