"""The whole is shown with real clients: tests/abuse/test_third_parties.py, test_packets.py."""

from __future__ import annotations

from typing import Any

import aioice
import pytest

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
    connection.request_received("message", ("8.8.8.8", 5000), "protocol", *data)
    connection.request_received("message", ("10.0.0.1", 5000), "protocol", *data)
    assert taken == [("message", ("8.8.8.8", 5000), "protocol", *data)]


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
