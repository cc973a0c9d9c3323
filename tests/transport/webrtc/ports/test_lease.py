"""The ports of one connection."""

from __future__ import annotations

import pytest

from fastrtc.transport.webrtc.ports import lease as lease_module
from fastrtc.transport.webrtc.ports.lease import UFRAG_LENGTH, Lease
from fastrtc.transport.webrtc.ports.open_ports import OpenPorts
from tests.support.ports import free_port


async def test_a_connection_leaves_its_ports() -> None:
    opened, number = OpenPorts(), free_port()
    udp = opened.acquire_udp(number)
    lease = Lease(udp, None, lambda: opened.release("udp", number))
    lease.join(udp[0], lambda *_: None)
    assert lease.ufrag in udp[0].routes
    lease.close()
    assert lease.ufrag not in udp[0].routes
    assert not opened._open


async def test_a_username_fragment_that_is_taken_is_not_given_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened, number = OpenPorts(), free_port()
    udp = opened.acquire_udp(number)
    first = Lease(udp, None, lambda: opened.release("udp", number))
    first.join(udp[0], lambda *_: None)
    letters = iter("a" * UFRAG_LENGTH + "b" * UFRAG_LENGTH)

    class Choices:
        def choice(self, _: object) -> str:
            return next(letters)

    udp[0].routes.add(object(), "a" * UFRAG_LENGTH)  # type: ignore[arg-type]
    monkeypatch.setattr(lease_module.random, "SystemRandom", Choices)
    assert Lease(udp).ufrag == "b" * UFRAG_LENGTH
    first.close()
