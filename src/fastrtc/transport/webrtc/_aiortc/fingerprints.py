"""Verification of a peer's certificate by the fingerprints in its SDP."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

from ..dtls_refusal import FINGERPRINT, DtlsRefusal
from ..guard import guarded
from .patch import Patch

__all__ = ["PATCH", "verify_in_handshake"]

PATCH = Patch(
    name="fingerprints",
    target="RTCDtlsTransport.start",
    seen="aiortc 1.15 and 1.16",
    needs=(
        "aiortc.rtcdtlstransport.RTCDtlsTransport.start",
        "aiortc.rtcdtlstransport.X509_DIGEST_ALGORITHMS",
        "aiortc.rtcdtlstransport.certificate_digest",
        "RTCDtlsTransport()._do_handshake",
        "RTCDtlsTransport()._ssl",
        "RTCDtlsTransport()._validate_peer_identity",
    ),
    lost="clients that offer several fingerprints of a hash function cannot connect, and those "
    "whose certificate is refused are not told",
    upstream="upstream.md#smaller-proposals",
    delete_when="aiortc verifies certificates in the handshake, as RFC 8122 section 5 says",
)


def verify_in_handshake() -> None:
    """Verify the certificates of peers in their handshake, in all connections of the process.

    aiortc verifies them when the handshake is complete, so that the peer is not told. It also wants
    all fingerprints to match, but there may be some of other certificates (RFC 8122 section 5). Its
    verification is left in place, with the fingerprints of the certificate.
    """
    if not PATCH.fits:
        return
    kind: Any = importlib.import_module("aiortc.rtcdtlstransport").RTCDtlsTransport
    if not hasattr(kind.start, "verifies_in_handshake"):
        kind.start = _verifying(kind.start)


def _verifying(
    start: Callable[..., Coroutine[Any, Any, None]],
) -> Callable[..., Coroutine[Any, Any, None]]:
    @functools.wraps(start)
    async def start_verified(self: Any, parameters: Any) -> None:
        shake_hands, validate = self._do_handshake, self._validate_peer_identity

        async def do_handshake() -> None:
            _verify(self._ssl, parameters.fingerprints)
            await shake_hands()

        def validate_peer_identity(parameters: Any) -> None:
            validate(_with_matching(parameters, self._ssl))

        self._do_handshake, self._validate_peer_identity = do_handshake, validate_peer_identity
        try:
            await start(self, parameters)
        finally:
            for name in ("_do_handshake", "_validate_peer_identity"):
                vars(self).pop(name, None)

    start_verified.verifies_in_handshake = True  # type: ignore[attr-defined]
    return start_verified


@guarded(None)
def _verify(connection: Any, fingerprints: Sequence[Any]) -> None:
    """Let OpenSSL refuse a certificate without a match, with an alert."""

    @guarded(True)  # aiortc verifies it again
    def is_accepted(
        connection: Any, certificate: Any, error: int, depth: int, accepted: int
    ) -> bool:
        if depth or _matching(fingerprints, certificate.to_cryptography()):
            return True
        if connection.get_app_data() is None:
            connection.set_app_data(DtlsRefusal("local", FINGERPRINT))
        return False

    connection.set_verify(connection.get_verify_mode(), is_accepted)


def _with_matching(parameters: Any, connection: Any) -> Any:
    """Return DTLS parameters without fingerprints of other certificates than the peer's."""
    return _without_others(parameters, connection) or parameters


@guarded(None)
def _without_others(parameters: Any, connection: Any) -> Any:
    certificate = connection.get_peer_certificate(as_cryptography=True)
    found = _matching(parameters.fingerprints, certificate)
    return replace(parameters, fingerprints=found) if found else None


def _matching(fingerprints: Sequence[Any], certificate: Any) -> list[Any]:
    """Return the fingerprints of a certificate, if it has one of each hash function among them.

    Those of hash functions that aiortc does not know are ignored.
    """
    module: Any = importlib.import_module("aiortc.rtcdtlstransport")
    known = [one for one in fingerprints if one.algorithm.lower() in module.X509_DIGEST_ALGORITHMS]
    found = [
        one
        for one in known
        if one.value.upper() == module.certificate_digest(certificate, one.algorithm.lower())
    ]
    hashes, matching = ({one.algorithm.lower() for one in ones} for ones in (known, found))
    return found if hashes == matching else []
