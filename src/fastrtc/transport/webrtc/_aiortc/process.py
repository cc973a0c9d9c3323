"""Patches that concern all connections of the process."""

from __future__ import annotations

from .ciphers import accept_rsa_certificates
from .clock import use_steady_clock
from .decoder_threads import make_decoder_threads_daemons
from .dtls_alerts import record_alerts
from .fingerprints import verify_in_handshake

__all__ = ["patch_process"]


def patch_process() -> None:
    """Apply the patches that concern the whole process, unless they have been applied."""
    make_decoder_threads_daemons()
    use_steady_clock()
    accept_rsa_certificates()
    record_alerts()
    verify_in_handshake()
