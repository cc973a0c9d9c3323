"""The options of ICE: which ports and addresses WebRTC connections use."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

__all__ = ["Ice"]

UDP_PORT = "FASTRTC_UDP_PORT"
"""The environment variable with ``udp_port``, as ``"40000"``, or ``"40000..40003"`` for a range; or
with ``udp_ports`` as ``"40000-40100"``."""

PUBLIC_IP = "FASTRTC_PUBLIC_IP"
"""The environment variable with ``public_ip``; several are separated by commas."""

_RANGE = re.compile(r"\s*(\d+)\s*(-|\.\.)\s*(\d+)\s*")
_STUN = re.compile(r"stun:(?P<host>[^\s:?/]+|\[[0-9A-Fa-f:]+\])(?::(?P<port>\d{1,5}))?")


@dataclass(frozen=True)
class Ice:
    """The ports and addresses of WebRTC connections; an argument of ``Stream``.

    A ``WebRTC`` component without a stream has them as its attribute ``ice``.

    Without options, each connection opens one UDP socket per address of the machine, on random
    ports.

    Attributes:
        udp_port: The UDP port of all connections of this process, of every stream: one socket per
            address family. A packet belongs to the connection whose username fragment its STUN
            request names (RFC 8445 section 7.3), and later to the one that its source address has
            proved to be. With a range, such as ``range(40000, 40004)`` for four processes of one
            machine, each process uses the first port of it that is free. None reads
            ``FASTRTC_UDP_PORT``.
        udp_ports: The first and the last port of a range; each connection has one of them.
            Offers are refused while all are in use.
        public_ip: The addresses that clients reach the server at, if a NAT forwards the same
            ports: announced in place of all addresses of the same family. A string or several. With
            ``"203.0.113.5/10.0.0.5"``, the first is announced in place of the second only. With
            ``"stun:stun.example.org:3478"``, the server is asked for the address once. None reads
            ``FASTRTC_PUBLIC_IP``.
        interfaces: The network interfaces to use: names such as ``"eth0"``, addresses, or networks
            such as ``"10.0.0.0/8"``. None uses all but loopback.
        ipv6: Whether to use IPv6 addresses.
        loopback: Whether to use loopback addresses, too, for clients on this machine. They are used
            in any case if the machine has no other address.
        tcp_port: A TCP port for clients whose network blocks UDP (RFC 6544, passive candidates).
        gather_timeout_s: How long an answer may wait for a STUN server, in seconds.

    Raises:
        ValueError: If an option is invalid; the message names it.
    """

    udp_port: int | range | None = None
    udp_ports: tuple[int, int] | None = None
    public_ip: str | Sequence[str] | None = None
    interfaces: Sequence[str] | None = None
    ipv6: bool = True
    loopback: bool = False
    tcp_port: int | None = None
    gather_timeout_s: float = 0.5

    def __post_init__(self) -> None:
        """Validate the options."""
        if isinstance(self.udp_port, range):
            _check_process_ports(self.udp_port)
        elif self.udp_port is not None:
            _check_port("udp_port", self.udp_port)
        if self.tcp_port is not None:
            _check_port("tcp_port", self.tcp_port)
        if self.udp_ports is not None:
            _check_range(self.udp_ports)
            if self.udp_port is not None:
                raise ValueError("Ice: udp_port and udp_ports exclude each other")
        for name in ("ipv6", "loopback"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"Ice: {name} must be a bool, not {getattr(self, name)!r}")
        timeout = self.gather_timeout_s
        if not isinstance(timeout, int | float) or isinstance(timeout, bool) or not timeout > 0:
            raise ValueError(f"Ice: gather_timeout_s must be a positive number, not {timeout!r}")
        if isinstance(self.interfaces, str) or not _are_strings(self.interfaces):
            raise ValueError(
                f"Ice: interfaces must be a list of names or addresses, not {self.interfaces!r}"
            )
        if not isinstance(self.public_ip, str) and not _are_strings(self.public_ip):
            raise ValueError(
                f"Ice: public_ip must be an address or several, not {self.public_ip!r}"
            )
        for address in self.public_addresses:
            _check_public(address)

    @property
    def public_addresses(self) -> tuple[str, ...]:
        """``public_ip`` as a tuple."""
        if self.public_ip is None:
            return ()
        return (self.public_ip,) if isinstance(self.public_ip, str) else tuple(self.public_ip)

    def with_environment(self, variables: Mapping[str, str] = os.environ) -> Ice:
        """Return the options, with those that are None read from environment variables.

        Raises:
            ValueError: If a variable is invalid; the message names it.
        """
        options = self
        ports = variables.get(UDP_PORT, "").strip()
        if ports and self.udp_port is None and self.udp_ports is None:
            options = _from_variable(options, UDP_PORT, ports, _ports_of(ports))
        public = variables.get(PUBLIC_IP, "").strip()
        if public and self.public_ip is None:
            listed = tuple(filter(None, (one.strip() for one in public.split(","))))
            options = _from_variable(options, PUBLIC_IP, public, {"public_ip": listed})
        return options


def stun_server(public_ip: str) -> tuple[str, int] | None:
    """Return the STUN server of a ``"stun:host:port"``, or None for another ``public_ip``."""
    match = _STUN.fullmatch(public_ip)
    if match is None:
        return None
    return match["host"].strip("[]"), int(match["port"] or 3478)


def _ports_of(value: str) -> dict[str, object]:
    match = _RANGE.fullmatch(value)
    if match is not None:
        first, last = int(match[1]), int(match[3])
        if match[2] == "-":
            return {"udp_ports": (first, last)}
        return {"udp_port": range(first, last + 1)}
    return {"udp_port": int(value) if value.isdecimal() else value}


def _from_variable(options: Ice, name: str, value: str, fields: Mapping[str, object]) -> Ice:
    try:
        return replace(options, **fields)  # type: ignore[arg-type]
    except ValueError as error:
        raise ValueError(f"{name}={value!r}: {error}") from None


def _check_port(name: str, port: object) -> None:
    if not isinstance(port, int) or isinstance(port, bool) or not 0 < port < 65536:
        raise ValueError(f"Ice: {name} must be a port from 1 to 65535, not {port!r}")


def _check_process_ports(ports: range) -> None:
    if not ports or ports.step != 1:
        raise ValueError(f"Ice: udp_port must be a port or an ascending range, not {ports!r}")
    for port in (ports[0], ports[-1]):
        _check_port("udp_port", port)


def _check_range(ports: object) -> None:
    if not isinstance(ports, tuple | list) or len(ports) != 2:
        raise ValueError(f"Ice: udp_ports must be the first and the last port, not {ports!r}")
    for port in ports:
        _check_port("udp_ports", port)
    if ports[0] > ports[1]:
        raise ValueError(f"Ice: udp_ports must be ascending, not {ports!r}")


def _check_public(value: str) -> None:
    if value.startswith("stun:"):
        if stun_server(value) is None:
            raise ValueError(f"Ice: public_ip is not a STUN server, stun:host:port: {value!r}")
        return
    public, _, local = value.partition("/")
    try:
        address = ipaddress.ip_address(public)
        if local and ipaddress.ip_address(local).version != address.version:
            raise ValueError(f"Ice: public_ip maps between IPv4 and IPv6: {value!r}")
    except ValueError as error:
        if str(error).startswith("Ice:"):
            raise
        raise ValueError(
            f"Ice: public_ip must be an IP address, or public/local, not {value!r}"
        ) from None
    if address.is_unspecified or address.is_multicast or address.is_link_local:
        raise ValueError(f"Ice: public_ip is not an address that clients can reach: {value!r}")


def _are_strings(values: object) -> bool:
    return values is None or (
        isinstance(values, Sequence)
        and len(values) > 0
        and all(isinstance(value, str) for value in values)
    )
