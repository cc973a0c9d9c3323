"""Gathering candidates."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection

from fastrtc.core.errors import SessionRefused
from fastrtc.core.ice import Ice
from fastrtc.transport.webrtc._aiortc import gathering
from fastrtc.transport.webrtc._aiortc.gathering import gather_on
from fastrtc.transport.webrtc._aiortc.transports import ice_connections
from fastrtc.transport.webrtc.ports.addresses import local_addresses
from fastrtc.transport.webrtc.ports.ice_ports import IcePorts
from fastrtc.transport.webrtc.ports.open_ports import OPEN_PORTS
from tests.support.patches import without
from tests.support.ports import free_port
from tests.support.stun_server import stun_server


@asynccontextmanager
async def gathered(ice: Ice, stun_url: str = "") -> AsyncIterator[Any]:
    """The ICE connection of a peer that has gathered."""
    servers = [RTCIceServer(urls=stun_url)] if stun_url else []
    pc = RTCPeerConnection(RTCConfiguration(iceServers=servers))
    pc.createDataChannel("data")
    close = gather_on(pc, IcePorts(ice), relay_only=False)
    try:
        (connection,) = ice_connections(pc)
        await connection.gather_candidates()
        yield connection
    finally:
        await ice_connections(pc)[0].close()
        await pc.close()
        close()
    assert not OPEN_PORTS._open


@contextmanager
def several_addresses(*addresses: str) -> Iterator[None]:
    """A machine with these addresses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gathering, "local_addresses", lambda _: list(addresses))
        yield


async def test_as_before_without_options() -> None:
    async with gathered(Ice()) as connection:
        candidates = connection.local_candidates
        assert [c.host for c in candidates] == local_addresses(Ice())
        assert len({c.port for c in candidates}) == len(candidates)
        assert {(c.type, c.transport, c.component) for c in candidates} == {("host", "udp", 1)}
        assert len({c.priority for c in candidates}) == 1


async def test_one_port_for_all_addresses() -> None:
    number = free_port()
    async with gathered(Ice(udp_port=number)) as connection:
        candidates = connection.local_candidates
        assert [c.host for c in candidates] == local_addresses(Ice())
        assert {c.port for c in candidates} == {number}
        assert len(connection.local_username) == 8


async def test_tcp_comes_after_udp() -> None:
    number = free_port()
    async with gathered(Ice(tcp_port=number, ipv6=False)) as connection:
        udp, tcp = connection.local_candidates
        assert (udp.transport, udp.tcptype) == ("udp", None)
        assert (tcp.transport, tcp.tcptype, tcp.port) == ("tcp", "passive", number)
        assert udp.priority > tcp.priority > 0


async def test_public_addresses_are_announced_in_place_of_local_ones() -> None:
    ice = Ice(udp_port=free_port(), public_ip=["203.0.113.5", "198.51.100.7"], ipv6=False)
    async with gathered(ice) as connection:
        hosts = [c.host for c in connection.local_candidates]
        assert sorted(hosts) == ["198.51.100.7", "203.0.113.5"]
        assert len(connection._protocols) == len(local_addresses(ice))


async def test_a_stun_server_tells_the_address_of_private_ones() -> None:
    async with stun_server() as server:
        ice = Ice(loopback=True, ipv6=False, interfaces=["127.0.0.1"])
        async with gathered(ice, server.url) as connection:
            host, reflexive = connection.local_candidates
            assert (reflexive.type, reflexive.host, reflexive.port) == (
                "srflx",
                "203.0.113.5",
                40000,
            )
            assert (reflexive.related_address, reflexive.related_port) == (host.host, host.port)
            assert reflexive.priority < host.priority


async def test_an_address_that_reaches_nothing_comes_last() -> None:
    async with stun_server() as server:
        server.knows = {"127.0.0.2"}
        ice = Ice(udp_port=free_port(), interfaces=["127.0.0.0/8"], gather_timeout_s=5)
        with several_addresses("127.0.0.1", "127.0.0.2"):
            async with gathered(ice, server.url) as connection:
                hosts = [c.host for c in connection.local_candidates if c.type == "host"]
                assert hosts == ["127.0.0.2", "127.0.0.1"]
                assert [p.local_candidate.host for p in connection._protocols] == hosts[::-1]


async def test_what_is_no_nat_is_announced_once() -> None:
    number = free_port()
    async with stun_server() as server:
        server.address = ("127.0.0.1", number)
        ice = Ice(udp_port=number, interfaces=["127.0.0.1"])
        async with gathered(ice, server.url) as connection:
            assert [c.type for c in connection.local_candidates] == ["host"]


async def test_a_silent_stun_server_holds_up_no_answer() -> None:
    async with stun_server() as server:
        server.silent = True
        loop = asyncio.get_running_loop()
        began = loop.time()
        ice = Ice(interfaces=["127.0.0.1"], gather_timeout_s=0.1)
        async with gathered(ice, server.url) as connection:
            assert len(connection.local_candidates) == 1
            assert loop.time() - began < 3, "aioice waits for 5 s"


async def test_two_silent_stun_servers_are_waited_for_as_long_as_one() -> None:
    async with stun_server() as server:
        server.silent = True
        ice = Ice(interfaces=["127.0.0.1"], public_ip=server.url, gather_timeout_s=0.25)
        async with gathered(ice, server.url) as connection:
            assert [c.type for c in connection.local_candidates] == ["host"]
        assert server.asked == 2, "by public_ip, at once and after 0.1 s"


async def test_options_that_cannot_be_respected_are_an_error() -> None:
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    pc.createDataChannel("data")
    with without(gathering.PATCH):
        gather_on(pc, IcePorts(Ice()), relay_only=False)()
        with pytest.raises(SessionRefused, match="unsupported_aiortc"):
            gather_on(pc, IcePorts(Ice(udp_port=1)), relay_only=False)
    await pc.close()
