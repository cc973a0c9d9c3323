"""The addresses of this machine, and those that are announced in their place."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence

import ifaddr

from ....core.ice import Ice

__all__ = ["announced_addresses", "local_addresses", "select_addresses"]

LOOPBACK = {4: "127.0.0.1", 6: "::1"}


def local_addresses(ice: Ice) -> list[str]:
    """Return the addresses of this machine that connections use; see ``Ice``."""
    found: dict[str, list[str]] = {}
    for adapter in ifaddr.get_adapters():
        addresses = found.setdefault(str(adapter.nice_name), [])
        for ip in adapter.ips:
            if isinstance(ip.ip, str):
                addresses.append(ip.ip)
            elif ip.ip[2] == 0:  # without a scope: link-local addresses need one to be reached
                addresses.append(ip.ip[0])
    return select_addresses(ice, found)


def select_addresses(ice: Ice, found: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the addresses that connections use.

    Args:
        ice: The options.
        found: The addresses of each network interface, by its name.
    """
    usable = {
        address: name
        for name, addresses in found.items()
        for address in addresses
        if ice.ipv6 or ":" not in address
    }
    loopback = [address for address in usable if ipaddress.ip_address(address).is_loopback]
    if ice.interfaces is not None:
        return [a for a, name in usable.items() if _is_selected(a, name, ice.interfaces)]
    others = [address for address in usable if address not in loopback]
    return [*others, *loopback] if ice.loopback or not others else others


def _is_selected(address: str, name: str, interfaces: Iterable[str]) -> bool:
    for wanted in interfaces:
        if wanted == name:
            return True
        try:
            if ipaddress.ip_address(address) in ipaddress.ip_network(wanted, strict=False):
                return True
        except ValueError:  # the name of another interface
            continue
    return False


def announced_addresses(address: str, public: Iterable[str]) -> list[str]:
    """Return the addresses to announce in place of a local one.

    Args:
        address: The local address.
        public: Public addresses, or ``"public/local"`` for one local address.
    """
    version = ipaddress.ip_address(address).version
    pairs = [(one.partition("/")[0], one.partition("/")[2]) for one in public]
    own = [outer for outer, local in pairs if local == address]
    if own:
        return own
    if ipaddress.ip_address(address).is_loopback:
        return [address]
    shared = [
        outer
        for outer, local in pairs
        if not local and ipaddress.ip_address(outer).version == version
    ]
    return shared or [address]
