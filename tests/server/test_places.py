"""Places and ids of one endpoint."""

import asyncio
import logging

import pytest

from fastrtc.core.close_reason import GOING_AWAY, CloseReason
from fastrtc.core.errors import SessionRefused
from fastrtc.server.connection import Connection
from fastrtc.server.places import Places
from fastrtc.session.media import Media
from fastrtc.session.outputs import OutputQueue
from fastrtc.session.resumption import Resumption, Return, lose_network
from fastrtc.session.session import Session, State
from tests.session.test_resumption import Transport


def flip(frame):
    return frame


def add(places: Places, id: str, limit: int | None = None) -> Session:
    places.reserve(id, limit)
    session = Session(
        id, flip, deliver=lambda outputs: None, release=lambda s: places.release(s.id)
    )
    media = Media(session, "video", "send")
    places.add(Connection(session, media, None, [], OutputQueue()))
    return session


@pytest.fixture
def forgotten() -> list[str]:
    return []


@pytest.fixture
def places(forgotten: list[str]) -> Places:
    return Places(forgotten.append)


def test_places_are_taken_and_freed(places: Places, forgotten: list[str]):
    places.reserve("a", 2)
    places.reserve("b", 2)
    assert ("a" in places, "c" in places, len(places)) == (True, False, 2)

    places.release("a")

    assert ("a" in places, len(places)) == (False, 1)
    assert forgotten == ["a"]
    places.reserve("c", 2)


def test_a_full_endpoint_says_how_much_it_takes(places: Places):
    assert not places.is_full(1)
    places.reserve("a", 1)

    assert (places.is_full(1), places.is_full(2), places.is_full(None)) == (
        True,
        False,
        False,
    )
    with pytest.raises(SessionRefused) as refused:
        places.reserve("b", 1)

    assert (refused.value.code, refused.value.details) == (
        "concurrency_limit_reached",
        {"limit": 1},
    )
    assert "b" not in places


async def test_an_attempt_ends_unless_it_is_established(places: Places):
    live, connecting = add(places, "a"), add(places, "b")
    live.start()
    assert not places.end_attempt("unknown")
    assert places.end_attempt("a") and not live.ended
    assert places.end_attempt("b") and connecting.ended
    assert "b" not in places
    live.close("the end of the test")
    await asyncio.gather(live.closed.wait(), connecting.closed.wait())


async def test_the_oldest_waiting_reader_is_evicted_for_a_new_one(places: Places):
    sessions = {id: add(places, id) for id in "abcd"}
    lost: dict[str, Transport] = {}
    for id, session in sessions.items():
        lost[id] = Transport(id)
        lost[id].closing.set()
        media = Media(session, "video", "send")
        session.resumption = Resumption(session, media, lost[id], 30.0, None)
        session.start()
    for id in "cab":
        lose_network(sessions[id], lost[id], "gone")
        await asyncio.sleep(0.001)
    back = Transport()
    back.closing.set()
    sessions["c"].resumption.take_over(Return(back))  # connects again

    places.check_total(5)
    assert not any(session.ended for session in sessions.values())
    for id, limit in (("e", 4), ("f", 4)):
        places.check_total(limit)
        places.reserve(id, limit)
    assert [id for id, session in sessions.items() if session.ended] == ["a", "b"]
    assert sessions["a"].reason.end_code == "closed"
    with pytest.raises(SessionRefused, match="concurrency_limit_reached"):
        places.reserve("g", 4)

    lose_network(sessions["c"], back, "gone")
    sessions["d"].close("said good-bye")
    await asyncio.wait_for(places.drain(60), 10)  # "c" has no client
    sessions["c"].close("the end of the test")
    await asyncio.gather(*(session.closed.wait() for session in sessions.values()))


def test_an_id_that_is_in_use_is_refused_even_when_full(places: Places):
    places.reserve("a", 1)

    with pytest.raises(SessionRefused, match="connection_already_exists"):
        places.reserve("a", 1)

    assert len(places) == 1


def test_there_may_be_no_limit(places: Places):
    for number in range(1000):
        places.reserve(str(number), None)

    assert len(places) == 1000


async def test_with_the_loop_the_established_end_without_a_word(places: Places):
    live, connecting = add(places, "a"), add(places, "b")
    live.start()
    told: list[str] = []
    live.outbox.open(told.append)
    places.stopping = True
    await places.close_with_the_loop(1.0)
    assert live.closed.is_set() and told == []
    assert not connecting.ended and "b" in places
    assert not places.stopping


