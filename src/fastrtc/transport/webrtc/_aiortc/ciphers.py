"""Cipher suites of the DTLS handshake."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

from ..guard import guarded
from .patch import Patch

__all__ = ["PATCH", "accept_rsa_certificates"]

PATCH = Patch(
    name="RSA certificates",
    target="RTCCertificate._create_ssl_context",
    seen="aiortc 1.15 and 1.16",
    needs=("aiortc.rtcdtlstransport.RTCCertificate._create_ssl_context",),
    lost="clients with an RSA certificate, such as GStreamer, cannot connect",
    upstream="upstream.md#smaller-proposals",
    delete_when="aiortc has cipher suites for peers with RSA certificates",
)

CIPHERS = ":".join(
    f"ECDHE-{signature}-{cipher}"
    for signature in ("ECDSA", "RSA")
    for cipher in ("AES128-GCM-SHA256", "CHACHA20-POLY1305", "AES128-SHA", "AES256-SHA")
).encode()
"""The cipher suites of aiortc, and the same for RSA certificates."""


def accept_rsa_certificates() -> None:
    """Let peers have RSA certificates, in all connections of the process.

    The certificates of aiortc are ECDSA ones, as those of browsers, and so are its cipher suites:
    as the client of a handshake, which it is if it answers an offer, it has none in common with a
    server that has an RSA certificate. Certificates are verified by their fingerprint as before.
    """
    if not PATCH.fits:
        return
    kind: Any = importlib.import_module("aiortc.rtcdtlstransport").RTCCertificate
    if not hasattr(kind._create_ssl_context, "accepts_rsa"):
        kind._create_ssl_context = _accepting(kind._create_ssl_context)


def _accepting(create: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(create)
    def create_ssl_context(*args: Any, **kwargs: Any) -> Any:
        context = create(*args, **kwargs)
        _set_ciphers(context)
        return context

    create_ssl_context.accepts_rsa = True  # type: ignore[attr-defined]
    return create_ssl_context


@guarded(None)
def _set_ciphers(context: Any) -> None:
    context.set_cipher_list(CIPHERS)
