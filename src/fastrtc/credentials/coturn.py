"""TURN credentials for your own coturn server (draft-uberti-behave-turn-rest)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Sequence
from typing import Any

from .errors import CredentialsMissing

__all__ = ["get_coturn_credentials"]


def get_coturn_credentials(
    secret: str, urls: str | Sequence[str], ttl: int = 600, *, user: str = ""
) -> dict[str, Any]:
    """Create credentials for a coturn server that runs with ``use-auth-secret``.

    No request is sent: the server verifies them with the secret that it shares with this program,
    and the secret is not sent. The clocks of both must agree to well within ``ttl``.

    Args:
        secret: The server's ``static-auth-secret``.
        urls: Its addresses, such as ``"turn:turn.example.org:3478"``.
        ttl: How long new connections may use the credentials, in seconds. An established connection
            is not limited by it.
        user: A name that appears in the server's log.

    Returns:
        ``{"iceServers": [{"urls", "username", "credential"}]}``.

    Raises:
        CredentialsMissing: A ``ValueError``: the secret is empty.
        ValueError: If an address is not that of a TURN server, or ``ttl`` is not positive.
    """
    if not secret:
        raise CredentialsMissing(
            "Credentials for coturn need its static-auth-secret, which is empty"
        )
    if ttl <= 0:
        raise ValueError(f"ttl must be positive, not {ttl!r}")
    all_urls = [urls] if isinstance(urls, str) else list(urls)
    if not all_urls or not all(url.startswith(("turn:", "turns:")) for url in all_urls):
        raise ValueError(f"urls must be TURN server addresses like turn:host:port, not {urls}")
    username = str(int(time.time()) + ttl) + (f":{user}" if user else "")
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    server = {
        "urls": all_urls,
        "username": username,
        "credential": base64.b64encode(digest).decode(),
    }
    return {"iceServers": [server]}
