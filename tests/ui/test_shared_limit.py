"""Components with the same `concurrency_id`."""

import pytest

from fastrtc.core.errors import SessionRefused
from fastrtc.session.media import Media
from fastrtc.session.resumption import Resumption, lose_network
from fastrtc.ui.shared_limit import GroupedPlaces
from tests.server.test_places import add
from tests.session.test_resumption import Transport


def places(group: str | None, limit: int) -> GroupedPlaces:
    made = GroupedPlaces(lambda _: None)
    made.join(group, limit)
    return made


def test_the_lowest_limit_holds_for_all_of_a_group():
    one, other = places("gpu", 2), places("gpu", 5)
    one.reserve("a", 2)
    other.reserve("b", 5)
    with pytest.raises(SessionRefused) as refusal:
        other.reserve("c", 5)
    assert (refusal.value.code, refusal.value.details) == (
        "concurrency_limit_reached",
        {"limit": 2},
    )
    one.release("a")
    other.reserve("c", 5)


def test_without_a_group_each_has_its_own():
    one, other = places(None, 1), places(None, 1)
    one.reserve("a", 1)
    other.reserve("a", 1)
    with pytest.raises(SessionRefused, match="concurrency_limit_reached"):
        one.reserve("b", 1)


def test_an_id_in_use_is_said_to_be_so():
    one, _ = places("gpu-2", 1), places("gpu-2", 1)
    one.reserve("a", 1)
    with pytest.raises(SessionRefused, match="connection_already_exists"):
        one.reserve("a", 1)


def test_a_member_that_leaves_a_group_no_longer_counts():
    one, other = places("gpu-3", 1), places("gpu-3", 1)
    one.reserve("a", 1)
    one.join(None, 1)
    other.reserve("b", 1)


async def test_a_client_that_is_lost_makes_room_in_its_group():
    one, other = places("gpu-4", 1), places("gpu-4", 1)
    session, lost = add(one, "a", 1), Transport()
    lost.closing.set()
    session.resumption = Resumption(session, Media(session, "video", "send"), lost, 30.0, None)
    session.start()
    lose_network(session, lost, "gone")
    other.reserve("b", 1)
    assert session.ended
    await session.closed.wait()
