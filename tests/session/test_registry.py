"""Places and ids of one endpoint."""

import asyncio
import logging

import pytest

from fastrtc.core.errors import SessionRefused
from fastrtc.session.registry import Registry
from fastrtc.session.session import Session, State


def flip(frame):
    return frame


def add(registry: Registry, id: str, limit: int | None = None) -> Session:
    registry.reserve(id, limit)
    session = Session(
        id, flip, deliver=lambda outputs: None, release=lambda s: registry.release(s.id)
    )
    registry.add(session)
    return session


@pytest.fixture
def forgotten() -> list[str]:
    return []


@pytest.fixture
def registry(forgotten: list[str]) -> Registry:
    return Registry(forgotten.append)


def test_places_are_taken_and_freed(registry: Registry, forgotten: list[str]):
    registry.reserve("a", 2)
    registry.reserve("b", 2)
    assert ("a" in registry, "c" in registry, len(registry)) == (True, False, 2)

    registry.release("a")

    assert ("a" in registry, len(registry)) == (False, 1)
    assert forgotten == ["a"]
    registry.reserve("c", 2)


def test_a_full_endpoint_says_how_much_it_takes(registry: Registry):
    assert not registry.is_full(1)
    registry.reserve("a", 1)

    assert (registry.is_full(1), registry.is_full(2), registry.is_full(None)) == (
        True,
        False,
        False,
    )
    with pytest.raises(SessionRefused) as refused:
        registry.reserve("b", 1)

    assert (refused.value.code, refused.value.details) == (
        "concurrency_limit_reached",
        {"limit": 1},
    )
    assert "b" not in registry


def test_an_id_that_is_in_use_is_refused_even_when_full(registry: Registry):
    registry.reserve("a", 1)

    with pytest.raises(SessionRefused, match="connection_already_exists"):
        registry.reserve("a", 1)

    assert len(registry) == 1


def test_there_may_be_no_limit(registry: Registry):
    for number in range(1000):
        registry.reserve(str(number), None)

    assert len(registry) == 1000


async def test_with_the_loop_the_established_end_without_a_word(registry: Registry):
    live, connecting = add(registry, "a"), add(registry, "b")
    live.start()
    told: list[str] = []
    live.outbox.open(told.append)
    registry.stopping = True
    await registry.close_with_the_loop(1.0)
    assert live.closed.is_set() and told == []
    assert not connecting.ended and "b" in registry
    assert not registry.stopping


def test_a_place_is_freed_once(registry: Registry, forgotten: list[str]):
    registry.reserve("a", 1)

    registry.release("a")
    registry.release("a")
    registry.release("unknown")

    assert forgotten == ["a"]


async def test_a_session_is_found_until_it_begins_to_end(registry: Registry):
    session = add(registry, "a")
    assert registry.get("a") is session
    assert registry.get("b") is None

    session.close("enough")

    assert registry.get("a") is None
    assert "a" not in registry, "its place is free at once"
    await session.closed.wait()


async def test_an_id_may_be_used_again_while_the_last_session_ends(registry: Registry):
    first = add(registry, "a", limit=1)
    first.close("enough")

    second = add(registry, "a", limit=1)
    await first.closed.wait()

    assert registry.get("a") is second
    assert "a" in registry
    second.close("enough")
    await second.closed.wait()


async def test_closing_ends_all_and_waits(registry: Registry, forgotten: list[str]):
    sessions = [add(registry, id) for id in "abc"]
    sent: list[str] = []
    for session in sessions:
        session.outbox.open(sent.append)
    sessions[0].start()
    sessions[2].close("just before")  # it is waited for, too

    await registry.close("the server stops")

    assert {session.state for session in sessions} == {State.CLOSED}
    assert sorted(forgotten) == ["a", "b", "c"]
    assert len(sent) == 2
    assert "the server stops" in sent[0]
    assert len(registry) == 0


async def test_closing_nothing_is_nothing(registry: Registry):
    await registry.close("the server stops")


async def test_what_does_not_close_is_not_waited_for(registry: Registry, caplog):
    session, go_on = add(registry, "a"), asyncio.Event()

    async def close() -> None:
        await go_on.wait()

    session.on_close(close)
    await registry.close("the server stops", timeout=0.02)

    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "1 sessions did not close" in record.getMessage()
    await asyncio.wait_for(session.closed.wait(), 10)


async def test_draining_takes_no_new_sessions_and_waits_for_the_last_to_end(registry: Registry):
    session, sent = add(registry, "a"), []
    session.outbox.open(sent.append)

    draining = asyncio.ensure_future(registry.drain(60))
    await asyncio.sleep(0)
    assert "about to stop" in sent[0] and '"warning"' in sent[0]
    assert registry.is_full(100)
    with pytest.raises(SessionRefused) as refusal:
        registry.reserve("b", 100)
    assert refusal.value.code == "server_stopping"
    assert session.state is State.NEW

    session.close("said good-bye")
    await asyncio.wait_for(draining, 10)


async def test_draining_has_its_time_and_is_done_once(registry: Registry):
    session = add(registry, "a")
    await registry.drain(0.01)
    assert not session.ended
    await asyncio.wait_for(registry.drain(60), 10)
    await registry.close("the server stops")


async def test_without_a_limit_nobody_is_waited_for(registry: Registry):
    session, sent = add(registry, "a"), []
    session.outbox.open(sent.append)
    await registry.drain(0)
    assert registry.stopping and not sent
    await registry.close("the server stops")
    assert session.going_away


async def test_what_was_left_behind_is_not_waited_for_again(registry: Registry):
    session, go_on = add(registry, "a"), asyncio.Event()
    session.on_close(go_on.wait)
    await registry.close("the server stops", timeout=0.01)
    await asyncio.wait_for(registry.close("the server stops", timeout=60), 10)
    go_on.set()
    await session.closed.wait()


def test_places_of_calls_have_ids_of_their_own(registry: Registry, forgotten: list[str]):
    registry.hold("CA1", 2)
    registry.hold("CA1", 2)
    assert "CA1" not in registry and len(registry) == registry.connecting == 1
    registry.reserve("CA1", 2)
    with pytest.raises(SessionRefused, match="concurrency_limit_reached"):
        registry.hold("CA2", 2)
    registry.release("CA1")
    assert len(registry) == 1 and forgotten == ["CA1"]
    registry.let_go("CA1")
    registry.let_go("CA1")
    assert len(registry) == 0 and forgotten == ["CA1"]
    registry.stopping = True
    with pytest.raises(SessionRefused, match="server_stopping"):
        registry.hold("CA3", None)


def test_all_that_are_not_established_count_as_connecting(registry: Registry):
    registry.hold("CA1", None)
    registry.reserve("a", None)
    registry.check_connecting(3)
    with pytest.raises(SessionRefused, match="too_many_connecting"):
        registry.check_connecting(2)
