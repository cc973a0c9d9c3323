"""The local address of datagrams on a socket that is bound to all addresses."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from fastrtc.transport.webrtc.ports.packet_info import (
    ANCILLARY_BYTES,
    from_address,
    local_address,
    request_addresses,
)

LOOPBACKS = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}


@pytest.fixture(params=LOOPBACKS, ids=["IPv4", "IPv6"])
def udp(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    with socket.socket(request.param, socket.SOCK_DGRAM) as opened:
        opened.settimeout(5)
        opened.bind(("", 0))
        assert request_addresses(opened)
        yield opened


def test_each_datagram_tells_the_address_that_it_was_sent_to(udp: socket.socket) -> None:
    address = LOOPBACKS[udp.family]
    with socket.socket(udp.family, socket.SOCK_DGRAM) as client:
        client.sendto(b"here", (address, udp.getsockname()[1]))
        data, ancillary, _, _ = udp.recvmsg(100, ANCILLARY_BYTES)
    assert data == b"here"
    assert local_address(ancillary) == socket.inet_pton(udp.family, address)


def test_a_reply_comes_from_the_address_that_was_asked() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
    ):
        server.bind(("0.0.0.0", 0))
        client.bind(("127.0.0.1", 0))
        client.settimeout(5)
        for asked in ("127.0.0.2", "127.0.0.3"):
            server.sendmsg((b"reply",), from_address(asked), 0, client.getsockname())
            _, source = client.recvfrom(100)
            assert source == (asked, server.getsockname()[1])


def test_no_address_without_ancillary_data() -> None:
    assert local_address([]) == b""
