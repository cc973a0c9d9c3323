"""The tree of errors, and the one that talks to the client."""

import contextvars
import json
import re

import pytest

from fastrtc.core import errors
from fastrtc.core.errors import FastRTCError, SessionRefused, WebRTCError
from fastrtc.core.messages import current_post


def test_all_errors_have_one_root():
    assert all(issubclass(getattr(errors, name), FastRTCError) for name in errors.__all__)


def test_the_tree_in_the_docstring_is_the_tree():
    drawn = re.findall(r"^ {4,}(\w+)(?: \((\w+)\))?", errors.__doc__, re.MULTILINE)[1:]

    assert {name for name, _ in drawn} == set(errors.__all__)
    for name, base in drawn:
        assert issubclass(getattr(errors, name), ValueError) == (base == "ValueError"), name


def test_outside_a_connection_it_is_an_ordinary_exception():
    error = WebRTCError("no client")

    assert str(error) == "no client"
    assert not error.told


def test_in_a_connection_the_client_is_told_when_it_is_made():
    sent: list[str] = []
    context = contextvars.copy_context()
    context.run(current_post.set, sent.append)

    error = context.run(WebRTCError, "out of credits")

    assert error.told
    assert [json.loads(text) for text in sent] == [
        {"type": "error", "message": "out of credits", "data": "out of credits"}
    ]


def test_subclasses_may_have_constructors_of_their_own():
    class Mine(WebRTCError):
        def __init__(self) -> None:
            pass

    assert Mine().told is False


def test_a_refusal_has_the_words_for_the_client():
    refusal = SessionRefused("concurrency_limit_reached", limit=3)

    assert (refusal.code, refusal.details) == ("concurrency_limit_reached", {"limit": 3})
    with pytest.raises(SessionRefused, match="concurrency_limit_reached"):
        raise refusal
