"""The reserved place of a new connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..core.context import Call
from ..core.errors import SessionRefused, Unauthorized
from ..core.identity import Identity, current_identity
from ..core.outputs import AdditionalOutputs
from ..session.session import Session
from .monitors import TransportName
from .tokens import Tokens

if TYPE_CHECKING:
    from .endpoint import Endpoint

__all__ = ["Reservation"]


class Reservation:
    """The reserved place of a new connection; an async context manager.

    If the block raises, the place is freed and the session, if there is one, is closed.

    Args:
        endpoint: The endpoint of the connection.
        id: The id of the connection.
        transport: Its transport.

    Raises:
        SessionRefused: On entry, if the id is in use or a limit is reached.
    """

    def __init__(self, endpoint: Endpoint, id: str, transport: TransportName) -> None:
        self._endpoint = endpoint
        self._id = id
        self._transport = transport
        self._session: Session | None = None

    async def __aenter__(self) -> Reservation:
        endpoint = self._endpoint
        await endpoint.shutdown.watch()
        endpoint.places.check_connecting(endpoint.owner.limits.connecting)
        endpoint.places.check_total(endpoint.owner.total_limit)
        endpoint.places.reserve(self._id, endpoint.owner.concurrency_limit, self._transport)
        cluster = endpoint.cluster
        if cluster is not None:
            try:
                await cluster.claim(self._id)
            except BaseException:
                endpoint.places.release(self._id)
                raise
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if error is None:
            return
        if self._session is None:
            self._endpoint.places.release(self._id)
        else:
            self._session.close(f"the connection failed to start: {error!r}")

    async def create_session(
        self,
        deliver: Callable[[AdditionalOutputs], Any],
        websocket: Any = None,
        call: Call | None = None,
        metadata: Mapping[str, Any] | None = None,
        replaces: str | None = None,
    ) -> Session:
        """Create the session, with a copy of the handler.

        Args:
            deliver: Called with each ``AdditionalOutputs``.
            websocket: The WebSocket that it uses, if any.
            call: The telephone call, if it is one.
            metadata: The metadata that the client sent. Those of its token replace them.
            replaces: The id of an attempt of the client that this connection replaces.

        Raises:
            SessionRefused: If the token of the client was used before.
            Exception: Any exception of the handler's ``copy()``.
        """
        endpoint, owner = self._endpoint, self._endpoint.owner
        identity = current_identity.get()
        _redeem(endpoint.hooks.tokens, identity, self._id, replaces)
        self._session = session = await Session.create(
            self._id,
            owner.event_handler,
            deliver=deliver,
            release=endpoint.release_session,
            time_limit=owner.time_limit,
            websocket=websocket,
            call=call,
            identity=replace(identity, metadata={**(metadata or {}), **identity.metadata}),
            hooks=endpoint.hooks,
        )
        return session


def _redeem(tokens: Tokens | None, identity: Identity, id: str, replaces: str | None) -> None:
    if tokens is None or identity.token is None:
        return
    try:
        tokens.redeem(identity.token, id, replaces)
    except Unauthorized as error:
        raise SessionRefused("unauthorized", reason=error.reason) from None
