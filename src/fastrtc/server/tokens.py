"""Signed tokens, with which a program lets a client connect once."""

from __future__ import annotations

import base64
import hmac
import json
import math
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..core.errors import Unauthorized
from ..core.identity import TokenUse, check_metadata

__all__ = ["PREFIX", "Claims", "Tokens", "find_token"]

PREFIX = "frtc1."
"""How each token begins, so that other bearer tokens of a program are not mistaken for one."""

MIN_SECRET_BYTES = 16

MAX_TOKEN_LENGTH = 8192
"""Maximum length of a token in characters: servers accept headers of 16 KB and more."""

MAX_USED = 65_536
"""Used tokens that are remembered; beyond it, the one that expires first is forgotten."""

GRACE_S = 60.0
"""How long a used token is remembered after it has expired, in seconds: the candidates of its
connection arrive after its offer."""

INVALID = "The token is invalid."
EXPIRED = "The token has expired."
USED = "The token was used before."
MISSING = "A token is required."


@dataclass(frozen=True)
class Claims:
    """The content of a token.

    Attributes:
        use: What identifies the token, and until when it is valid.
        user: The user.
        metadata: Values for ``Context.metadata``.
    """

    use: TokenUse
    user: Any = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


class Tokens:
    """Issue tokens, and check those of clients; see ``Stream.tokens``.

    A token contains everything that it says, signed with the secret, and no server stores it: each
    process with the secret accepts it. What this process stores is which tokens were used in it.

    Args:
        secret: A secret of at least 16 bytes, the same in all processes.
        required: Whether to refuse requests without a token.
        clock: Returns the time of day in seconds.

    Attributes:
        required: Whether requests without a token are refused.

    Raises:
        ValueError: If the secret is too short.
        TypeError: If it is neither a string nor bytes.
    """

    def __init__(
        self,
        secret: str | bytes,
        *,
        required: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not isinstance(secret, str | bytes):
            raise TypeError(f"secret must be a string or bytes, not {type(secret).__name__}")
        raw = secret.encode() if isinstance(secret, str) else secret
        if len(raw) < MIN_SECRET_BYTES:
            raise ValueError(
                f"secret must have at least {MIN_SECRET_BYTES} bytes, not {len(raw)}: create one "
                'with python -c "import secrets; print(secrets.token_urlsafe())"'
            )
        self.required = required
        self._key = hmac.digest(raw, b"fastrtc connection token", "sha256")
        self._clock = clock
        self._used: dict[str, tuple[float, str]] = {}  # expiry and connection id

    def issue(
        self, user: Any = None, metadata: Mapping[str, Any] | None = None, ttl: float = 60.0
    ) -> str:
        """Return a token for one connection.

        Args:
            user: Becomes ``Context.user``, unless ``authorize`` returns another; anything that JSON
                can represent. The client can read it.
            metadata: Values for ``Context.metadata``, which the client cannot change.
            ttl: How long the client may take to connect with it, in seconds. The connection may
                last longer.

        Returns:
            Letters, digits, ``-``, ``_`` and ``.``: it may be in a header, in a URL, and in the
            list of subprotocols of a WebSocket.

        Raises:
            ValueError: If ``ttl`` is no positive number, the metadata are no JSON object of up to
                16 KB, or the token is longer than 8,192 characters.
            TypeError: If JSON cannot represent the user or the metadata.
        """
        if isinstance(ttl, bool) or not isinstance(ttl, int | float) or not 0 < ttl < math.inf:
            raise ValueError(f"ttl must be a positive number of seconds, not {ttl!r}")
        values = check_metadata(None if metadata is None else dict(metadata))
        content: dict[str, Any] = {"e": self._clock() + ttl, "n": secrets.token_urlsafe(12)}
        if user is not None:
            content["u"] = user
        if values:
            content["m"] = values
        body = _encode(json.dumps(content, separators=(",", ":")).encode())
        token = f"{PREFIX}{body}.{self._mac(body)}"
        if len(token) > MAX_TOKEN_LENGTH:
            raise ValueError(f"A token may have {MAX_TOKEN_LENGTH} characters, not {len(token)}")
        return token

    def verify(self, token: str) -> Claims:
        """Return the content of a token.

        An expired token is accepted if it was used in this process a short time ago: requests for
        its connection may follow.

        Raises:
            Unauthorized: If it is invalid or has expired.
        """
        if len(token) > MAX_TOKEN_LENGTH or not token.isascii():
            raise Unauthorized(INVALID)
        body, _, mac = token.removeprefix(PREFIX).rpartition(".")
        if not token.startswith(PREFIX) or not hmac.compare_digest(mac, self._mac(body)):
            raise Unauthorized(INVALID)
        content = json.loads(_decode(body))
        use = TokenUse(content["n"], content["e"])
        if use.expires_at < self._clock() and use.nonce not in self._used:
            raise Unauthorized(EXPIRED)
        return Claims(use, content.get("u"), content.get("m", {}))

    def redeem(self, use: TokenUse, id: str, replaces: str | None = None) -> None:
        """Record that a connection uses a token; only the first may.

        Args:
            use: What identifies the token.
            id: The id of the connection.
            replaces: The id of an attempt of the same client, whose token it may use again.

        Raises:
            Unauthorized: If it was used in this process before, or has expired.
        """
        now = self._clock()
        if use.nonce in self._used and self._used[use.nonce][1] != replaces:
            raise Unauthorized(USED)
        if use.expires_at < now:
            raise Unauthorized(EXPIRED)
        if len(self._used) >= MAX_USED:
            kept = (item for item in self._used.items() if item[1][0] + GRACE_S >= now)
            self._used = dict(kept)
        if len(self._used) >= MAX_USED:
            del self._used[min(self._used, key=lambda one: self._used[one])]
        self._used[use.nonce] = use.expires_at, id

    def use_again(self, use: TokenUse, id: str) -> None:
        """Record that a client uses a token to resume a connection: its own, or a new one.

        Raises:
            Unauthorized: If another connection has used it in this process, or it has expired.
        """
        used = self._used.get(use.nonce)
        if used is None or used[1] != id:
            self.redeem(use, id)

    def _mac(self, body: str) -> str:
        return _encode(hmac.digest(self._key, body.encode(), "sha256"))


def find_token(headers: Mapping[str, str], query: Mapping[str, str]) -> str | None:
    """Return the token in a request, or None.

    It is in ``Authorization: Bearer TOKEN``, in ``?token=TOKEN`` or, of a WebSocket, among the
    subprotocols: ``new WebSocket(url, ["fastrtc", TOKEN])``.
    """
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    offered = headers.get("sec-websocket-protocol", "").split(",")
    found = [bearer.strip()] if scheme.lower() == "bearer" else []
    found += [query.get("token", ""), *map(str.strip, offered)]
    return next((one for one in found if one.startswith(PREFIX)), None)


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
