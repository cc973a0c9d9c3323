"""Sockets of both address families."""

from __future__ import annotations

import socket

import pytest

from fastrtc.transport.webrtc.ports import families
from fastrtc.transport.webrtc.ports.errors import PortUnavailable
from fastrtc.transport.webrtc.ports.families import open_both

V4, V6 = socket.AF_INET, socket.AF_INET6


class Opener:
    """Opens what is free, and knows what is open."""

    def __init__(self, *taken: socket.AddressFamily) -> None:
        self.taken = taken
        self.opened: list[socket.AddressFamily] = []

    def __call__(self, family: socket.AddressFamily) -> Port:
        if family in self.taken:
            raise PortUnavailable("in use")
        self.opened.append(family)
        return Port(self, family)


class Port:
    def __init__(self, opener: Opener, family: socket.AddressFamily) -> None:
        self.opener, self.family = opener, family

    def close(self) -> None:
        self.opener.opened.remove(self.family)


@pytest.fixture(autouse=True)
def with_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(families, "_lacks_ipv6", lambda: False)


def test_a_port_of_each_family_is_opened() -> None:
    assert [port.family for port in open_both(Opener())] == [V4, V6]


@pytest.mark.parametrize("taken", [V4, V6])
def test_none_is_open_if_one_is_taken(taken: socket.AddressFamily) -> None:
    opener = Opener(taken)
    with pytest.raises(PortUnavailable):
        open_both(opener)
    assert opener.opened == []


def test_a_machine_without_ipv6_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(families, "_lacks_ipv6", lambda: True)
    assert [port.family for port in open_both(Opener(V6))] == [V4]
    with pytest.raises(PortUnavailable):
        open_both(Opener(V4))


def test_a_python_without_ipv6_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "has_ipv6", False)
    assert [port.family for port in open_both(Opener())] == [V4]
