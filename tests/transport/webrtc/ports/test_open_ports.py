"""Ports that are opened once for all."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from fastrtc.transport.webrtc.ports.errors import PortUnavailable
from fastrtc.transport.webrtc.ports.open_ports import OpenPorts


@pytest.fixture
def free() -> int:
    """A port that nobody has, nor the next two."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("", 0))
            first: int = probe.getsockname()[1]
        if first < 65000 and not any(taken(port) for port in (first, first + 1, first + 2)):
            return first


def taken(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return True
    return False


@pytest.fixture
def ports() -> Iterator[OpenPorts]:
    opened = OpenPorts()
    yield opened
    assert not opened._open


def test_a_port_is_opened_once_and_closed_by_the_last(ports: OpenPorts, free: int) -> None:
    first = ports.acquire_udp(free)
    assert ports.acquire_udp(free) is first
    assert {udp.family for udp in first} >= {socket.AF_INET}
    assert len(first) == len({udp.family for udp in first})
    ports.release("udp", free)
    assert taken(free)
    ports.release("udp", free)
    assert not taken(free)


def test_udp_and_tcp_have_ports_of_their_own(ports: OpenPorts, free: int) -> None:
    ports.acquire_udp(free)
    tcp = ports.acquire_tcp(free)
    assert ports.acquire_tcp(free) is tcp
    ports.release("udp", free)
    for _ in range(2):
        ports.release("tcp", free)


def test_a_range_is_leased_port_by_port(ports: OpenPorts, free: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("", free + 1))  # of another process
        first = ports.acquire_free_udp(range(free, free + 3))
        second = ports.acquire_free_udp(range(free, free + 3))
        assert first is not None
        assert second is not None
        assert [first[0].port, second[0].port] == [free, free + 2]
        assert ports.acquire_free_udp(range(free, free + 3)) is None
        ports.release("udp", free)
        again = ports.acquire_free_udp(range(free, free + 3))
        assert again is not None
        assert again[0].port == free
    ports.release("udp", free)
    ports.release("udp", free + 2)


def test_a_process_uses_the_first_free_port_of_a_range(ports: OpenPorts, free: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("", free))  # of another process
        first = ports.acquire_first_udp(range(free, free + 3))
        assert first[0].port == free + 1
        assert ports.acquire_first_udp(range(free, free + 3)) is first
    assert ports.acquire_first_udp(range(free, free + 3)) is first  # not the one before it
    for _ in range(3):
        ports.release("udp", free + 1)


def test_a_range_of_which_no_port_is_free_is_named(ports: OpenPorts, free: int) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
        pytest.raises(PortUnavailable, match=f"UDP ports {free} to {free + 1} .*already in use"),
    ):
        one.bind(("", free))
        other.bind(("", free + 1))
        ports.acquire_first_udp(range(free, free + 2))


def test_a_port_that_cannot_be_opened_is_not_kept(ports: OpenPorts, free: int) -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as other:
        other.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        other.bind(("::", free))
        with pytest.raises(PortUnavailable):
            ports.acquire_udp(free)
        assert not taken(free), "the socket of the other address family is closed"
