"""Validation of ``X-Twilio-Signature``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .twiml import require_twilio

__all__ = ["HEADER", "is_signed"]

HEADER = "X-Twilio-Signature"
"""The header with the signature: an HMAC of the URL and the parameters, keyed with the auth
token."""


def is_signed(token: str, urls: Iterable[str], parameters: Any, signature: str | None) -> bool:
    """Return whether a request was signed with the token.

    Args:
        token: The auth token of the Twilio account.
        urls: The URL that the request was sent to; several if it is uncertain.
        parameters: The posted parameters, as a mapping; empty for a WebSocket.
        signature: The value of the header; None if it is missing.

    Raises:
        PhoneExtraMissing: If the ``twilio`` package is not installed.
    """
    require_twilio()
    from twilio.request_validator import RequestValidator

    if signature is None:
        return False
    validator, posted = RequestValidator(token), _Posted(parameters)
    return any(validator.validate(url, posted, signature) for url in urls)


class _Posted(dict[str, list[str]]):
    """The values of each parameter, with the interface that the validator uses.

    A form's own ``getlist`` scans the whole form for each name: a form of 64 KiB would take
    seconds.
    """

    def __init__(self, parameters: Any) -> None:
        super().__init__()
        items = getattr(parameters, "multi_items", parameters.items)
        for name, value in items():
            self.setdefault(name, []).append(value)

    def getall(self, name: str) -> list[str]:
        """Return the values of an existing name."""
        return self[name]
