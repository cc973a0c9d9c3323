"""The whole is shown with real clients: tests/abuse/test_third_parties.py, test_packets.py."""

from __future__ import annotations

import asyncio
from typing import Any

import aioice
import pytest
from aioice import stun
from aioice.ice import StunProtocol

from fastrtc.transport.webrtc._aiortc import ice
from fastrtc.transport.webrtc._aiortc.abuse import Abuse
from fastrtc.transport.webrtc._aiortc.ice import limit_ice
from fastrtc.transport.webrtc.ice_targets import SendAllowance, TargetPolicy
from fastrtc.transport.webrtc.packet_budget import PacketBudget


def limited(connection: Any) -> None:
    policy = TargetPolicy(private=False)
    limit_ice(connection, PacketBudget(1000), policy, SendAllowance(), Abuse(pytest.fail))


@pytest.mark.parametrize("data", [(), (b"the request",)], ids=["aioice 0.12", "aioice 0.10"])
async def test_a_request_is_handed_on_with_all_that_came_with_it(data: tuple[bytes, ...]) -> None:
    taken: list[Any] = []

    class Connection(aioice.Connection):
        def request_received(self, *arguments: Any) -> None:
            taken.append(arguments)

    connection: Any = Connection(ice_controlling=False)
    limited(connection)
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    connection.request_received(message, ("8.8.8.8", 5000), "protocol", *data)
    assert not taken, "it is not signed, which aioice 0.10 does not mind"
    message.add_message_integrity(b"password")
    connection.request_received(message, ("8.8.8.8", 5000), "protocol", *data)
    connection.request_received(message, ("10.0.0.1", 5000), "protocol", *data)
    assert taken == [(message, ("8.8.8.8", 5000), "protocol", *data)]


@pytest.mark.parametrize("key", [None, b"password", b"another password"])
async def test_only_a_signed_response_counts_also_where_aioice_does_not_look(
    key: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ice, "_CHECKS_RESPONSES", False)
    taken: list[bytes] = []

    class Protocol(StunProtocol):
        def datagram_received(self, data: Any, addr: Any) -> None:
            taken.append(data)

    connection: Any = aioice.Connection(ice_controlling=False)
    monkeypatch.setattr(connection, "gather_candidates", lambda: asyncio.sleep(0))
    connection.remote_password = "password"
    connection._protocols.append(protocol := Protocol(connection))
    limited(connection)
    await connection.gather_candidates()
    response = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE)
    if key is not None:
        response.add_message_integrity(key)
    for data in (bytes(response), b"\x16 of DTLS"):
        protocol.datagram_received(data, ("8.8.8.8", 5000))
    assert (bytes(response) in taken) is (key == b"password")
    assert len(taken) == (key == b"password")  # DTLS of an address that is not known


async def test_candidates_of_the_offer_that_may_not_be_sent_to_are_forgotten() -> None:
    connection: Any = aioice.Connection(ice_controlling=False)
    connection._remote_candidates += [
        aioice.Candidate("1", 1, "udp", 1, host, 5000, "host") for host in ("10.0.0.1", "8.8.8.8")
    ]
    limited(connection)
    assert [candidate.host for candidate in connection._remote_candidates] == ["8.8.8.8"]


async def test_an_aioice_without_a_method_of_its_own_for_candidates(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(aioice.Connection, "_add_remote_candidate", raising=False)
    connection: Any = aioice.Connection(ice_controlling=False)
    limited(connection)
    assert not hasattr(connection, "_add_remote_candidate")
