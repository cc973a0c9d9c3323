"""The public address that a STUN server tells."""

from __future__ import annotations

import logging

import pytest

from fastrtc.core.log_throttle import LogThrottle
from fastrtc.transport.webrtc.ports import public_address
from fastrtc.transport.webrtc.ports.public_address import PublicAddresses
from tests.support.stun_server import stun_server


async def test_given_addresses_need_no_server() -> None:
    public = PublicAddresses(["203.0.113.5", "2001:db8::5/fd00::5"])
    assert await public.get(1) == ["203.0.113.5", "2001:db8::5/fd00::5"]


async def test_the_server_is_asked_once() -> None:
    async with stun_server() as server:
        public = PublicAddresses([server.url, "2001:db8::5"])
        for _ in range(3):
            assert set(await public.get(5)) == {"203.0.113.5", "2001:db8::5"}
        assert server.asked == 1


async def test_a_silent_server_is_asked_again_the_next_time(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(public_address, "_unanswered", LogThrottle())
    async with stun_server() as server:
        server.silent = True
        public = PublicAddresses([server.url])
        with caplog.at_level(logging.WARNING):
            assert await public.get(0.25) == []
        assert "does not answer" in caplog.text
        assert server.asked == 2, "requests are repeated"
        server.silent = False
        assert await public.get(5) == ["203.0.113.5"]


async def test_silent_servers_are_waited_for_together() -> None:
    async with stun_server() as one, stun_server() as other:
        one.silent = other.silent = True
        public = PublicAddresses([one.url, other.url])
        await public.get(0.25)
        assert (one.asked, other.asked) == (2, 2)
        one.silent = False
        assert await public.get(0.25) == ["203.0.113.5"]
