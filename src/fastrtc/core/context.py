"""The connection that the running code belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from .commitment import current_commitment

__all__ = ["Call", "Context", "current_context", "get_current_context"]


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


@dataclass
class Context:
    """The connection that a handler serves.

    Attributes:
        webrtc_id: The id that the client chose for the connection.
        websocket: The WebSocket of the connection; None over WebRTC.
        call: The telephone call; None if the connection is not a call.
    """

    webrtc_id: str
    websocket: Any = None
    call: Call | None = None

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


current_context: ContextVar[Context | None] = ContextVar("current_context", default=None)


def get_current_context() -> Context:
    """Return the context of the connection that the running code belongs to.

    Available in all methods of a handler, in functions and in reply generators.

    Raises:
        RuntimeError: Outside a connection.
    """
    context = current_context.get()
    if context is None:
        raise RuntimeError("No context found: this code does not run for a connection")
    return context
