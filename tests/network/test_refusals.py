"""Ports that cannot be opened, and packets that belong to no connection."""

from __future__ import annotations

import os
import time
from typing import Any

from aioice import stun

from tests.network.conftest import HTTP, PUBLIC, Internet, start_server

URL = f"http://{PUBLIC}:{HTTP}"

FREE_WITHIN_S = 20.0

FLOOD = 20_000
MAX_CPU_S = 100e-6
"""For a datagram that belongs to no connection: a busy machine included. It takes some 5."""


def test_a_server_whose_port_is_in_use_does_not_start(internet: Internet) -> None:
    options = ({"udp_port": 40000}, {"tcp_port": 40000})
    programs = [
        start_server(internet.server, 8010 + number, {"": one})
        for number, one in enumerate(options)
    ]

    for program, protocol in zip(programs, ("UDP", "TCP"), strict=True):
        assert program.wait() != 0
        said = f"{protocol} port 40000 cannot be opened: Address already in use"
        assert said in program.log()


def test_an_offer_is_refused_while_the_ports_of_a_range_are_in_use(internet: Internet) -> None:
    found = internet.outside.ask(do="call", url=f"{URL}/range", count=3)

    refused = [one["refused"] for one in found if "refused" in one]
    assert refused == [{"status": "failed", "meta": {"error": "udp_ports_in_use", "limit": 2}}]
    assert sorted(one["remote"] for one in found if "remote" in one) == [
        [PUBLIC, 40002],
        [PUBLIC, 40003],
    ]
    internet.outside.ask(do="hang_up")
    deadline = time.monotonic() + FREE_WITHIN_S
    while (one := internet.outside.ask(do="call", url=f"{URL}/range")[0])["state"] != "connected":
        assert time.monotonic() < deadline, one
        time.sleep(0.1)


def test_datagrams_without_a_connection_are_not_answered_and_cost_little(
    internet: Internet,
) -> None:
    datagrams = [
        os.urandom(200),
        b"\x80\x60" + os.urandom(170),  # RTP
        b"\x16\xfe\xfd" + os.urandom(100),  # DTLS
        check("unknown1:abcd", "x" * 22),
        b"",
    ]
    internet.outside.ask(do="call", url=f"{URL}/nat")
    before = internet.streams.cpu_s()

    answers = flood(internet, datagrams, FLOOD)

    assert answers == 0
    cost_s = internet.streams.cpu_s() - before
    assert cost_s < FLOOD * MAX_CPU_S
    assert internet.outside.ask(do="listen") == 1


def test_a_check_with_a_wrong_password_is_not_answered(internet: Internet) -> None:
    (one,) = internet.outside.ask(do="call", url=f"{URL}/nat")
    username = one["username"]

    assert flood(internet, [check(username, "x" * 22), unsigned(username)], 50) == 0
    assert flood(internet, [check(username, one["password"])], 1) >= 1
    assert internet.outside.ask(do="listen") == 1


def flood(internet: Internet, datagrams: list[bytes], count: int) -> Any:
    """Send datagrams to the port of all connections, and return how many come back."""
    sent = [datagram.hex() for datagram in datagrams]
    return internet.outside.ask(do="flood", address=[PUBLIC, 40000], datagrams=sent, count=count)


def unsigned(username: str) -> bytes:
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    request.attributes["USERNAME"] = username
    request.attributes["PRIORITY"] = 1
    request.attributes["ICE-CONTROLLING"] = 1
    return bytes(request)


def check(username: str, password: str) -> bytes:
    """Return an ICE check (RFC 8445 section 7.2)."""
    request = stun.parse_message(unsigned(username))
    request.add_message_integrity(password.encode())
    return bytes(request)
