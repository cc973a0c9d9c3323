"""The addresses that connections use, and those that are announced."""

from __future__ import annotations

import ipaddress

import pytest

from fastrtc.core.ice import Ice
from fastrtc.transport.webrtc.ports.addresses import (
    announced_addresses,
    local_addresses,
    select_addresses,
)

FOUND = {
    "lo": ["127.0.0.1", "::1"],
    "eth0": ["192.0.2.5", "2001:db8::5"],
    "docker0": ["172.17.0.1"],
}


@pytest.mark.parametrize(
    ("ice", "addresses"),
    [
        (Ice(), ["192.0.2.5", "2001:db8::5", "172.17.0.1"]),
        (Ice(ipv6=False), ["192.0.2.5", "172.17.0.1"]),
        (Ice(loopback=True), ["192.0.2.5", "2001:db8::5", "172.17.0.1", "127.0.0.1", "::1"]),
        (Ice(loopback=True, ipv6=False), ["192.0.2.5", "172.17.0.1", "127.0.0.1"]),
        (Ice(interfaces=["eth0"]), ["192.0.2.5", "2001:db8::5"]),
        (Ice(interfaces=["172.17.0.1"]), ["172.17.0.1"]),
        (Ice(interfaces=["192.0.0.0/8", "docker0"]), ["192.0.2.5", "172.17.0.1"]),
        (Ice(interfaces=["lo"]), ["127.0.0.1", "::1"]),
        (Ice(interfaces=["wlan0"]), []),
    ],
)
def test_the_addresses_that_connections_use(ice: Ice, addresses: list[str]) -> None:
    assert select_addresses(ice, FOUND) == addresses


def test_loopback_is_used_where_there_is_nothing_else() -> None:
    assert select_addresses(Ice(), {"lo": ["127.0.0.1", "::1"]}) == ["127.0.0.1", "::1"]
    assert select_addresses(Ice(ipv6=False), {"lo": ["127.0.0.1", "::1"]}) == ["127.0.0.1"]


def test_the_addresses_of_this_machine() -> None:
    found = local_addresses(Ice(loopback=True))
    assert "127.0.0.1" in found
    assert all(ipaddress.ip_address(address) for address in found)


@pytest.mark.parametrize(
    ("address", "public", "announced"),
    [
        ("10.0.0.5", [], ["10.0.0.5"]),
        ("10.0.0.5", ["203.0.113.5"], ["203.0.113.5"]),
        ("10.0.0.5", ["203.0.113.5", "198.51.100.7"], ["203.0.113.5", "198.51.100.7"]),
        ("10.0.0.5", ["2001:db8::5"], ["10.0.0.5"]),
        ("fd00::5", ["2001:db8::5", "203.0.113.5"], ["2001:db8::5"]),
        ("10.0.0.5", ["203.0.113.5/10.0.0.5", "198.51.100.7"], ["203.0.113.5"]),
        ("10.0.0.6", ["203.0.113.5/10.0.0.5", "198.51.100.7"], ["198.51.100.7"]),
        ("10.0.0.6", ["203.0.113.5/10.0.0.5"], ["10.0.0.6"]),
        ("127.0.0.1", ["203.0.113.5"], ["127.0.0.1"]),
    ],
)
def test_public_addresses_are_announced_instead(
    address: str, public: list[str], announced: list[str]
) -> None:
    assert announced_addresses(address, public) == announced
