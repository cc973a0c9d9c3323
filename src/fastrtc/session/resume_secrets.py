"""The secrets with which a client resumes its session. No I/O and no clock."""

from __future__ import annotations

import hashlib
import hmac
import secrets

__all__ = ["ResumeSecrets", "refuse_unknown"]

SECRET_BYTES = 32


class ResumeSecrets:
    """Issue and check the secrets of one session.

    Each resume replaces the secret. The one that the client presented stays valid until the new
    connection is established, as the answer with the next one may be lost.
    """

    def __init__(self) -> None:
        self._current = b""
        self._presented = b""

    def issue(self) -> str:
        """Return the first secret."""
        secret = secrets.token_urlsafe(SECRET_BYTES)
        self._current = self._presented = _digest(secret)
        return secret

    def accepts(self, secret: str) -> bool:
        """Return whether a secret is valid, in constant time."""
        given = _digest(secret)
        matches = (
            hmac.compare_digest(given, self._current),
            hmac.compare_digest(given, self._presented),
        )
        return any(matches)

    def replace(self, presented: str) -> str:
        """Return the next secret, for a client that has presented a valid one."""
        secret = secrets.token_urlsafe(SECRET_BYTES)
        self._current, self._presented = _digest(secret), _digest(presented)
        return secret

    def established(self) -> None:
        """End the validity of the presented secret: the client has the next one."""
        self._presented = self._current


def refuse_unknown(secret: str) -> bool:
    """Return False, in the time that it takes to refuse a wrong secret."""
    return _NONE.accepts(secret) and False


def _digest(secret: str) -> bytes:
    """Return a digest, so that the length of a secret does not show in the time."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()


_NONE = ResumeSecrets()
_NONE.issue()
