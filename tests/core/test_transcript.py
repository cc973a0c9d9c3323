"""A transcript is checked where it is made, and is a message to the client."""

import copy
import json
import pickle
from typing import Any

import pytest

from fastrtc import Transcript


def test_message() -> None:
    assert json.loads(Transcript("Hello").message()) == {
        "type": "transcript",
        "data": {"text": "Hello", "who": "assistant", "final": True, "id": None},
    }
    partial = Transcript("Grüß", "user", final=False, id="u1")
    assert json.loads(partial.message())["data"] == {
        "text": "Grüß",
        "who": "user",
        "final": False,
        "id": "u1",
    }


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ((b"Hello",), TypeError, "text of Transcript must be a string, not bytes"),
        (("Hello", "robot"), ValueError, "not 'robot'"),
        (("Hello", "user", 1), TypeError, "final must be a bool, not int"),
        (("Hello", "user", True, 7), TypeError, "id must be a string or None, not int"),
    ],
)
def test_invalid(arguments: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        Transcript(*arguments)


def test_it_is_a_value() -> None:
    transcript = Transcript("Hello", "user", final=False, id="u1")

    assert copy.deepcopy(transcript) == pickle.loads(pickle.dumps(transcript)) == transcript
    assert len({transcript, Transcript("Hello", "user", final=False, id="u1")}) == 1
