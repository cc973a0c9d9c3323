"""From where an address can be reached: the machine, a private network, or the internet."""

from __future__ import annotations

import ipaddress

__all__ = ["is_loopback", "is_public", "parse_address", "private_network"]

_PRIVATE_BLOCKS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")


def parse_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return an address without its zone; None for a name."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Return whether an address is one of this machine only."""
    address = parse_address(host)
    return address is not None and address.is_loopback


def is_public(host: str) -> bool:
    """Return whether an address is none of a private network, nor of this machine or link."""
    address = parse_address(host)
    return (
        address is not None
        and private_network(host) is None
        and not (address.is_loopback or address.is_link_local)
    )


def private_network(host: str) -> str | None:
    """Return the private network that an address is in: a /16 (IPv4) or /48 (IPv6)."""
    address = parse_address(host)
    if address is None or not any(
        address in ipaddress.ip_network(block)
        for block in _PRIVATE_BLOCKS
        if ipaddress.ip_network(block).version == address.version
    ):
        return None
    return str(
        ipaddress.ip_network(f"{address}/{16 if address.version == 4 else 48}", strict=False)
    )
