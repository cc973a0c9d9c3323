"""What is kept of a DTLS handshake that fails, in memory."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from aiortc.rtcdtlstransport import SRTP_PROFILES, RTCCertificate, RTCDtlsTransport
from OpenSSL import SSL

from fastrtc.transport.webrtc._aiortc.dtls_alerts import PATCH, record_alerts, refusal_of
from fastrtc.transport.webrtc._aiortc.registry import REGISTRY
from fastrtc.transport.webrtc._aiortc.samples import Samples
from fastrtc.transport.webrtc.dtls_refusal import FINGERPRINT, NO_SRTP, DtlsRefusal
from tests.support.patches import without


@pytest.fixture(autouse=True)
def recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Record alerts with aiortc's class as it is otherwise, until the test has ended."""
    create = inspect.unwrap(RTCCertificate._create_ssl_context)
    monkeypatch.setattr(RTCCertificate, "_create_ssl_context", create)
    REGISTRY.misfits()
    record_alerts()


def context(srtp_profiles: Any = SRTP_PROFILES) -> SSL.Context:
    return RTCCertificate.generateCertificate()._create_ssl_context(srtp_profiles)


def shake_hands(client: SSL.Context, server: SSL.Context) -> list[Any]:
    """Return both connections after their handshake, or after its failure."""
    sides = [SSL.Connection(client, None), SSL.Connection(server, None)]
    sides[0].set_connect_state()
    sides[1].set_accept_state()
    for _ in range(4):
        for number, side in enumerate(sides):
            for step in (side.do_handshake, lambda: side.recv(1500)):  # noqa: B023 (called here)
                try:
                    step()
                except SSL.Error:
                    pass
            try:
                sides[1 - number].bio_write(side.bio_read(1 << 16))
            except SSL.WantReadError:
                pass
    return sides


def transport(connection: Any, state: str = "failed", *, encrypted: bool = False) -> Any:
    """Return the part of a transport that is read."""
    made: RTCDtlsTransport = Samples().RTCDtlsTransport
    made._ssl, made.encrypted = connection, encrypted
    made._state = {state.name.lower(): state for state in type(made._state)}[state]
    return made


async def test_no_alert_of_a_handshake_that_succeeds() -> None:
    for side in shake_hands(context(), context()):
        assert side.get_app_data() is None
        assert refusal_of(transport(side, "connected", encrypted=True)) is None
        # what aiortc refuses afterwards
        found = refusal_of(transport(side, encrypted=True))
        assert found == DtlsRefusal("local", FINGERPRINT)
        side.shutdown()  # the alert of an orderly end
        assert side.get_app_data() is None


@pytest.mark.parametrize("refuses", [0, 1])
async def test_the_alert_of_a_refused_certificate(refuses: int) -> None:
    contexts = [context(), context()]
    contexts[refuses].set_verify(
        SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: False
    )
    sides = shake_hands(*contexts)
    own, other = (refusal_of(transport(side)) for side in (sides[refuses], sides[1 - refuses]))
    assert (own, other) == (DtlsRefusal("local", 48), DtlsRefusal("remote", 48))  # unknown CA


async def test_no_cipher_in_common() -> None:
    contexts = [context(), context()]
    contexts[0].set_cipher_list(b"ECDHE-ECDSA-AES128-SHA")
    contexts[1].set_cipher_list(b"ECDHE-ECDSA-AES256-SHA")
    found = [refusal_of(transport(side)) for side in shake_hands(*contexts)]
    assert found == [DtlsRefusal("remote", 40), DtlsRefusal("local", 40)]


async def test_no_srtp_in_common() -> None:
    for side in shake_hands(context(SRTP_PROFILES[:1]), context(SRTP_PROFILES[1:])):
        assert refusal_of(transport(side, encrypted=True)) == DtlsRefusal("local", NO_SRTP)


async def test_what_is_not_known() -> None:
    assert refusal_of(transport(None)) is None
    assert refusal_of(transport(SSL.Connection(context(), None))) is None  # closed before
    with without(PATCH):
        assert refusal_of(object()) is None
