from __future__ import annotations

import asyncio
import types
from typing import Any

import pytest
from aioice import stun

from fastrtc.transport.webrtc._aiortc import consent
from fastrtc.transport.webrtc._aiortc.consent import (
    CONSENT_EXPIRES_S,
    CONSENT_REPEATS,
    watch_consent,
)
from tests.support.patches import without
from tests.support.virtual_time import virtual_time


def fake(**attributes: Any) -> Any:
    return types.SimpleNamespace(**attributes)


def now() -> float:
    return asyncio.get_running_loop().time()


class Protocol:
    """Answers requests, or does not."""

    def __init__(self) -> None:
        self.answers = True
        self.asked: list[float] = []

    async def request(self, request, address, integrity_key, retransmissions):
        assert (request, address, integrity_key, retransmissions) == (
            "request", "address", b"password", CONSENT_REPEATS,
        )  # fmt: skip
        self.asked.append(now())
        for wait in (0.5, 1, 2):
            if self.answers:
                return
            await asyncio.sleep(wait)
        raise stun.TransactionTimeout


class Distant(Protocol):
    """Answers after 0.8 s, if that is awaited."""

    async def request(self, request, address, integrity_key, retransmissions):
        alive_s = 0.5 * (2 ** (retransmissions + 1) - 1)
        await asyncio.sleep(min(0.8, alive_s))
        if alive_s < 0.8:
            raise stun.TransactionTimeout


class Connection:
    """What is used of an `aioice.Connection`."""

    def __init__(self) -> None:
        self.protocol = Protocol()
        self._nominated = {1: fake(protocol=self.protocol, remote_addr="address")}
        self._query_consent_task: Any = "task"
        self.remote_password = "password"

    def build_request(self, pair, nominate):
        assert nominate is False
        return "request"

    async def query_consent(self) -> None:
        raise AssertionError("was to be replaced")


def connected(*connections: Any) -> Any:
    """A peer connection over these, the last of them for data."""
    transports = [fake(transport=fake(_connection=connection)) for connection in connections]
    return fake(
        getTransceivers=lambda: [fake(receiver=fake(transport=t)) for t in transports[:-1]],
        sctp=fake(transport=transports[-1]),
    )


@virtual_time
async def test_a_distant_peer_keeps_its_connection_also_where_consent_is_short():
    connection, expired = Connection(), []
    connection.protocol = Distant()
    connection._nominated[1].protocol = connection.protocol
    watch_consent(connected(connection), lambda: expired.append(now()), 5.0)
    asking = asyncio.create_task(connection.query_consent())
    await asyncio.sleep(60)
    assert not expired
    asking.cancel()
    await asyncio.sleep(1)


@virtual_time
async def test_a_peer_that_answers_keeps_its_connection():
    connection, expired = Connection(), []
    watch_consent(connected(connection, connection), lambda: expired.append(now()))
    asking = asyncio.create_task(connection.query_consent())
    await asyncio.sleep(600)
    assert not expired
    gaps = [b - a for a, b in zip(connection.protocol.asked, connection.protocol.asked[1:])]  # noqa: B905
    assert 2 <= min(gaps) < max(gaps) <= 3
    asking.cancel()
    await asyncio.wait([asking])


@virtual_time
async def test_a_peer_that_vanished_is_noticed():
    connection, expired = Connection(), []
    watch_consent(connected(connection), lambda: expired.append(now()))
    asking = asyncio.create_task(connection.query_consent())
    await asyncio.sleep(60)
    connection.protocol.answers = False
    vanished = now()
    await asking
    (at,) = expired
    assert CONSENT_EXPIRES_S - 3 <= at - vanished <= CONSENT_EXPIRES_S + 3.5
    assert connection._query_consent_task is None


@virtual_time
async def test_some_lost_answers_do_no_harm():
    connection, expired = Connection(), []
    watch_consent(connected(connection), lambda: expired.append(now()))
    asking = asyncio.create_task(connection.query_consent())
    for _ in range(20):
        connection.protocol.answers = False
        await asyncio.sleep(7)
        connection.protocol.answers = True
        await asyncio.sleep(4)
    assert not expired
    asking.cancel()
    await asyncio.wait([asking])


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("failure", [None, stun.TransactionTimeout()])
@virtual_time
async def test_closing_does_not_wait_if_an_answer_arrives_meanwhile(turns, failure):
    """Python 3.11 loses a cancellation within `wait_for` on one of these turns of the loop."""
    connection, asked = Connection(), asyncio.Event()
    answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def request(*args: Any, **kwargs: Any) -> None:
        asked.set()
        await answer

    connection.protocol.request = request  # type: ignore[method-assign]
    watch_consent(connected(connection), lambda: None)
    asking = asyncio.create_task(connection.query_consent())
    await asked.wait()
    if failure is None:
        answer.set_result(None)
    else:
        answer.set_exception(failure)
    for _ in range(turns):
        await asyncio.sleep(0)
    asking.cancel()
    began = now()
    await asyncio.wait([asking])
    assert asking.cancelled()
    assert now() - began < 1


def test_each_connection_is_watched_once():
    first, second = Connection(), Connection()
    watch_consent(connected(first, first, second, first), lambda: None)
    assert first.query_consent.func is second.query_consent.func is consent._query_consent


def test_a_transport_without_a_connection():
    watch_consent(connected(None), lambda: None)
    watch_consent(fake(getTransceivers=lambda: [], sctp=None), lambda: None)


async def test_without_the_names_a_connection_is_left_alone():
    connection = Connection()
    with without(consent.PATCH):
        watch_consent(connected(connection), lambda: None)
    assert "query_consent" not in vars(connection)
