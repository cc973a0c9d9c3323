"""Where the clients of the protocol have their keys, and the short-lived ones of this server."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from starlette.requests import HTTPConnection

from ...server.tokens import PREFIX, find_token

__all__ = ["KEY_PREFIX", "SUBPROTOCOL", "has_token", "normalized_scope", "subprotocol_of"]

KEY_PREFIX = "ek_"
"""How short-lived keys begin; the SDK for browsers accepts no others."""

SUBPROTOCOL = "realtime"
"""The subprotocol that a browser offers, beside its key."""

KEY_IN_SUBPROTOCOL = "openai-insecure-api-key."

Scope = MutableMapping[str, Any]


def normalized_scope(scope: Scope) -> Scope:
    """Return the scope of a request with its key in ``Authorization``, as this package expects it.

    A browser sends the key of a WebSocket in a subprotocol; and a short-lived key of this server is
    one of its tokens with ``ek_`` in front.
    """
    headers = list(scope.get("headers") or ())
    key = next((value for name, value in headers if name == b"authorization"), None)
    if key is None:
        for offered in scope.get("subprotocols") or ():
            if offered.startswith(KEY_IN_SUBPROTOCOL):
                key = f"Bearer {offered[len(KEY_IN_SUBPROTOCOL) :]}".encode()
    if key is None:
        return scope
    own = f"{KEY_PREFIX}{PREFIX}".encode()
    kind, _, value = key.partition(b" ")
    if value.startswith(own):
        key = kind + b" " + value[len(KEY_PREFIX) :]
    others = [(name, value) for name, value in headers if name != b"authorization"]
    return {**scope, "headers": [*others, (b"authorization", key)]}


def has_token(request: HTTPConnection) -> bool:
    """Return whether a request has a token of this package, in any form."""
    given = [*request.headers.getlist("authorization"), *request.query_params.values()]
    found = find_token(request.headers, request.query_params)
    return found is not None or any(PREFIX in one for one in given)


def subprotocol_of(scope: Scope) -> str | None:
    """Return the subprotocol to accept."""
    return SUBPROTOCOL if SUBPROTOCOL in (scope.get("subprotocols") or ()) else None
