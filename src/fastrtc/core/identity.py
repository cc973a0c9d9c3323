"""Who a connection belongs to: the request that opened it, its user and its metadata."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

__all__ = [
    "MAX_METADATA_BYTES",
    "ClientRequest",
    "Headers",
    "Identity",
    "TokenUse",
    "check_metadata",
    "current_identity",
]

MAX_METADATA_BYTES = 16 * 1024
"""Maximum size of the metadata of a connection as JSON in UTF-8, in bytes."""


class Headers(Mapping[str, str]):
    """The headers of a request; names are case-insensitive, and lower-case when iterated.

    Args:
        items: Names and values; of a repeated name the first value counts.
    """

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        self._values: dict[str, str] = {}
        for name, value in items:
            self._values.setdefault(name.lower(), value)

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def _frozen() -> Mapping[str, str]:
    return Headers()


@dataclass(frozen=True)
class ClientRequest:
    """The request that opened a connection: of its offer or of its WebSocket.

    Attributes:
        headers: The headers; names are case-insensitive. Of a repeated header, the first value.
        cookies: The cookies by name.
        query: The parameters of the URL; of a repeated one, the last value.
        client_host: The address of the client as the server sees it, which is that of a reverse
            proxy unless the server reads its headers (``uvicorn --proxy-headers``); None if it is
            unknown.
    """

    headers: Mapping[str, str] = field(default_factory=_frozen, repr=False)
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    client_host: str | None = None

    def __post_init__(self) -> None:
        """Make the mappings read-only."""
        for name in ("cookies", "query"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the request, for another process of a cluster."""
        return ClientRequest, (self.headers, dict(self.cookies), dict(self.query), self.client_host)


@dataclass(frozen=True)
class TokenUse:
    """What identifies a token.

    Attributes:
        nonce: A random string.
        expires_at: Until when it is valid, in seconds since 1970.
    """

    nonce: str
    expires_at: float


@dataclass(frozen=True)
class Identity:
    """What is known about the client of a connection.

    Attributes:
        request: The request; None if the program's own code passed on the offer.
        user: What ``authorize`` returned, if it is more than a bool; else the user of the token.
        metadata: The metadata that the client sent, with those of its token.
        token: What identifies the token of the request; None without one.
    """

    request: ClientRequest | None = None
    user: Any = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    token: TokenUse | None = None


_NOBODY = Identity()

current_identity: ContextVar[Identity] = ContextVar("fastrtc_identity", default=_NOBODY)  # noqa: B039
"""The identity in the request that is being processed."""


def check_metadata(value: Any) -> dict[str, Any]:
    """Return the metadata that a client sent; None means that it sent none.

    Raises:
        ValueError: If they are no JSON object, or too large.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError(f"metadata must be a JSON object, not {_kind(value)}")
    size = len(json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass"))
    if size > MAX_METADATA_BYTES:
        raise ValueError(f"metadata may have {MAX_METADATA_BYTES} bytes as JSON, not {size}")
    return value


def _kind(value: Any) -> str:
    kinds = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list"}
    return kinds.get(type(value), type(value).__name__)
