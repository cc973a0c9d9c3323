"""The record of a turn: its parts, and its form for clients."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastrtc import Turn

TIMES = (
    "speech_ended_s",
    "turn_ended_s",
    "function_called_s",
    "first_audio_s",
    "first_sent_s",
    "first_heard_s",
)


def turn(**fields: Any) -> Turn:
    return Turn("me", 1, "reply", 0.0, **fields)


def test_parts_of_an_ordinary_turn() -> None:
    one = turn(**dict(zip(TIMES, (1.0, 1.5, 1.625, 2.0, 2.25, 2.3125), strict=True)))
    assert one.silence_s == 1.3125
    assert one.parts == (0.5, 0.125, 0.375, 0.25, 0.0625)


def test_an_early_function_takes_no_time_after_the_decision() -> None:
    one = turn(**dict(zip(TIMES, (1.0, 1.5, 1.2, 1.4, 1.6, 1.7), strict=True)), early=True)
    assert one.parts == pytest.approx((0.5, 0.0, 0.0, 0.1, 0.1))


def test_the_silence_is_counted_until_the_audio_was_sent_if_nobody_knows_when_it_was_heard() -> (
    None
):
    one = turn(**dict(zip(TIMES, (1.0, 1.5, 1.5, 2.0, 2.25), strict=False)))
    assert one.silence_s == 1.25
    assert one.parts == (0.5, 0.0, 0.5, 0.25, None)


@pytest.mark.parametrize("missing", ["speech_ended_s", "first_sent_s"])
def test_without_speech_or_without_audio_there_is_no_silence(missing: str) -> None:
    times = dict(zip(TIMES, (1.0, 1.5, 1.5, 2.0, 2.25), strict=False))
    one = turn(**{**times, missing: None})
    assert one.silence_s is None and one.parts is None


@given(st.lists(st.none() | st.floats(-1e6, 1e6), min_size=6, max_size=6))
def test_the_parts_sum_up_to_the_silence(times: list[float | None]) -> None:
    one = turn(**dict(zip(TIMES, times, strict=True)))
    if one.parts is None:
        assert one.silence_s is None
    else:
        assert sum(part or 0.0 for part in one.parts) == pytest.approx(one.silence_s, abs=1e-6)
        if one.silence_s is not None and one.silence_s >= 0:
            assert all(part is None or part >= -1e-9 for part in one.parts)


def test_clients_get_no_texts() -> None:
    one = turn(
        heard_text="secret", text="secret and more", error="ValueError: secret", first_sent_s=2.0
    )
    data = one.as_dict()
    assert "secret" not in json.dumps(data) and "secret" not in repr(turn(text="secret"))
    assert data["error"] == "ValueError" and data["parts"] is None and data["number"] == 1
    assert one.as_dict(texts=True)["text"] == "secret and more"