async def test_with_a_loop_the_sessions_of_others_do_not_end(places: Places):
    session = add(places, "a")
    session.start()

    await asyncio.to_thread(lambda: asyncio.run(places.close_with_the_loop(1.0)))

    assert places.get("a") is not None and not session.ended
    session.close("at last")
    await session.closed.wait()


def test_a_place_is_freed_once(places: Places, forgotten: list[str]):
    places.reserve("a", 1)

    places.release("a")
    places.release("a")
    places.release("unknown")

    assert forgotten == ["a"]


async def test_a_session_is_found_until_it_begins_to_end(places: Places):
    session = add(places, "a")
    assert places.get("a").session is session
    assert places.get("b") is None

    session.close("enough")

    assert places.get("a") is None
    assert "a" not in places, "its place is free at once"
    await session.closed.wait()


async def test_an_id_may_be_used_again_while_the_last_session_ends(places: Places):
    first = add(places, "a", limit=1)
    first.close("enough")

    second = add(places, "a", limit=1)
    await first.closed.wait()

    assert places.get("a").session is second
    assert "a" in places
    second.close("enough")
    await second.closed.wait()


async def test_closing_ends_all_and_waits(places: Places, forgotten: list[str]):
    sessions = [add(places, id) for id in "abc"]
    sent: list[str] = []
    for session in sessions:
        session.outbox.open(sent.append)
    sessions[0].start()
    sessions[2].close("just before")  # it is waited for, too

    await places.close("the server stops")

    assert {session.state for session in sessions} == {State.CLOSED}
    assert sorted(forgotten) == ["a", "b", "c"]
    assert len(sent) == 2
    assert "the server stops" in sent[0]
    assert len(places) == 0


async def test_closing_nothing_is_nothing(places: Places):
    await places.close("the server stops")


async def test_what_does_not_close_is_not_waited_for(places: Places, caplog):
    session, go_on = add(places, "a"), asyncio.Event()

    async def close(reason: CloseReason) -> None:
        await go_on.wait()

    session.on_close(close)
    await places.close("the server stops", timeout=0.02)

    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "1 sessions did not close" in record.getMessage()
    await asyncio.wait_for(session.closed.wait(), 10)


async def test_draining_takes_no_new_sessions_and_waits_for_the_last_to_end(places: Places):
    session, sent = add(places, "a"), []
    session.outbox.open(sent.append)

    draining = asyncio.ensure_future(places.drain(60))
    await asyncio.sleep(0)
    assert "about to stop" in sent[0] and '"warning"' in sent[0]
    assert places.is_full(100)
    with pytest.raises(SessionRefused) as refusal:
        places.reserve("b", 100)
    assert refusal.value.code == "server_stopping"
    assert session.state is State.NEW

    session.close("said good-bye")
    await asyncio.wait_for(draining, 10)


async def test_draining_has_its_time_and_is_done_once(places: Places):
    session = add(places, "a")
    await places.drain(0.01)
    assert not session.ended
    await asyncio.wait_for(places.drain(60), 10)
    await places.close("the server stops")


async def test_without_a_limit_no_client_is_waited_for(places: Places):
    session, sent = add(places, "a"), []
    session.outbox.open(sent.append)
    await places.drain(0)
    assert places.stopping and not sent
    await places.close("the server stops")
    assert session.reason.code == GOING_AWAY


async def test_what_was_left_behind_is_not_waited_for_again(places: Places):
    session, go_on = add(places, "a"), asyncio.Event()
    session.on_close(lambda reason: go_on.wait())
    await places.close("the server stops", timeout=0.01)
    await asyncio.wait_for(places.close("the server stops", timeout=60), 10)
    go_on.set()
    await session.closed.wait()


def test_places_of_calls_have_ids_of_their_own(places: Places, forgotten: list[str]):
    places.hold("CA1", 2)
    places.hold("CA1", 2)
    assert "CA1" not in places and len(places) == places.connecting == 1
    places.reserve("CA1", 2)
    with pytest.raises(SessionRefused, match="concurrency_limit_reached"):
        places.hold("CA2", 2)
    places.release("CA1")
    assert len(places) == 1 and forgotten == ["CA1"]
    places.release_call("CA1")
    places.release_call("CA1")
    assert len(places) == 0 and forgotten == ["CA1"]
    places.stopping = True
    with pytest.raises(SessionRefused, match="server_stopping"):
        places.hold("CA3", None)


def test_all_that_are_not_established_count_as_connecting(places: Places):
    places.hold("CA1", None)
    places.reserve("a", None)
    places.check_connecting(3)
    with pytest.raises(SessionRefused, match="too_many_connecting"):
        places.check_connecting(2)
