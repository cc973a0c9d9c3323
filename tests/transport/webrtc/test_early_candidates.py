from __future__ import annotations

import asyncio

import pytest

from fastrtc.core.errors import SessionRefused
from fastrtc.transport.webrtc.candidates import END_OF_CANDIDATES, Candidate, parse_candidate
from fastrtc.transport.webrtc.early_candidates import (
    KEPT_S,
    MAX_PER_ID,
    MAX_REFUSED,
    EarlyCandidates,
)
from tests.support.virtual_time import virtual_time

MAX_IDS = 3


class Early(EarlyCandidates):
    """One with room for three ids."""

    def keep(self, webrtc_id: str, candidate: Candidate, max_ids: int = MAX_IDS) -> None:
        super().keep(webrtc_id, candidate, max_ids)


def candidate(port: int) -> Candidate:
    return parse_candidate(f"candidate:1 1 udp 2122260223 192.168.1.5 {port} typ host")


def refusal(early: Early, webrtc_id: str) -> str:
    with pytest.raises(SessionRefused) as caught:
        early.keep(webrtc_id, END_OF_CANDIDATES)
    return caught.value.code


def timers(loop: asyncio.AbstractEventLoop) -> int:
    return sum(not timer.cancelled() for timer in loop._scheduled)


@virtual_time
async def test_candidates_are_kept_in_order_until_their_offer_comes():
    early = Early()
    mine, others = [candidate(1), candidate(2), END_OF_CANDIDATES], [candidate(3)]
    for k, kept in enumerate(mine):
        early.keep("a", kept)
        if k == 0:
            early.keep("b", others[0])
    assert early.take("a") == mine
    assert early.take("a") == []
    assert early.take("b") == others
    assert early.take("unknown") == []


@virtual_time
async def test_after_10_s_they_are_forgotten_and_further_ones_refused():
    early = Early()
    early.keep("a", candidate(1))
    await asyncio.sleep(KEPT_S - 0.1)
    early.keep("a", candidate(2))  # does not start the time again
    await asyncio.sleep(0.2)
    assert refusal(early, "a") == "unknown_connection"
    assert early.take("a") == []


@virtual_time
async def test_an_offer_that_comes_after_all_is_not_refused():
    early = Early()
    early.keep("a", candidate(1))
    await asyncio.sleep(KEPT_S + 1)
    assert early.take("a") == []
    early.keep("a", candidate(2))
    assert early.take("a") == [candidate(2)]


@virtual_time
async def test_candidates_that_were_taken_do_not_expire():
    early = Early()
    early.keep("a", candidate(1))
    early.take("a")
    early.keep("a", candidate(2))
    await asyncio.sleep(KEPT_S - 0.1)
    assert early.take("a") == [candidate(2)]


@virtual_time
async def test_candidates_of_a_connection_that_ended_are_refused():
    early = Early()
    early.keep("a", candidate(1))
    early.refuse_ended("a")
    assert refusal(early, "a") == "connection_closed"
    await asyncio.sleep(KEPT_S + 1)
    assert refusal(early, "a") == "connection_closed"
    assert early.take("a") == []  # a new connection with the old id
    early.keep("a", candidate(2))


@virtual_time
async def test_one_connection_has_so_many_candidates():
    early = Early()
    for port in range(MAX_PER_ID):
        early.keep("a", candidate(port))
    assert refusal(early, "a") == "unknown_connection"
    assert len(early.take("a")) == MAX_PER_ID


@virtual_time
async def test_when_too_many_come_the_oldest_is_forgotten():
    early = Early()
    for k in range(MAX_IDS):
        early.keep(str(k), candidate(k))
    early.keep("0", candidate(1))  # is no newcomer
    early.keep("one more", candidate(1))
    assert early.take("0") == []
    assert timers(asyncio.get_running_loop()) == MAX_IDS
    early.keep("0", candidate(2))  # is not held against it
    assert early.take("1") == []
    assert early.take("one more") == [candidate(1)]
    assert early.take("0") == [candidate(2)]
    early.clear()


@virtual_time
async def test_what_is_remembered_of_the_past_is_bounded():
    early = Early()
    for k in range(MAX_REFUSED + 10):
        early.refuse_ended(str(k))
    assert len(early._refused) == MAX_REFUSED
    assert refusal(early, str(MAX_REFUSED + 9)) == "connection_closed"
    early.keep("0", candidate(1))  # the oldest is forgotten
    early.clear()


@virtual_time
async def test_who_ends_again_is_remembered_longer():
    early = Early()
    for k in range(MAX_REFUSED):
        early.refuse_ended(str(k))
    early.refuse_ended("0")
    early.refuse_ended("one more")
    assert refusal(early, "0") == "connection_closed"


@virtual_time
async def test_clear_forgets_all():
    early = Early()
    early.keep("a", candidate(1))
    early.refuse_ended("b")
    early.clear()
    assert early.take("a") == []
    early.keep("b", candidate(1))
    assert early.take("b") == [candidate(1)]


@virtual_time
async def test_no_timer_is_left():
    early = Early()
    for webrtc_id in "abc":
        early.keep(webrtc_id, candidate(1))
        early.keep(webrtc_id, candidate(2))
    loop = asyncio.get_running_loop()
    assert timers(loop) == 3
    early.take("a")
    early.refuse_ended("b")
    assert timers(loop) == 1
    early.clear()
    assert timers(loop) == 0
