"""Signatures of requests between nodes: what is accepted, and that nothing else is."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fastrtc.server.cluster.signature import (
    MAX_AGE_S,
    RequestSigner,
    RequestVerifier,
    digest_of,
)

SECRET = "a secret of the cluster"


class Clock:
    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def pair(
    *, secret: str = SECRET, other: str = SECRET, clock: Clock | None = None
) -> tuple[RequestSigner, RequestVerifier]:
    clock = clock or Clock()
    return RequestSigner(secret, clock), RequestVerifier(other, "n1", clock)


@given(name=st.text(), body=st.binary(), answer=st.binary())
def test_a_signed_request_and_its_response_are_accepted(name: str, body: bytes, answer: bytes):
    assume(name.isascii())
    signer, verifier = pair()

    sent = signer.sign("n1", name, body)
    received = verifier.verify(name, sent.header)

    assert received == sent and received.digest == digest_of(body)
    response = verifier.sign_response(received, answer)
    assert signer.verify_response(sent, response) == answer


@given(st.text())
def test_any_other_header_is_refused(header: str):
    assert pair()[1].verify("offer", header) is None


@given(st.data())
def test_a_header_with_one_changed_character_is_refused(data: st.DataObject):
    signer, verifier = pair()
    header = signer.sign("n1", "offer", b"body").header
    at = data.draw(st.integers(0, len(header) - 1))
    other = data.draw(st.sampled_from("0123456789abcdef.x"))
    assume(header[at] != other)

    assert verifier.verify("offer", header[:at] + other + header[at + 1 :]) is None


@given(st.data())
def test_a_response_with_one_changed_byte_is_refused(data: st.DataObject):
    signer, verifier = pair()
    sent = signer.sign("n1", "offer", b"")
    response = bytearray(verifier.sign_response(sent, b"answer"))
    at = data.draw(st.integers(0, len(response) - 1))
    response[at] ^= data.draw(st.integers(1, 255))

    assert signer.verify_response(sent, bytes(response)) is None


@given(st.binary(max_size=100))
def test_any_other_response_is_refused(response: bytes):
    signer, _ = pair()
    assert signer.verify_response(signer.sign("n1", "offer", b""), response) is None


def test_a_response_is_only_for_its_own_request():
    signer, verifier = pair()
    first, second = (signer.sign("n1", "offer", b"") for _ in range(2))

    assert signer.verify_response(second, verifier.sign_response(first, b"answer")) is None


def test_a_request_is_not_a_response():
    """What one direction signs is of no use in the other."""
    signer, verifier = pair()
    sent = signer.sign("n1", "offer", b"")
    mac = bytes.fromhex(sent.header.rpartition(".")[2])

    assert signer.verify_response(sent, mac) is None
    assert verifier.sign_response(sent, b"")[:32] != mac


def test_another_secret_node_or_call_is_refused():
    signer, verifier = pair(other="another secret")
    assert verifier.verify("offer", signer.sign("n1", "offer", b"").header) is None

    signer, verifier = pair()
    assert verifier.verify("offer", signer.sign("n2", "offer", b"").header) is None
    assert verifier.verify("offer", signer.sign("n1", "candidate", b"").header) is None


def test_fields_cannot_be_shifted_into_each_other():
    signer, verifier = pair()
    assert verifier.verify("xoffer", signer.sign("n1x", "offer", b"").header) is None


def test_a_request_is_accepted_once():
    signer, verifier = pair()
    header = signer.sign("n1", "offer", b"").header

    assert verifier.verify("offer", header) is not None
    assert verifier.verify("offer", header) is None


@pytest.mark.parametrize("ahead", [-MAX_AGE_S, 0, MAX_AGE_S])
def test_a_replay_is_refused_at_any_later_time(ahead: float):
    clock = Clock()
    ours = Clock(clock.now + ahead)
    signer, verifier = RequestSigner(SECRET, ours), RequestVerifier(SECRET, "n1", clock)
    header = signer.sign("n1", "offer", b"").header
    assert verifier.verify("offer", header) is not None

    for _ in range(140):
        clock.now += 0.5
        verifier.verify("offer", signer.sign("n1", "offer", b"").header)  # forgets old nonces
        assert verifier.verify("offer", header) is None


@pytest.mark.parametrize("off", [-MAX_AGE_S - 2, MAX_AGE_S + 2])
def test_a_request_of_another_time_is_refused(off: float):
    clock = Clock()
    signer = RequestSigner(SECRET, Clock(clock.now + off))
    verifier = RequestVerifier(SECRET, "n1", clock)

    assert verifier.verify("offer", signer.sign("n1", "offer", b"").header) is None


def test_nonces_are_forgotten_once_their_time_is_over():
    clock = Clock()
    signer, verifier = pair(clock=clock)
    for _ in range(1000):
        assert verifier.verify("offer", signer.sign("n1", "offer", b"").header)
    clock.now += 2 * MAX_AGE_S + 2

    assert verifier.verify("offer", signer.sign("n1", "offer", b"").header)
    assert len(verifier._seen) == 1
