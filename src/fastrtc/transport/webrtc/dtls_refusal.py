"""Why one side has refused a DTLS handshake, in words. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["FINGERPRINT", "NO_SRTP", "DtlsRefusal"]

FINGERPRINT = "fingerprint"
NO_SRTP = "no SRTP profile"

ALERTS = {
    40: "handshake failure",
    42: "bad certificate",
    43: "unsupported certificate",
    44: "certificate revoked",
    45: "certificate expired",
    46: "certificate unknown",
    47: "illegal parameter",
    48: "unknown CA",
    50: "decode error",
    51: "decrypt error",
    70: "protocol version",
    71: "insufficient security",
    80: "internal error",
}
"""Names of alerts (RFC 8446 appendix B.2)."""

OF_CERTIFICATES = (42, 43, 44, 45, 46, 48, 51)
NOTHING_IN_COMMON = (40, 47, 70, 71)

UNCHANGED = (
    "Pass on the offer and the answer unchanged, and each answer to its own offer: a fingerprint "
    "(a=fingerprint) was changed, for example by code that edits SDP.",
    "Otherwise something on the route intercepts the connection.",
)


@dataclass(frozen=True)
class DtlsRefusal:
    """A handshake that was refused.

    Attributes:
        by: Which side has refused it.
        reason: The number of its alert; ``FINGERPRINT`` if the certificate of the other side does
            not match its SDP, or ``NO_SRTP`` if they have no SRTP profile in common.
    """

    by: Literal["local", "remote"]
    reason: int | str

    def problem(self, local: str, remote: str) -> str:
        """Return what has happened, as a clause.

        Args:
            local: The side that knows it: ``"the server"`` or ``"the client"``.
            remote: The other side.
        """
        if self.reason == FINGERPRINT:
            sdp = "offer" if remote == "the client" else "answer"
            return (
                f"{local} has refused the DTLS handshake, as the certificate of {remote} is not "
                f"the one in its {sdp} (a=fingerprint)"
            )
        if self.reason == NO_SRTP:
            return "the two sides have no SRTP profile in common"
        who = local if self.by == "local" else remote
        assert isinstance(self.reason, int)
        name = ALERTS.get(self.reason, f"number {self.reason}")
        return f"{who} has ended the DTLS handshake with the alert {name!r}"

    def advice(self, remote: str) -> tuple[str, ...]:
        """Return what to do, most likely first; each a sentence."""
        if self.reason == FINGERPRINT or self.reason in OF_CERTIFICATES:
            return UNCHANGED
        if self.reason == NO_SRTP or self.reason in NOTHING_IN_COMMON:
            return (
                f"Update the WebRTC library of {remote}: it needs DTLS 1.2, ECDHE with AES-GCM, "
                "and DTLS-SRTP.",
            )
        return (f"See the log of {remote}, and try again.",)
