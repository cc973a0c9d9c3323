"""Whether a request comes from Twilio: ``X-Twilio-Signature``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .twiml import require_twilio

__all__ = ["HEADER", "is_signed"]

HEADER = "X-Twilio-Signature"
"""Where the signature is: an HMAC of the URL and the parameters under the account's token."""


def is_signed(token: str, urls: Iterable[str], parameters: Any, signature: str | None) -> bool:
    """Tell whether a request was signed by whoever has the token.

    Args:
        token: The auth token of the Twilio account.
        urls: The URL that the request was sent to; several where it is not sure.
        parameters: What was posted, as a mapping; empty for a WebSocket.
        signature: The content of the header, if there is one.

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
    """The values of each name, as the validator asks for them.

    A form's own ``getlist`` reads the whole form for each name: a form of 64 KiB would take
    seconds.
    """

    def __init__(self, parameters: Any) -> None:
        super().__init__()
        items = getattr(parameters, "multi_items", parameters.items)
        for name, value in items():
            self.setdefault(name, []).append(value)

    def getall(self, name: str) -> list[str]:
        """Return the values of a name that is there."""
        return self[name]
