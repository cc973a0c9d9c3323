"""Why a connection is not established, and what to open or set: a table of situations."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from fastrtc.core.diagnosis import CandidateInfo, CheckInfo
from fastrtc.core.ice import Ice
from fastrtc.transport.webrtc.diagnosis import (
    ACTIVE_TCP,
    RESOLVING,
    UNRESOLVED,
    Situation,
    explain,
    ignored_because,
)
from fastrtc.transport.webrtc.dtls_refusal import FINGERPRINT, NO_SRTP, DtlsRefusal


def udp(host: str, type: str = "host", note: str = "") -> CandidateInfo:
    return CandidateInfo(type, "udp", host, 40000, note)


def tcp(host: str, note: str = "") -> CandidateInfo:
    return CandidateInfo("host", "tcp", host, 9, note)


LAN, OTHER_LAN = udp("192.168.1.10"), udp("10.0.0.5")
PUBLIC, HOME = udp("203.0.113.5"), udp("198.51.100.7", "srflx")
RELAY = udp("203.0.113.99", "relay")
NAME = udp("3f2e.local", note=UNRESOLVED)
SELECTED = CheckInfo(PUBLIC, HOME, "succeeded")


def situation(
    server: Any = PUBLIC,
    client: Any = HOME,
    state: Any = "in progress",
    observer: Any = "server",
    ice: Ice | None = Ice(),  # noqa: B008 (frozen)
    **others: Any,
) -> Situation:
    """One candidate of each side, or several, and their checks in one state; None for no checks."""
    ours, theirs = ([x] if isinstance(x, CandidateInfo) else list(x) for x in (server, client))
    pairs = [] if state is None else [(a, b) for a in ours for b in theirs if not b.note]
    checks = tuple(CheckInfo(a, b, state) for a, b in pairs)
    return Situation(observer, tuple(ours), tuple(theirs), checks, ice=ice, **others)


CASES = {
    "established": (situation(dtls="connected"), "", ""),
    "dtls": (
        situation(selected=SELECTED, dtls="connecting"),
        "203.0.113.5:40000 -> 198.51.100.7:40000), but the DTLS handshake did not finish",
        "MTU",
    ),
    "certificate of the client": (
        situation(selected=SELECTED, dtls="failed", dtls_refusal=DtlsRefusal("local", FINGERPRINT)),
        "198.51.100.7:40000), but the server has refused the DTLS handshake, as the certificate of "
        "the client is not the one in its offer (a=fingerprint)",
        "Pass on the offer and the answer unchanged",
    ),
    "certificate of the server": (
        situation(
            observer="client",
            selected=SELECTED,
            dtls="failed",
            dtls_refusal=DtlsRefusal("local", FINGERPRINT),
        ),
        "but the client has refused the DTLS handshake, as the certificate of the server is not "
        "the one in its answer (a=fingerprint)",
        "Pass on the offer and the answer unchanged",
    ),
    "alert about the certificate": (
        situation(selected=SELECTED, dtls="failed", dtls_refusal=DtlsRefusal("remote", 42)),
        "but the client has ended the DTLS handshake with the alert 'bad certificate'",
        "Pass on the offer and the answer unchanged",
    ),
    "alert of this side": (
        situation(selected=SELECTED, dtls="failed", dtls_refusal=DtlsRefusal("local", 40)),
        "but the server has ended the DTLS handshake with the alert 'handshake failure'",
        "Update the WebRTC library of the client",
    ),
    "no SRTP": (
        situation(selected=SELECTED, dtls="failed", dtls_refusal=DtlsRefusal("local", NO_SRTP)),
        "but the two sides have no SRTP profile in common",
        "Update the WebRTC library of the client",
    ),
    "unknown alert": (
        situation(
            selected=SELECTED,
            dtls="failed",
            vanished=True,  # after it
            dtls_refusal=DtlsRefusal("remote", 199),
        ),
        "but the client has ended the DTLS handshake with the alert 'number 199'",
        "See the log of the client",
    ),
    "vanished": (
        situation(selected=SELECTED, dtls="connecting", vanished=True),
        "but the client vanished during the DTLS handshake",
        "lost its network",
    ),
    "turn server of the server": (
        situation(server=(), turn_failures=("turn.example:3478 did not answer",)),
        "the server has no address to offer, as its TURN server turn.example:3478 did not answer",
        "server_rtc_configuration",
    ),
    "relay only without relay": (
        situation(server=(), server_relay_only=True),
        "its iceTransportPolicy is 'relay', and it has no TURN server",
        "Add a TURN server to server_rtc_configuration",
    ),
    "interfaces that are none": (
        situation(server=(), ice=Ice(interfaces=["eth7"])),
        "none matches Ice(interfaces=['eth7'])",
        "Ice(interfaces=...)",
    ),
    "no network": (situation(server=()), "the server has no address to offer", "network"),
    "no candidates of the client": (
        situation(client=()),
        "the client offered no address",
        "refused its username and credential",
    ),
    "no candidates of either side": (
        situation(server=(), client=()),
        "the client offered no address",
        "refused its username and credential",
    ),
    "names": (
        situation(server=LAN, client=NAME),
        "multicast DNS names, which the server cannot resolve, and cannot reach those of the "
        "server (192.168.1.10)",
        "Ice(udp_port=40000)",
    ),
    "names that are being resolved": (
        situation(client=udp("3f2e.local", note=RESOLVING)),
        "multicast DNS names",
        "Ice(udp_port=40000)",
    ),
    "names, but also a public address": (
        situation(server=LAN, client=[NAME, HOME]),
        "only private addresses (192.168.1.10), and the client (198.51.100.7) is in another",
        'Ice(public_ip="...", udp_port=40000)',
    ),
    "only TCP": (
        situation(client=tcp("10.0.0.5", ACTIVE_TCP)),
        "only TCP candidates",
        "Ice(tcp_port=...)",
    ),
    "ignored private addresses": (
        situation(client=udp("10.0.0.5", note=ignored_because("10.0.0.5", 40000, False))),
        "10.0.0.5:40000 (ignored: Limits(private_candidates=False))",
        "Limits(private_candidates=True)",
    ),
    "ignored loopback addresses": (
        situation(client=udp("127.0.0.1", note=ignored_because("127.0.0.1", 40000, True))),
        "127.0.0.1:40000 (ignored: the client is not on the server's machine)",
        "through a tunnel or a proxy",
    ),
    "answered, but not chosen": (
        situation(state="succeeded"),
        "the client answers the checks of the server, but ICE did not finish",
        "Try again",
    ),
    "heard, but not answered": (
        situation(heard=True),
        "packets of the client arrive, but those of the server do not reach the client",
        "Allow outgoing UDP packets, to any port, in the firewall of the server's network",
    ),
    "heard, but not answered, seen by the client": (
        situation(heard=True, observer="client", ice=None),
        "packets of the server arrive, but those of the client do not reach the server",
        "in the firewall of the client's network",
    ),
    "nothing in common": (
        situation(client=udp("2001:db8::1"), state=None),
        "the server has IPv4 over UDP, the client IPv6 over UDP",
        "an address of the client's kind",
    ),
    "relay of the server": (
        situation(server=RELAY),
        "nothing arrives over the server's TURN server (203.0.113.99)",
        "denied-peer-ip",
    ),
    "relay of the client": (
        situation(server=LAN, client=RELAY),
        "the client uses only its TURN server (203.0.113.99), which cannot reach the server",
        "denied-peer-ip",
    ),
    "loopback of the server": (
        situation(server=udp("127.0.0.1")),
        "only addresses of its own machine (127.0.0.1)",
        "Ice(public_ip=",
    ),
    "two private networks": (
        situation(server=LAN, client=OTHER_LAN),
        "only private addresses (192.168.1.10), and the client (10.0.0.5) is in another network",
        'Ice(public_ip="...", udp_port=40000)',
    ),
    "two private networks, with one port": (
        situation(server=LAN, client=OTHER_LAN, ice=Ice(udp_port=50001)),
        "only private addresses",
        'Ice(public_ip="...", udp_port=50001)',
    ),
    "two private networks, with a range": (
        situation(server=LAN, client=OTHER_LAN, ice=Ice(udp_ports=(50001, 50009))),
        "only private addresses",
        "udp_ports=(50001, 50009)",
    ),
    "one private network": (
        situation(server=LAN, client=udp("192.168.2.9")),
        "no packet arrives between the client (192.168.2.9) and the server (192.168.1.10)",
        "random UDP ports",
    ),
    "random ports": (
        situation(),
        "no packet arrives between the client (198.51.100.7) and the server (203.0.113.5)",
        "The server uses random UDP ports, which its firewall must let through; or set "
        "Ice(udp_port=40000)",
    ),
    "one port": (
        situation(ice=Ice(udp_port=50001)),
        "no packet arrives",
        "Open UDP port 50001",
    ),
    "one port for each process": (
        situation(ice=Ice(udp_port=range(50001, 50005))),
        "no packet arrives",
        "Open UDP ports 50001-50004 ",
    ),
    "a range of ports": (
        situation(ice=Ice(udp_ports=(50001, 50009))),
        "no packet arrives",
        "Open UDP ports 50001-50009",
    ),
    "seen by the client": (
        situation(observer="client", ice=None),
        "no packet arrives",
        "Let UDP packets to 203.0.113.5:40000 through",
    ),
    "all failed": (situation(state="failed"), "no packet arrives", "random UDP ports"),
    "ipv6": (
        situation(server=udp("2001:db8::5"), client=udp("2001:db8:1::7")),
        "no packet arrives between the client (2001:db8:1::7) and the server (2001:db8::5)",
        "random UDP ports",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_situation_has_a_problem_and_first_advice(name: str) -> None:
    given, problem, advice = CASES[name]
    why = explain(given)
    assert problem in why.problem and bool(problem) == bool(why.problem)
    assert advice in "".join(why.advice[:1])
    assert all(one.endswith(".") for one in why.advice)
    assert not why.problem.endswith(".")


def test_a_wrong_public_ip_is_questioned() -> None:
    why = explain(situation(ice=Ice(udp_port=50001, public_ip="203.0.113.5")))
    assert "Check Ice(public_ip=...), which is 203.0.113.5" in why.advice[1]


def test_a_network_without_udp_is_considered() -> None:
    assert "Ice(tcp_port=...)" in explain(situation()).advice[-1]
    assert "Open TCP port 443" in explain(situation(ice=Ice(tcp_port=443))).advice[-1]


def test_a_turn_server_that_failed_is_named_beside_other_addresses() -> None:
    why = explain(situation(turn_failures=("turn.example:3478 did not answer",)))
    assert "no packet arrives" in why.problem
    assert "TURN server turn.example:3478 did not answer" in why.advice[-1]
    established = situation(turn_failures=("turn.example:3478 did not answer",), dtls="connected")
    assert explain(established).advice == ()


def test_long_lists_of_addresses_are_cut() -> None:
    many = [udp(f"203.0.113.{k}") for k in range(9)]
    assert "203.0.113.3 and 5 more" in explain(situation(server=many)).problem


@pytest.mark.parametrize(
    ("host", "port", "private", "why"),
    [
        ("127.0.0.1", 40000, True, "not on the server's machine"),
        ("fe80::1%eth0", 40000, True, "not on the server's link"),
        ("10.0.0.1", 40000, False, "private_candidates=False"),
        ("198.51.100.1", 53, True, "port"),
        ("224.0.0.1", 40000, True, "not an address of a client"),
        ("example.org", 40000, True, "not an IP address"),
    ],
)
def test_why_an_address_is_ignored(host: str, port: int, private: bool, why: str) -> None:
    assert why in ignored_because(host, port, private)


def test_no_situation_raises() -> None:
    """Every combination of parts of the cases has an explanation, or is established."""
    parts = [given for given, _, _ in CASES.values()]
    for one in parts:
        for other in parts:
            mixed = dataclasses.replace(
                one, checks=other.checks, client=other.client, ice=other.ice
            )
            why = explain(mixed)
            assert bool(why.problem) == bool(why.advice) == (mixed.dtls != "connected")
