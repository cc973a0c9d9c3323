"""Which connection a datagram belongs to."""

from __future__ import annotations

from aioice import stun

from fastrtc.transport.webrtc.ports.routes import MAX_ADDRESSES, MAX_SSRCS, Routes
from tests.support.stun_server import binding_request

HERE = ("192.0.2.1", 5000)
THERE = ("192.0.2.2", 5000)
RTP = bytes([128]) * 20


def response(transaction: bytes) -> bytes:
    return bytes(stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=transaction))


def rtp(ssrc: int) -> bytes:
    return bytes([128, 111, 0, 1, 0, 0, 0, 1]) + ssrc.to_bytes(4, "big") + b"payload"


def routes_of(*ufrags: str) -> Routes[str]:
    routes: Routes[str] = Routes()
    for ufrag in ufrags:
        routes.add(f"the connection {ufrag}", ufrag)
    return routes


def test_a_request_belongs_to_the_connection_that_it_names() -> None:
    routes = routes_of("a", "b")
    assert routes.find(binding_request("a"), HERE) == "the connection a"
    assert routes.find(binding_request("b"), HERE) == "the connection b"
    assert routes.find(binding_request("c"), HERE) is None
    assert "a" in routes
    assert "c" not in routes


def test_media_belong_to_the_connection_that_has_proved_to_be_there() -> None:
    routes = routes_of("a", "b")
    routes.find(binding_request("a"), HERE)
    assert routes.find(RTP, HERE) is None, "naming a connection is not a proof"
    routes.verify("the connection a", HERE)
    assert routes.find(RTP, HERE) == "the connection a"
    assert routes.find(RTP, THERE) is None


def test_a_response_belongs_to_the_connection_that_asked() -> None:
    routes = routes_of("a")
    routes.ask("the connection a", b"1" * 12)
    assert routes.find(response(b"1" * 12), HERE) == "the connection a"
    assert routes.find(response(b"2" * 12), HERE) is None
    routes.answered(b"1" * 12)
    assert routes.find(response(b"1" * 12), HERE) is None


def test_an_address_belongs_to_the_last_that_has_proved_to_be_there() -> None:
    routes = routes_of("a", "b")
    routes.verify("the connection a", HERE)
    routes.verify("the connection b", HERE)
    assert routes.find(RTP, HERE) == "the connection b"
    routes.remove("the connection a", "a")
    assert routes.find(RTP, HERE) == "the connection b"


def test_media_from_a_new_address_belong_to_the_connection_of_their_ssrc() -> None:
    routes = routes_of("a", "b")
    media, others, control = rtp(1), rtp(2), bytes([128, 200]) + rtp(1)[2:]
    routes.learn("the connection a", media)
    routes.learn("the connection b", media)  # the first keeps it
    assert routes.find(media, THERE) == "the connection a"
    assert routes.find(others, THERE) is None
    assert routes.find(control, THERE) is None
    assert routes.find(media[:11], THERE) is None
    routes.verify("the connection b", THERE)
    assert routes.find(media, THERE) == "the connection b", "a verified address counts more"
    routes.remove("the connection b", "b")
    assert routes.find(media, THERE) == "the connection a"
    routes.remove("the connection a", "a")
    assert routes.find(media, THERE) is None


def test_a_connection_has_few_ssrcs() -> None:
    routes = routes_of("a")
    for ssrc in range(MAX_SSRCS + 1):
        routes.learn("the connection a", rtp(ssrc))
    routes.learn("one that has closed", rtp(MAX_SSRCS))
    assert routes.find(rtp(MAX_SSRCS - 1), HERE) == "the connection a"
    assert routes.find(rtp(MAX_SSRCS), HERE) is None


def test_nothing_belongs_to_a_connection_that_was_removed() -> None:
    routes = routes_of("a")
    routes.verify("the connection a", HERE)
    routes.remove("the connection a", "a")
    routes.verify("the connection a", THERE)
    assert routes.find(RTP, HERE) is None
    assert routes.find(RTP, THERE) is None
    assert routes.find(binding_request("a"), HERE) is None
    assert not routes._by_address


def test_the_oldest_of_many_addresses_is_forgotten() -> None:
    routes = routes_of("a")
    for port in range(MAX_ADDRESSES + 1):
        routes.verify("the connection a", ("192.0.2.1", port))
    assert routes.find(RTP, ("192.0.2.1", 0)) is None
    assert routes.find(RTP, ("192.0.2.1", MAX_ADDRESSES)) == "the connection a"
    assert len(routes._by_address) == MAX_ADDRESSES
