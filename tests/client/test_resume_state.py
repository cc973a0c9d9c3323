"""The secret, and the messages that either side has missed."""

import pytest

from fastrtc.client.resume_state import MAX_MESSAGES, ResumeState


def test_the_first_request_asks_and_the_next_ones_present_the_newest_secret():
    state = ResumeState()
    assert state.request(None) == {"resume": True}
    assert not state.possible

    state.answered({"secret": "s1", "within_s": 30})
    state.received = 4

    assert state.possible
    assert state.within_s == 30.0
    assert state.request(None) == {"resume": "s1", "received": 4}
    state.answered({"secret": "s2", "within_s": 30, "resumed": True, "received": 0})
    assert state.request(960) == {"resume": "s2", "received": 4, "heard": 960}


@pytest.mark.parametrize("answer", [None, {}, {"secret": 1}, "yes"])
def test_a_server_that_does_not_resume_says_nothing(answer: object):
    state = ResumeState()

    assert state.answered(answer) == []
    assert not state.possible


@pytest.mark.parametrize(
    ("received", "missed"),
    [(0, ["a", "b", "c"]), (2, ["c"]), (3, []), (4, []), (-1, []), (None, []), ("2", [])],
)
def test_the_server_gets_what_it_has_not_received(received: object, missed: list[str]):
    state = ResumeState()
    for message in "abc":
        state.sent(message)

    assert state.answered({"secret": "s", "received": received}) == missed


def test_the_oldest_messages_are_forgotten():
    state = ResumeState()
    for n in range(MAX_MESSAGES + 5):
        state.sent(str(n))

    assert state.answered({"secret": "s", "received": 0})[0] == "5"
