"""Which turns are in the file beside a recording, and where."""

import asyncio
import time

import pytest

from fastrtc.core.conversation_events import SpeechDropped
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


async def test_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turns that had begun are kept, and awaited, as long as the speaker consents."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    turns = RecordedTurns(connected_s=90.0)
    turns.start()
    now[0] = 121.0  # a little later than its position
    turns.stop()
    turns.limit(20.0, {2, 3})
    waiting = asyncio.ensure_future(turns.wait())
    for number, (began_s, ended_s) in enumerate([(9, 15), (12, 16), (25, 40), (30.5, 42)]):
        turns.on_turn(turn(number, began_s, ended_s))
        await asyncio.sleep(0)
        assert not waiting.done() or number == 3
    await waiting
    assert [each["number"] for each in turns.positions()] == [1, 2]
    turns.end_wait(consent=False)
    assert [each["number"] for each in turns.positions()] == [1]


@pytest.mark.parametrize("end", ["dropped", "connection", "consent"])
async def test_the_wait_for_a_turn_ends_without_it(end: str) -> None:
    turns = RecordedTurns(connected_s=90.0)
    turns.start()
    turns.limit(20.0, {4})
    waiting = asyncio.ensure_future(turns.wait())
    turns.on_turn(turn(3, 9, 15))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    if end == "dropped":
        turns.on_event(SpeechDropped(4, 0.0))
    else:
        turns.end_wait(consent=end == "connection")
    await waiting
