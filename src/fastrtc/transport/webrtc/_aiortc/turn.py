"""TURN servers: the reasons of failed allocations, and a time-out for releasing relays."""

from __future__ import annotations

import asyncio
import functools
import importlib
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from aioice import stun

from ..guard import guarded
from .patch import Patch

__all__ = ["ATTEMPTS", "RELEASE", "TurnAttempt", "watch_turn"]

logger = logging.getLogger(__name__)

_INNER = "_TurnTransport__inner_protocol"

ATTEMPTS = Patch(
    name="TURN failures",
    target="aioice.turn.create_turn_endpoint",
    seen="aioice 0.10 to 0.13",
    needs=(
        "aioice.turn.create_turn_endpoint",
        "aioice.stun.TransactionError",
        "aioice.stun.TransactionFailed",
    ),
    lost="the log does not say why a TURN server allocated no relay, and an offer that needs it "
    "is answered although the client cannot connect",
    upstream="upstream.md#smaller-proposals",
    delete_when="aioice exposes the failures of its TURN server",
)

RELEASE = Patch(
    name="TURN release",
    target="aioice.turn.TurnTransport.__inner_protocol",
    seen="aioice 0.10 to 0.13",
    needs=(f"TurnTransport().{_INNER}", "aioice.turn.TurnClientUdpProtocol.delete"),
    lost="a connection whose TURN server has died takes 40 s to end",
    upstream="upstream.md#smaller-proposals",
    delete_when="aioice has a parameter for the time-out of releasing a relay",
)


@dataclass
class TurnAttempt:
    """The result of an allocation at a TURN server.

    Attributes:
        server: Its address, ``host:port``.
        succeeded: Whether it allocated a relay.
        failure: Why not; empty while it has not answered.
    """

    server: str
    succeeded: bool = False
    failure: str = ""


_turn_attempts: ContextVar[list[TurnAttempt] | None] = ContextVar("turn_attempts", default=None)


@contextmanager
def watch_turn() -> Iterator[list[TurnAttempt]]:
    """Record the results of all TURN servers that are used within this context.

    aioice does not expose why a server allocated no relay. So its function that requests a relay is
    replaced by one that records the result, in the context that aioice's tasks inherit. Without the
    patch, no attempts are recorded.
    """
    if ATTEMPTS.fits:
        turn: Any = importlib.import_module("aioice.turn")
        if not hasattr(turn.create_turn_endpoint, "__wrapped__"):
            turn.create_turn_endpoint = _recording(turn.create_turn_endpoint)
    attempts: list[TurnAttempt] = []
    token = _turn_attempts.set(attempts)
    try:
        yield attempts
    finally:
        _turn_attempts.reset(token)


def _recording(create: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(create)
    async def create_turn_endpoint(*args: Any, **kwargs: Any) -> Any:
        attempts = _turn_attempts.get()
        if attempts is None:
            return await create(*args, **kwargs)
        attempt = TurnAttempt(_address_of(*args, **kwargs))
        attempts.append(attempt)
        try:
            endpoint = await create(*args, **kwargs)
        except (OSError, stun.TransactionError) as error:
            attempt.failure = _why(error)
            raise
        attempt.succeeded = True
        _give_up_soon(endpoint[0])
        return endpoint

    return create_turn_endpoint


@guarded("?")
def _address_of(
    protocol_factory: object = None, server_addr: tuple[str, int] = ("?", 0), *_: Any, **__: Any
) -> str:
    host, port = server_addr
    return f"{host}:{port}"


@guarded("failed")
def _why(error: Exception) -> str:
    """Describe why a TURN server allocated no relay."""
    if not isinstance(error, stun.TransactionFailed):
        return f"cannot be reached: {error}"
    code, reason = error.response.attributes.get("ERROR-CODE", (0, "no reason given"))
    if code == 401:
        return f"refused the username and credential: they are wrong, or have expired ({code})"
    return f"refused to relay: {code} {reason}"


RELEASE_TIMEOUT_S = 1.0
"""How long a TURN server may take to release a relay; otherwise the relay expires."""


@guarded(None)
def _give_up_soon(transport: Any) -> None:
    """Let a connection end although its TURN server has died.

    aioice tries to release the relay for some 40 s, and closes its socket only after that, or when
    it is canceled.
    """
    if not RELEASE.fits:
        return
    protocol = getattr(transport, _INNER)
    delete = protocol.delete

    async def delete_soon() -> None:
        try:
            await asyncio.wait_for(delete(), RELEASE_TIMEOUT_S)
        except asyncio.TimeoutError:
            logger.debug("A TURN server did not answer the release of its relay")

    protocol.delete = delete_soon
