"""The public address that a STUN server tells."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aioice import stun

from fastrtc.core.log_throttle import LogThrottle
from fastrtc.transport.webrtc.ports import public_address
from fastrtc.transport.webrtc.ports.public_address import PublicAddresses


class StunServer(asyncio.DatagramProtocol):
    """Tells every client the same address, unless it is silent, or knows only some hosts."""

    def __init__(self) -> None:
        self.asked = 0
        self.silent = False
        self.address = ("203.0.113.5", 40000)
        self.knows: set[str] = set()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.url = f"stun:127.0.0.1:{transport.get_extra_info('sockname')[1]}"

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.asked += 1
        if self.silent or (self.knows and addr[0] not in self.knows):
            return
        request = stun.parse_message(data)
        response = stun.Message(
            stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=request.transaction_id
        )
        response.attributes["XOR-MAPPED-ADDRESS"] = self.address
        self.transport.sendto(b"junk", addr)
        self.transport.sendto(bytes(response)[:26], addr)
        self.transport.sendto(bytes(response), addr)


@asynccontextmanager
async def stun_server() -> AsyncIterator[StunServer]:
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(StunServer, local_addr=("127.0.0.1", 0))
    try:
        yield server
    finally:
        transport.close()
        await asyncio.sleep(0)


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
