"""Private, link-local and loopback addresses are told from those of the internet."""

import pytest

from fastrtc.transport.webrtc.address_scope import (
    is_loopback,
    is_public,
    parse_address,
    private_network,
)


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("10.1.2.3", "10.1.0.0/16"),
        ("172.16.0.1", "172.16.0.0/16"),
        ("172.31.255.255", "172.31.0.0/16"),
        ("192.168.1.7", "192.168.0.0/16"),
        ("100.64.0.1", "100.64.0.0/16"),
        ("fd12:3456:789a::1", "fd12:3456:789a::/48"),
    ],
)
def test_a_private_address_belongs_to_its_network(host: str, network: str) -> None:
    assert private_network(host) == network
    assert not is_public(host)


@pytest.mark.parametrize("host", ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2001:4860:4860::8888"])
def test_others_are_public(host: str) -> None:
    assert private_network(host) is None
    assert is_public(host)


@pytest.mark.parametrize("host", ["169.254.1.1", "fe80::1", "fe80::1%eth0"])
def test_an_address_of_the_link_is_not_public(host: str) -> None:
    assert not is_public(host) and not is_loopback(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1"])
def test_an_address_of_the_machine_is_not_public(host: str) -> None:
    assert is_loopback(host) and not is_public(host)


def test_a_name_is_no_address() -> None:
    for host in ("example.com", "4f3c.local", ""):
        assert parse_address(host) is None
        assert not is_loopback(host) and not is_public(host)
        assert private_network(host) is None
    assert str(parse_address("fe80::1%eth0")) == "fe80::1"
