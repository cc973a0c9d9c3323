"""Which sounds of the program are the reply to what."""

from math import inf

import numpy as np
import pytest

from fastrtc.testing.analysis import Utterance, make_turns
from fastrtc.testing.line import RATE
from fastrtc.testing.sound import find_sounds
from fastrtc.testing.turn import Turn

from .programs import Words, tone


def says(said: str, start_s: float, length_s: float = 1.0) -> Utterance:
    return Utterance(said, round(start_s * RATE), np.zeros(round(length_s * RATE), np.int16))


def turns(utterances: list[Utterance], *sounds: tuple[float, float]) -> list[Turn]:
    heard = np.zeros(30 * RATE, np.int16)
    for start_s, end_s in sounds:
        heard[round(start_s * RATE) : round(end_s * RATE)] = 1000
    return make_turns(utterances, heard, find_sounds(heard, RATE))


def test_a_reply_follows_what_was_said() -> None:
    first, second = turns([says("a", 1), says("b", 10)], (2.5, 4), (4.5, 6), (11.5, 12))
    assert (first.said, first.starts_s, first.ends_s) == ("a", 1, 2)
    assert (first.reply_starts_s, first.reply_ends_s) == (2.5, 6)
    assert first.latency_s == second.latency_s == 0.5
    assert not first.interrupted and first.stopped_after_s == inf
    assert first.audio[0] == RATE and len(first.audio[1]) == 3.5 * RATE


def test_no_reply() -> None:
    (only,) = turns([says("a", 1)])
    assert only.latency_s == only.reply_starts_s == only.reply_ends_s == inf
    assert not only.interrupted and only.audio[1].size == 0


def test_an_interrupted_reply_belongs_to_the_earlier_turn() -> None:
    first, second = turns([says("a", 0), says("b", 5)], (2, 5.25), (7, 8))
    assert first.interrupted and first.stopped_after_s == pytest.approx(0.25)
    assert first.reply_ends_s == 5.25
    assert second.latency_s == 1


def test_a_reply_that_is_over_is_not_interrupted() -> None:
    first, _ = turns([says("a", 0), says("b", 5)], (2, 4.9), (7, 8))
    assert not first.interrupted


def test_a_program_that_talks_over_the_caller_has_a_negative_latency() -> None:
    (only,) = turns([says("a", 1, length_s=3)], (2, 5))
    assert only.latency_s == -2


def test_a_greeting_is_a_turn_without_words() -> None:
    greeting, first = turns([says("a", 5)], (0.5, 2), (7, 8))
    assert (greeting.said, greeting.reply_starts_s, greeting.reply_ends_s) == ("", 0.5, 2)
    assert (first.said, first.latency_s) == ("a", 1)


def test_ears_hear_the_reply() -> None:
    heard = np.concatenate((np.zeros(2 * RATE, np.int16), tone(0.3, 500, RATE)))
    (only,) = make_turns([says("a", 0)], heard, find_sounds(heard, RATE), Words())
    assert only.heard == "one"


def test_messages_quote_what_was_said_and_where() -> None:
    assert says("a", 0).quoted == "'a'"
    assert Utterance("a", 0, np.zeros(1, np.int16), "test_x.py:7").quoted == "'a' (test_x.py:7)"
