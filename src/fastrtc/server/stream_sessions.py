"""The part of ``Stream`` for its connections: methods for clients, tokens, and closing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from ..core.stats import ConnectionStats
from ..core.turn import Turn
from ..session.methods import Method, check_method
from .connection_stats import stats_of
from .endpoint import endpoint_of
from .tokens import Tokens

__all__ = ["StreamSessions"]

F = TypeVar("F", bound=Callable[..., Any])


class StreamSessions:
    """The part of ``Stream`` for its connections."""

    @overload
    def method(self, function: F, /) -> F: ...

    @overload
    def method(self, name: str | None = None, /) -> Callable[[F], F]: ...

    def method(self, function: Any = None, /) -> Any:
        """Register a function that clients may call: ``@stream.method``.

        It gets the data of the call, if it has a parameter, and returns the result; both are values
        of JSON. ``get_current_context()`` is the connection of the client. A sync function runs in
        a thread of the connection, an async one in a task. If it raises an exception, that is
        logged, and the client gets its message.

            @stream.method
            async def add_to_cart(data: dict) -> int:
                ...

            @stream.method("cart.clear")
            def clear() -> None:
                ...

        Args:
            function: The function; or the name, of which it returns the decorator. Without a name,
                it is that of the function.

        Raises:
            TypeError: If the function cannot be called with one argument, or with none.
            ValueError: If the stream has a method of this name.
        """
        methods = endpoint_of(self).hooks.methods
        if function is None or isinstance(function, str):
            return lambda given: _register(methods, given, function)
        return _register(methods, function, None)

    def tokens(self, secret: str | bytes, *, required: bool = True) -> Tokens:
        """Let clients connect with signed tokens, and return the object that issues them.

        Your web app, which knows the user, issues a token for each connection; the client sends it
        in ``Authorization: Bearer TOKEN``, in ``?token=TOKEN``, or as a subprotocol of its
        WebSocket. ``authorize`` is called after the token was checked. Telephone calls have no
        tokens. A token can be used for one connection in each process, as no server stores it.

            tokens = stream.tokens(os.environ["TOKEN_SECRET"])
            token = tokens.issue(user="anna", metadata={"plan": "pro"})

        Args:
            secret: At least 16 bytes, the same in all processes that issue or accept the tokens,
                and another one for each stream.
            required: Whether to refuse requests over WebRTC and WebSocket without a token.
                Otherwise ``authorize`` alone decides about these.

        Raises:
            ValueError: If the secret is too short.
            TypeError: If it is neither a string nor bytes.
        """
        tokens = Tokens(secret, required=required)
        endpoint_of(self).hooks.tokens = tokens
        return tokens

    def turns(self, id: str) -> tuple[Turn, ...]:
        """Return the last turns of a connection of this process, at most 100; thread-safe.

        They are recorded for a stream with ``on_turn``.

        Args:
            id: The id of the connection.

        Raises:
            LookupError: If it is unknown.
        """
        for member in endpoint_of(self).members():
            connection = member.get(id)
            if connection is not None:
                records: tuple[Turn, ...] = connection.session.turns.records
                return records
        raise LookupError(f"There is no connection {id!r}")

    def stats(self, id: str) -> ConnectionStats:
        """Return the figures of a connection: loss, round trip, dropped frames, bytes and others.

        Callable from any thread. With a ``cluster``, connections of other processes are known to
        calls from a thread without an event loop.

        Args:
            id: The id of the connection.

        Raises:
            LookupError: If it is unknown, or has ended: ``on_disconnect`` gets the last figures.
        """
        return stats_of(endpoint_of(self), id)

    async def close(self, id: str, reason: str = "Closed by the server") -> bool:
        """End a connection of any process of the cluster, also one of the stream's page.

        Args:
            id: The id of the connection.
            reason: Sent to the client in an ``end_stream`` message, with the code ``"server"``.

        Returns:
            Whether the connection was found.
        """
        members = endpoint_of(self).members()
        if any(member.end(id, reason, tell=True) for member in members):
            return True
        for member in members:
            if member.cluster is not None and await member.cluster.call(id, "close", reason):
                return True
        return False


def _register(methods: dict[str, tuple[Method, int]], function: F, name: str | None) -> F:
    name = function.__name__ if name is None else name
    if name in methods:
        raise ValueError(f"The stream has a method {name!r} already")
    methods[name] = function, check_method(function)
    return function
