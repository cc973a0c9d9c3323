"""Signatures of the requests between nodes, by a secret that they share. No I/O.

The signature of a request covers the id of the node that it is for, the name of the call, the time,
a random number that is used once (the nonce) and the SHA-256 of the body. It is checked before the
body is read. A response is signed together with the nonce of its request.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["MAX_AGE_S", "RequestSigner", "RequestVerifier", "SignedRequest", "digest_of"]

MAX_AGE_S = 30.0
"""Maximum difference between the clocks of the sender and the receiver, with the time that the
request takes, in seconds."""

MAC_BYTES = 32

_HEADER = re.compile(r"(\d{1,12})\.([0-9a-f]{32})\.([0-9a-f]{64})\.([0-9a-f]{64})", re.ASCII)


class SignedRequest(NamedTuple):
    """The signature of a request.

    Attributes:
        header: The value of its header.
        nonce: The random number that its response is bound to.
        digest: The SHA-256 of its body, in hexadecimal digits.
    """

    header: str
    nonce: str
    digest: str


def digest_of(body: bytes) -> str:
    """Return the SHA-256 of a body, in hexadecimal digits."""
    return hashlib.sha256(body).hexdigest()


class _Keys:
    """The keys derived from a secret, one for each direction."""

    def __init__(self, secret: str) -> None:
        self._request = hmac.digest(secret.encode(), b"fastrtc cluster request", "sha256")
        self._response = hmac.digest(secret.encode(), b"fastrtc cluster response", "sha256")

    def request_mac(self, target: str, name: str, seconds: str, nonce: str, digest: str) -> str:
        fields = "".join(f"{len(field)}:{field}" for field in (target, name, seconds, nonce))
        return hmac.new(self._request, f"{fields}{digest}".encode(), "sha256").hexdigest()

    def response_mac(self, nonce: str, body: bytes) -> bytes:
        return hmac.digest(self._response, nonce.encode() + body, "sha256")


class RequestSigner:
    """Sign requests to other nodes, and verify their responses.

    Args:
        secret: The secret of the cluster.
        clock: Returns the time of day in seconds.
    """

    def __init__(self, secret: str, clock: Callable[[], float] = time.time) -> None:
        self._keys = _Keys(secret)
        self._clock = clock

    def sign(self, target: str, name: str, body: bytes) -> SignedRequest:
        """Sign a request.

        Args:
            target: The id of the node that it is for.
            name: The name of the call.
            body: The body.
        """
        seconds, nonce, digest = f"{int(self._clock())}", secrets.token_hex(16), digest_of(body)
        mac = self._keys.request_mac(target, name, seconds, nonce, digest)
        return SignedRequest(f"{seconds}.{nonce}.{digest}.{mac}", nonce, digest)

    def verify_response(self, request: SignedRequest, response: bytes) -> bytes | None:
        """Return the body of a response, or None if it is not signed for this request."""
        mac, body = response[:MAC_BYTES], response[MAC_BYTES:]
        valid = hmac.compare_digest(mac, self._keys.response_mac(request.nonce, body))
        return body if valid else None


class RequestVerifier:
    """Verify requests of other nodes, each of which is accepted once, and sign the responses.

    Args:
        secret: The secret of the cluster.
        node_id: The id of this node.
        clock: Returns the time of day in seconds.
    """

    def __init__(self, secret: str, node_id: str, clock: Callable[[], float] = time.time) -> None:
        self._keys = _Keys(secret)
        self._node_id = node_id
        self._clock = clock
        self._seen: set[str] = set()
        self._expiries: deque[tuple[float, str]] = deque()  # as long as the time is accepted

    def verify(self, name: str, header: str) -> SignedRequest | None:
        """Verify the signature of a request, whose body need not be read yet.

        Args:
            name: The name of the call.
            header: The value of the header with the signature.

        Returns:
            The signature, with the digest that the body must have. None if the request is not
            signed with the secret, is for another node, has a time that is more than 30 s off, or
            was received before.
        """
        match = _HEADER.fullmatch(header)
        if match is None:
            return None
        seconds, nonce, digest, mac = match.groups()
        expected = self._keys.request_mac(self._node_id, name, seconds, nonce, digest)
        if not hmac.compare_digest(mac, expected):
            return None
        now = self._clock()
        if abs(now - int(seconds)) > MAX_AGE_S or nonce in self._seen:
            return None
        while self._expiries and self._expiries[0][0] < now:
            self._seen.discard(self._expiries.popleft()[1])
        self._seen.add(nonce)
        self._expiries.append((now + 2 * MAX_AGE_S + 1, nonce))
        return SignedRequest(header, nonce, digest)

    def sign_response(self, request: SignedRequest, body: bytes) -> bytes:
        """Return a response: its signature, followed by its body."""
        return self._keys.response_mac(request.nonce, body) + body
