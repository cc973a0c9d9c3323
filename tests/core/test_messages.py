"""What is said to the client, and who it goes to."""

import contextvars
import json

import pytest

from fastrtc.core.messages import (
    Warning,  # noqa: A004
    create_message,
    current_post,
    error_message,
    parse_message,
    post_message,
    warning_message,
)


@pytest.mark.parametrize("data", ["pause_detected", [], {"own": [1, None]}, None])
def test_a_message_is_json_with_a_type_and_data(data):
    assert json.loads(create_message("log", data)) == {"type": "log", "data": data}


def test_what_json_cannot_hold_is_refused():
    with pytest.raises(TypeError, match="not JSON serializable"):
        create_message("log", object())


def test_a_message_of_a_client_is_a_json_object():
    assert parse_message(' {"event": "stop", "n": [1]}\n') == {"event": "stop", "n": [1]}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("hello", "must be JSON: Expecting value"),
        ("[" * 100_000, "must be JSON: "),
        ("", "must be JSON: "),
        ("[]", "must be a JSON object"),
        ("null", "must be a JSON object"),
    ],
    ids=["a word", "deep", "empty", "a list", "null"],
)
def test_others_are_refused(text, what):
    with pytest.raises(ValueError, match=f"A message {what}"):
        parse_message(text)


@pytest.mark.parametrize(("make", "type"), [(error_message, "error"), (warning_message, "warning")])
def test_texts_for_people_are_under_both_keys_that_clients_read(make, type):
    assert json.loads(make("oh")) == {"type": type, "message": "oh", "data": "oh"}


@pytest.mark.parametrize("make", [error_message, warning_message])
def test_an_exception_as_message_is_its_text(make):
    assert make(ValueError("broken")) == make("broken")


def test_outside_a_connection_nobody_is_told():
    assert post_message("hello") is False
    Warning("nobody hears")


def test_in_a_connection_its_client_is_told():
    sent: list[str] = []
    context = contextvars.copy_context()
    context.run(current_post.set, sent.append)

    assert context.run(post_message, "hello") is True
    context.run(Warning, "careful")
    context.run(Warning)

    assert sent == ["hello", warning_message("careful"), warning_message("Warning issued.")]
