"""When a client tries again."""

import pytest

from fastrtc.client.reconnection import MARGIN_S, MAX_DELAY_S, Reconnection


def test_it_tries_at_once_then_with_growing_pauses_until_the_server_has_given_up():
    policy, now, pauses = Reconnection(30.0, 100.0), 100.0, []

    while (at := policy.next_attempt_at(now)) is not None:
        pauses.append(at - now)
        now = at
        policy.failed("connection_lost")

    assert pauses[:4] == [0.0, 0.25, 0.5, 1.0]
    assert max(pauses) <= MAX_DELAY_S
    assert 130.0 + MARGIN_S - MAX_DELAY_S <= now <= 130.0 + MARGIN_S


def test_pauses_vary():
    pauses = set()
    for random in (0.0, 0.5, 1.0):
        policy = Reconnection(30.0, 0.0)
        policy.next_attempt_at(0.0)
        pauses.add(policy.next_attempt_at(0.0, random))

    assert pauses == {0.25 * 0.75, 0.25, 0.25 * 1.25}


@pytest.mark.parametrize(
    ("code", "again"),
    [("resume_refused", False), ("too_many_connecting", True), ("not_found", True)],
)
def test_a_refusal_of_the_session_is_final_others_are_not(code: str, again: bool):
    policy = Reconnection(30.0, 0.0)
    policy.next_attempt_at(0.0)

    policy.failed(code)

    assert (policy.next_attempt_at(0.0) is not None) is again
