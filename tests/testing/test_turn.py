"""Turns and their words."""

import pytest

from fastrtc.testing import CallFailed, Turn
from fastrtc.testing.turn import words

from .programs import Words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Stop!", "stop"),
        ("  It's 5 o'clock -- Bob's  \n turn. ", "it's 5 o'clock bob's turn"),
        ("Grüß Gott, 世界!", "grüß gott 世界"),
        ("...", ""),
    ],
)
def test_words(text: str, expected: str) -> None:
    assert words(text) == expected


def test_a_turn_without_ears_says_how_to_have_them() -> None:
    with pytest.raises(CallFailed, match=r"ears=stt_model"):
        _ = Turn("a", 0, 1).heard


def test_silence_has_no_words() -> None:
    assert Turn("a", 0, 1, ears=Words()).heard == ""
