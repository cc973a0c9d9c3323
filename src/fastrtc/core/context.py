"""The connection that the running code belongs to."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from .commitment import current_commitment
from .identity import ClientRequest
from .recording import NO_RECORDING, RecordingControl
from .transcript import Transcript
from .turn import Turn

__all__ = [
    "Call",
    "Connected",
    "Context",
    "connect_context",
    "current_context",
    "get_current_context",
]

CONNECTED = "__fastrtc_connected__"
"""The key of the connection in the ``__dict__`` of a context."""

CALL_TIMEOUT_S = 10.0
"""How long the client may take to answer a call, in seconds, unless the program says otherwise."""


@dataclass(frozen=True)
class Call:
    """The telephone call of a connection.

    Attributes:
        provider: The telephony provider: ``"twilio"``, ``"telnyx"`` or ``"plivo"``.
        id: The provider's call id, as its REST API uses it: Twilio's ``callSid``, Telnyx's
            ``call_control_id``, Plivo's ``callId``; None if it was not sent.
        from_number: The caller's number; None if it was not sent.
        to_number: The called number; None if it was not sent.
        parameters: Custom parameters: ``<Parameter>`` of TwiML and TeXML, ``extraHeaders`` of
            Plivo's XML.
        start: The provider's ``start`` message, unmodified.
    """

    provider: str
    id: str | None = None
    from_number: str | None = None
    to_number: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    start: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Connected:
    """What a context needs of its session; all functions but ``call`` are thread-safe.

    Attributes:
        close: Ends the connection, with a reason for the client.
        send: Sends a text to the client.
        call: Calls a function of the client by name, with data and a time-out in seconds.
        call_sync: The same, from a thread.
        transcribe: Sends a transcript to the client.
        turns: Returns the last turns.
        recording: Returns the control of its recording.
    """

    close: Callable[[str], None]
    send: Callable[[str], None]
    call: Callable[[str, Any, float], Awaitable[Any]]
    call_sync: Callable[[str, Any, float], Any]
    transcribe: Callable[[Transcript], None]
    turns: Callable[[], tuple[Turn, ...]] = tuple
    recording: Callable[[], RecordingControl] = lambda: NO_RECORDING


@dataclass
class Context:
    """The connection that a handler serves.

    Attributes:
        webrtc_id: The id that the client chose for the connection.
        websocket: The WebSocket of the connection; None over WebRTC. A client may resume its
            connection over the other transport.
        phone_call: The telephone call; None if the connection is not a call.
        request: The request of the offer or the WebSocket; None if the program's own route passed
            on the offer, or code that is no request opened the connection. It is the latest one if
            the client has resumed its connection.
        metadata: The JSON object that the client sent with its offer, or in ``start`` of its
            WebSocket; the custom parameters of a telephone call. Values of a token replace those
            that the client sent.
        user: What ``authorize`` returned, if it is more than a bool; otherwise the user of the
            token; otherwise None.
        state: Data of the program about this connection; empty at first.
    """

    webrtc_id: str
    websocket: Any = None
    phone_call: Call | None = None
    request: ClientRequest | None = field(default=None, repr=False, compare=False)
    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    user: Any = field(default=None, repr=False, compare=False)
    state: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def close(self, reason: str = "Closed by the server") -> None:
        """End the connection; thread-safe.

        Args:
            reason: Sent to the client in an ``end_stream`` message.

        Raises:
            RuntimeError: If the context has no connection.
        """
        self._connection().close(reason)

    def send(self, message: Mapping[str, Any] | str | Transcript) -> None:
        """Send a message to the client; thread-safe.

        Before the client's data channel is open, it is queued; after the end it is dropped.

        Args:
            message: A JSON object, which needs a ``"type"`` for the clients of this package; or a
                string, which is sent as it is; or a ``Transcript``.

        Raises:
            RuntimeError: If the context has no connection.
            TypeError: If JSON cannot represent the message.
        """
        connection = self._connection()
        if isinstance(message, Transcript):
            connection.transcribe(message)
        else:
            connection.send(message if isinstance(message, str) else json.dumps(message))

    async def call(self, name: str, data: Any = None, timeout_s: float = CALL_TIMEOUT_S) -> Any:
        """Call a function of the client, and wait for its result.

        Args:
            name: The name that the client has given to its function: ``connection.handle(name,
                fn)`` in JavaScript.
            data: The argument; anything that JSON can represent.
            timeout_s: How long to wait for the result, in seconds.

        Returns:
            The result, parsed from JSON.

        Raises:
            ClientCallError: If the client has no such function, its function failed, or the
                connection has ended.
            ClientCallTimeout: If there is no result in time; a ``ClientCallError`` and
                ``TimeoutError``.
            RuntimeError: If the context has no connection.
            TypeError: If JSON cannot represent the data.
            ValueError: If the data are larger than 64 KB.
        """
        return await self._connection().call(name, data, timeout_s)

    def call_sync(self, name: str, data: Any = None, timeout_s: float = CALL_TIMEOUT_S) -> Any:
        """Call a function of the client from sync code; see ``call``.

        Raises:
            RuntimeError: On the event loop, which it would block, or without a connection.
            ClientCallError: As ``call`` raises it.
        """
        return self._connection().call_sync(name, data, timeout_s)

    @property
    def recording(self) -> RecordingControl:
        """Starts and stops the recording of the connection: ``start()``, ``stop()``, ``active``.

        Without ``Stream(record=...)``, ``start`` raises ``RuntimeError``.
        """
        connected: Connected | None = vars(self).get(CONNECTED)
        return NO_RECORDING if connected is None else connected.recording()

    async def committed(self) -> None:
        """Wait until the reply that calls this is certain to be played.

        Call it before side effects in a function that is started early (``early=True``). It
        returns at once in any other function.

        Raises:
            asyncio.CancelledError: If the speaker goes on, so that the reply is not played.
        """
        commitment = current_commitment.get()
        if commitment is not None:
            await commitment.committed()

    def wait_committed(self) -> None:
        """Like ``committed``, for sync functions.

        Raises:
            concurrent.futures.CancelledError: If the speaker goes on, so that the reply is not
                played.
        """
        commitment = current_commitment.get()
        if commitment is not None:
            commitment.wait_committed()

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The last turns of the conversation, at most 100, if the stream has an ``on_turn``."""
        connected: Connected | None = vars(self).get(CONNECTED)
        return () if connected is None else connected.turns()

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes for a copy, which has no connection."""
        return {name: value for name, value in vars(self).items() if name != CONNECTED}

    def _connection(self) -> Connected:
        connected: Connected | None = vars(self).get(CONNECTED)  # no field, for asdict() etc.
        if connected is None:
            raise RuntimeError("This context has no connection")
        return connected


def connect_context(context: Context, connected: Connected) -> None:
    """Connect a context to its connection."""
    vars(context)[CONNECTED] = connected


current_context: ContextVar[Context | None] = ContextVar("current_context", default=None)


def get_current_context() -> Context:
    """Return the context of the connection that the running code belongs to.

    Available in all methods of a handler, in functions, reply generators and callbacks.

    Raises:
        RuntimeError: Outside a connection.
    """
    context = current_context.get()
    if context is None:
        raise RuntimeError("No context found: this code does not run for a connection")
    return context
