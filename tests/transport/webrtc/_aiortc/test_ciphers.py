"""A DTLS handshake with a peer that has an RSA certificate, as GStreamer has."""

from __future__ import annotations

import datetime
import inspect

import pytest
from aiortc.rtcdtlstransport import SRTP_PROFILES, RTCCertificate
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from OpenSSL import SSL

from fastrtc.transport.webrtc._aiortc.ciphers import PATCH, accept_rsa_certificates
from fastrtc.transport.webrtc._aiortc.process import patch_process
from tests.support.patches import without


@pytest.fixture
def original(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let aiortc's class be as it was, until the test has ended."""
    create = inspect.unwrap(RTCCertificate._create_ssl_context)
    monkeypatch.setattr(RTCCertificate, "_create_ssl_context", create)


@pytest.fixture(scope="module")
def peer() -> SSL.Context:
    """The context of a peer with an RSA certificate."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "peer")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=1,
        not_valid_before=now - datetime.timedelta(days=1),
        not_valid_after=now + datetime.timedelta(days=1),
    ).sign(key, hashes.SHA256())
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_verify(SSL.VERIFY_PEER, lambda *args: True)
    context.use_certificate(certificate)
    context.use_privatekey(key)
    context.set_tlsext_use_srtp(b"SRTP_AES128_CM_SHA1_80")
    return context


def shake_hands(client: SSL.Context, server: SSL.Context) -> str:
    """Return the cipher suite of a handshake.

    Raises:
        SSL.Error: If it fails.
    """
    sides = SSL.Connection(client, None), SSL.Connection(server, None)
    sides[0].set_connect_state()
    sides[1].set_accept_state()
    finished: set[int] = set()
    while len(finished) < 2:
        for number, side in enumerate(sides):
            try:
                side.do_handshake()
                finished.add(number)
            except SSL.WantReadError:
                pass
            try:
                sides[1 - number].bio_write(side.bio_read(1 << 16))
            except SSL.WantReadError:
                pass
    return str(sides[0].get_cipher_name())


def ours() -> SSL.Context:
    return RTCCertificate.generateCertificate()._create_ssl_context(SRTP_PROFILES)


@pytest.mark.usefixtures("original")
async def test_a_peer_with_an_rsa_certificate(peer: SSL.Context) -> None:
    with pytest.raises(SSL.Error, match="shared cipher"):
        shake_hands(ours(), peer)
    accept_rsa_certificates()
    assert shake_hands(ours(), peer).startswith("ECDHE-RSA-")
    assert shake_hands(peer, ours()).startswith("ECDHE-ECDSA-")
    assert shake_hands(ours(), ours()) == "ECDHE-ECDSA-AES128-GCM-SHA256"
    patch_process()
    changed = RTCCertificate._create_ssl_context
    patch_process()
    assert RTCCertificate._create_ssl_context is changed


@pytest.mark.usefixtures("original")
async def test_without_the_name_the_class_stays() -> None:
    before = RTCCertificate._create_ssl_context
    with without(PATCH):
        accept_rsa_certificates()
    assert RTCCertificate._create_ssl_context is before
