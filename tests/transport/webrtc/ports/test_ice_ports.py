"""The ports of a stream, and their leases."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from fastrtc.core.errors import SessionRefused
from fastrtc.core.ice import Ice
from fastrtc.transport.webrtc.ports.errors import PortUnavailable
from fastrtc.transport.webrtc.ports.ice_ports import IcePorts
from fastrtc.transport.webrtc.ports.open_ports import OpenPorts
from tests.support.ports import free_port


@pytest.fixture
def opened() -> Iterator[OpenPorts]:
    ports = OpenPorts()
    yield ports
    assert not ports._open


async def test_without_options_no_port_is_opened(opened: OpenPorts) -> None:
    ports = IcePorts(Ice(), opened)
    with ports.held():
        assert not opened._open
        lease = ports.lease()
        assert not lease.udp
        assert lease.tcp is None
        lease.close()


async def test_all_connections_lease_the_same_port(opened: OpenPorts) -> None:
    number = free_port()
    ports = IcePorts(Ice(udp_port=number, tcp_port=number), opened)
    leases = [ports.lease() for _ in range(3)]
    assert len({id(udp) for lease in leases for udp in lease.udp}) == len(leases[0].udp)
    assert len({lease.ufrag for lease in leases}) == 3
    assert leases[0].tcp is leases[1].tcp
    for lease in leases:
        lease.close()
        lease.close()


async def test_each_process_holds_one_port_of_a_range(opened: OpenPorts) -> None:
    number = free_port()
    ports = IcePorts(Ice(udp_port=range(number, number + 1)), opened)
    other = IcePorts(Ice(udp_port=range(number, number + 1)), OpenPorts())
    async with ports.serving():
        lease = ports.lease()
        assert {udp.port for udp in lease.udp} == {number}
        lease.close()
        with pytest.raises(PortUnavailable, match="none of the UDP ports"), other.held():
            pass
        with pytest.raises(SessionRefused, match="port_unavailable"):
            other.lease()


async def test_a_server_holds_its_port_between_connections(opened: OpenPorts) -> None:
    number = free_port()
    ports = IcePorts(Ice(udp_port=number), opened)
    async with ports.serving():
        ports.lease().close()
        assert ("udp", number) in opened._open


def test_a_port_in_use_is_found_out_at_the_start(opened: OpenPorts) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as other:
        other.bind(("0.0.0.0", 0))
        other.listen()
        number = other.getsockname()[1]
        ports = IcePorts(Ice(udp_port=free_port(), tcp_port=number), opened)
        with pytest.raises(PortUnavailable, match=f"TCP port {number}"), ports.held():
            pass
        with pytest.raises(SessionRefused, match="port_unavailable") as refused:
            ports.lease()
        assert f"TCP port {number}" in refused.value.details["reason"]


async def test_offers_beyond_the_range_are_refused(opened: OpenPorts) -> None:
    first = free_port()
    ports = IcePorts(Ice(udp_ports=(first, first)), opened)
    lease = ports.lease()
    with pytest.raises(SessionRefused, match="udp_ports_in_use") as refused:
        ports.lease()
    assert refused.value.details["limit"] == 1
    lease.close()
    lease.close()
    ports.lease().close()
