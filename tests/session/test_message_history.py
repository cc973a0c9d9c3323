"""What a client has missed, by its count or by the time."""

import pytest

from fastrtc.session.message_history import MAX_CHARACTERS, MAX_MESSAGES, MessageHistory


def history(*messages: str) -> MessageHistory:
    made = MessageHistory()
    for at, message in enumerate(messages):
        made.add(message, float(at))
    return made


def test_a_client_that_counts_gets_exactly_what_it_has_missed():
    sent = history("a", "b", "c")

    assert sent.missed(3, 0.0) == []
    assert sent.missed(1, None) == ["b", "c"]
    assert sent.missed(0, None) == ["a", "b", "c"]


@pytest.mark.parametrize("received", [None, -1, 4])
def test_otherwise_the_time_counts(received: int | None):
    sent = history("a", "b", "c")

    assert sent.missed(received, 0.5) == ["b", "c"]
    assert sent.missed(received, None) == []


def test_the_oldest_messages_are_forgotten_and_the_order_stays():
    many = history(*map(str, range(MAX_MESSAGES + 10)))
    assert many.missed(0, None) == [str(n) for n in range(10, MAX_MESSAGES + 10)]
    assert many.missed(MAX_MESSAGES + 8, None) == [str(MAX_MESSAGES + 8), str(MAX_MESSAGES + 9)]

    large = history("x" * MAX_CHARACTERS, "a", "b")
    assert large.missed(0, None) == ["a", "b"]
