"""Why a DTLS handshake has failed: the alert of either side, or the certificate."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

from ..dtls_refusal import FINGERPRINT, NO_SRTP, DtlsRefusal
from ..guard import guarded
from .patch import Patch

__all__ = ["PATCH", "record_alerts", "refusal_of"]

PATCH = Patch(
    name="DTLS alerts",
    target="RTCCertificate._create_ssl_context",
    seen="aiortc 1.15 and 1.16",
    needs=(
        "aiortc.rtcdtlstransport.RTCCertificate._create_ssl_context",
        "RTCDtlsTransport()._ssl",
        "RTCDtlsTransport().encrypted",
    ),
    lost="the log and stream.diagnose() do not say why a DTLS handshake has failed",
    upstream="upstream.md#smaller-proposals",
    delete_when="aiortc has an event for a DTLS handshake that fails, with its reason",
)

ALERT, RECEIVED = 0x4000, 0x04
"""Bits of the events of OpenSSL's ``SSL_CTX_set_info_callback``."""

FATAL = 2
"""The level of an alert that ends the handshake."""


def record_alerts() -> None:
    """Record the fatal alert of each DTLS connection of the process."""
    if not PATCH.fits:
        return
    kind: Any = importlib.import_module("aiortc.rtcdtlstransport").RTCCertificate
    if not hasattr(kind._create_ssl_context, "records_alerts"):
        kind._create_ssl_context = _recording(kind._create_ssl_context)


def refusal_of(transport: Any) -> DtlsRefusal | None:
    """Return why the handshake of a transport was refused; None if it was not, or has no reason."""
    if not PATCH.fits or transport.state != "failed" or transport._ssl is None:
        return None
    refusal: DtlsRefusal | None = transport._ssl.get_app_data()
    if refusal is not None or not transport.encrypted:
        return refusal
    has_srtp = transport._ssl.get_selected_srtp_profile()  # it is checked after the certificate
    return DtlsRefusal("local", FINGERPRINT if has_srtp else NO_SRTP)


def _recording(create: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(create)
    def create_ssl_context(*args: Any, **kwargs: Any) -> Any:
        context = create(*args, **kwargs)
        context.set_info_callback(_note)
        return context

    create_ssl_context.records_alerts = True  # type: ignore[attr-defined]
    return create_ssl_context


@guarded(None)
def _note(connection: Any, event: int, code: int) -> None:
    """Keep the first fatal alert of a connection; called by OpenSSL for each step of it."""
    if event & ALERT and code >> 8 == FATAL and connection.get_app_data() is None:
        number = code & 0xFF
        received = event & RECEIVED
        connection.set_app_data(DtlsRefusal("remote" if received else "local", number))
