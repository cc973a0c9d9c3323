"""The table of a conversation's transitions is complete and sound."""

from collections import defaultdict

import pytest

from fastrtc.turns.transitions import TABLE, Action, Event, Guard, State

ANSWERED_ALWAYS = (
    Event.SPEECH_STARTED,
    Event.TURN_ENDED,
    Event.REPLY_TRIGGERED,
    Event.INTERRUPTED,
)


@pytest.mark.parametrize("event", ANSWERED_ALWAYS)
def test_no_state_ignores_what_the_user_or_the_program_does(event: Event) -> None:
    assert {row.source for row in TABLE if row.event is event} == set(State)


def test_rows_are_unambiguous() -> None:
    guards = defaultdict(list)
    for row in TABLE:
        guards[row.source, row.event].append(row.guard)
    for found in guards.values():
        assert found == [None] or set(found) == set(Guard) and len(found) == 2


def test_each_state_is_reached_and_left() -> None:
    assert {row.target for row in TABLE if row.target is not row.source} == set(State)
    assert {row.source for row in TABLE if row.target is not row.source} == set(State)


def test_the_playout_is_held_while_an_interruption_is_pending_and_never_longer() -> None:
    pending = State.INTERRUPTION_PENDING
    for row in TABLE:
        holds, releases = (
            action in row.actions for action in (Action.HOLD_PLAYOUT, Action.RELEASE_PLAYOUT)
        )
        assert holds is (row.target is pending)
        assert releases is (row.source is pending)


def test_each_end_of_a_turn_requests_one_reply() -> None:
    for row in TABLE:
        asks = row.event in (Event.TURN_ENDED, Event.REPLY_TRIGGERED)
        assert row.actions.count(Action.REQUEST_REPLY) == asks
        if asks:
            assert row.target is State.THINKING
            assert Action.CANCEL_REPLY in row.actions  # no reply plays over a later one


def test_speech_that_interrupts_cancels_the_reply() -> None:
    for row in TABLE:
        if row.event is Event.SPEECH_STARTED:
            assert row.target is State.USER_SPEAKING
            assert Action.CANCEL_REPLY in row.actions
