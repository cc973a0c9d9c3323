"""The calls that nodes make to each other, and how they are encoded.

A call belongs to a connection: its stream and its id. New kinds of requests are added with
``call``. Arguments and results are arbitrary Python objects, encoded with ``pickle``; they are
decoded only after the signature was checked.
"""

from __future__ import annotations

import pickle
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from ...core.errors import (
    CannotSay,
    FastRTCError,
    HandlerError,
    InvalidCandidate,
    InvalidOffer,
    NoVoice,
    SessionRefused,
)
from .internal import MAX_BODY_BYTES

if TYPE_CHECKING:
    from ..endpoint import Endpoint

__all__ = [
    "CALLS",
    "Call",
    "RemoteCallFailed",
    "ConnectionUnknown",
    "OwnerUnknown",
    "answer_call",
    "call",
    "decode_answer",
    "encode_call",
]

CALL_TIMEOUT_S = 5.0
"""How long a call may take, in seconds, unless it says otherwise."""

Function = Callable[..., Awaitable[Any]]
F = TypeVar("F", bound=Function)

_RAISED: dict[str, type[Exception]] = {
    kind.__name__: kind
    for kind in (
        InvalidOffer,
        InvalidCandidate,
        NoVoice,
        CannotSay,
        HandlerError,
        ValueError,
        TypeError,
        LookupError,
    )
}
"""The exceptions of a call that its caller expects, from the most to the least specific."""


class RemoteCallFailed(FastRTCError):
    """The other node could not process a call; its log has the traceback."""


class ConnectionUnknown(FastRTCError):
    """No node has the connection."""


class OwnerUnknown(ConnectionUnknown):
    """It is not known which node has the connection, as the directory is unreachable."""


@dataclass(frozen=True)
class Call:
    """A kind of call.

    Attributes:
        function: Called on the receiving node with the endpoint of the stream, the id of the
            connection, and the arguments. It must not call other nodes: so no call travels in
            circles.
        timeout_s: How long the caller waits for the answer, in seconds.
        for_owner: Whether only the node that has the connection may process it.
    """

    function: Function
    timeout_s: float
    for_owner: bool


CALLS: dict[str, Call] = {}
"""The calls by name."""


def call(
    name: str, *, timeout_s: float = CALL_TIMEOUT_S, for_owner: bool = True
) -> Callable[[F], F]:
    """Register a function as a call; see ``Call``."""

    def register(function: F) -> F:
        CALLS[name] = Call(function, timeout_s, for_owner)
        return function

    return register


def encode_call(name: str, stream: str, id: str, args: tuple[Any, ...]) -> bytes:
    """Return the body of a request.

    Raises:
        TypeError: If an argument cannot be pickled; the message names it.
        ValueError: If the body is too large.
    """
    try:
        body = pickle.dumps((stream, id, args), pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        number, value = _first_without_pickle(args)
        raise TypeError(
            f"{name}: the connection {id!r} may belong to another process, and argument {number}, "
            f"of type {type(value).__name__}, cannot be sent there: {error}"
        ) from error
    if len(body) > MAX_BODY_BYTES:
        raise ValueError(
            f"{name}: {len(body)} bytes are more than the {MAX_BODY_BYTES} that another process of "
            "the cluster accepts"
        )
    return body


def _first_without_pickle(args: tuple[Any, ...]) -> tuple[int, Any]:
    for number, value in enumerate(args, 1):
        try:
            pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
        except Exception:
            return number, value
    return 1, args


async def answer_call(name: str, body: bytes, endpoints: Callable[[str], Endpoint | None]) -> bytes:
    """Process a call of another node, and return the body of the response.

    Args:
        name: The name of the call.
        body: The body of the request, whose signature was checked.
        endpoints: Returns the endpoint of a stream by its name.

    Raises:
        Exception: An exception that the caller does not expect.
    """
    stream, id, args = pickle.loads(body)
    found, endpoint = CALLS.get(name), endpoints(stream)
    if found is None:
        return _encode("failed", f"this process runs another version, without {name!r}")
    if endpoint is None or (found.for_owner and id not in endpoint.places):
        return _encode("unknown")
    try:
        answer = _encode("value", await found.function(endpoint, id, *args))
    except ConnectionUnknown:
        return _encode("unknown")
    except SessionRefused as refusal:
        return _encode("refused", refusal.code, refusal.details)
    except tuple(_RAISED.values()) as error:
        kind = next(kind for kind in _RAISED.values() if isinstance(error, kind))
        return _encode("raised", kind.__name__, str(error))
    if len(answer) > MAX_BODY_BYTES:
        return _encode(
            "failed",
            f"the result of {name} has {len(answer)} bytes, more than the {MAX_BODY_BYTES} that "
            "another process accepts",
        )
    return answer


def _encode(*answer: Any) -> bytes:
    return pickle.dumps(answer, pickle.HIGHEST_PROTOCOL)


def failure(error: Exception) -> bytes:
    """Return the body of the response to a call that raised an unexpected exception."""
    return _encode("failed", f"{type(error).__name__}: {error}"[:1000])


def decode_answer(body: bytes) -> Any:
    """Return the result of a call.

    Raises:
        ConnectionUnknown: If the node does not have the connection.
        SessionRefused: If it refused the connection.
        RemoteCallFailed: If it could not process the call, or its result cannot be decoded here.
        Exception: An exception of the call that its caller expects, such as a ``ValueError``.
    """
    try:
        kind, *details = pickle.loads(body)
    except Exception as error:
        raise RemoteCallFailed(f"the result cannot be decoded: {error!r}") from error
    if kind == "value":
        return details[0]
    if kind == "unknown":
        raise ConnectionUnknown("The node does not have the connection")
    if kind == "refused":
        code, further = details
        raise SessionRefused(code, **further)
    if kind == "raised":
        name, text = details
        raise _RAISED[name](text)
    raise RemoteCallFailed(f"the other process failed: {details[0]}")
