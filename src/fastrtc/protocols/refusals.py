"""Refusals of connections as HTTP responses. No I/O."""

from __future__ import annotations

from ..core.errors import SessionRefused

__all__ = ["RETRY_AFTER_S", "reason_of", "refusal_headers"]

RETRY_AFTER_S = 5
"""When a client that is refused for want of a place may try again, in seconds."""


def reason_of(refusal: SessionRefused) -> str:
    """Return the text for the client of a refused connection."""
    return str(refusal.details.get("reason") or refusal.code)


def refusal_headers(status: int) -> dict[str, str]:
    """Return the headers that belong to a status: RFC 9110 sections 10.2.3 and 11.6.1."""
    if status == 401:
        return {"WWW-Authenticate": "Bearer"}
    return {"Retry-After": str(RETRY_AFTER_S)} if status == 503 else {}
