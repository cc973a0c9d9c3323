"""Tokens that bind the WebSocket of a call to the webhook of the same call.

Twilio signs the handshake of a socket, but nothing in it identifies the call: an attacker who has
seen one signature could open sockets forever. So the TwiML that answers the webhook, which only
Twilio receives, has a token as a custom parameter, and the socket's ``start`` message must return
it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable

__all__ = ["PARAMETER", "CallTokens"]

PARAMETER = "fastrtc_token"
"""The name of the custom parameter."""

LIFETIME_S = 60.0
"""How long a token is valid, in seconds: the greeting takes 2 s, custom TwiML may take longer."""


class CallTokens:
    """Issue tokens, and accept each once.

    Args:
        secret: The secret that tokens are derived from. Processes with the same secret accept each
            other's tokens, once in each process.
        clock: Returns the time in seconds, the same in all these processes.
    """

    def __init__(self, secret: str, clock: Callable[[], float] = time.time) -> None:
        # not the secret itself, with which Twilio signs
        self._key = hmac.digest(secret.encode(), b"fastrtc call token", "sha256")
        self._clock = clock
        self._used: dict[str, float] = {}

    def issue(self, call: str) -> str:
        """Return a token for the call with this id of the provider."""
        about = f"{int(self._clock() + LIFETIME_S)}.{secrets.token_hex(8)}"
        return f"{about}.{self._mac(about, call)}"

    def redeem(self, token: str, call: str) -> bool:
        """Return whether a token is valid for a call; only the first time."""
        about, _, mac = token.rpartition(".")
        until, _, _ = about.partition(".")
        if not hmac.compare_digest(_bytes(mac), _bytes(self._mac(about, call))):
            return False
        now = self._clock()
        if float(until) < now or token in self._used:
            return False
        self._used = {one: end for one, end in self._used.items() if end >= now}
        self._used[token] = float(until)
        return True

    def _mac(self, about: str, call: str) -> str:
        return hmac.new(self._key, _bytes(f"{about}.{call}"), hashlib.sha256).hexdigest()


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")  # JSON may contain lone surrogates
