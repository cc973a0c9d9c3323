"""Which connection the code that runs now belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Call", "Context", "current_context", "get_current_context"]


@dataclass(frozen=True)
class Call:
    """The telephone call that a connection is.

    Attributes:
        provider: Who carries it: ``"twilio"``, ``"telnyx"`` or ``"plivo"``.
        id: The provider's id of the call, by which its REST API knows it: Twilio's
            ``callSid``, Telnyx's ``call_control_id``, Plivo's ``callId``; None if it did
            not say.
        from_number: Who calls; None if the provider did not say.
        to_number: Who is called; None if the provider did not say.
        parameters: Custom parameters: ``<Parameter>`` of TwiML and TeXML, ``extraHeaders``
            of Plivo's XML.
        start: The provider's ``start`` message as it came.
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
        websocket: The WebSocket of the connection, or None over WebRTC.
        call: The telephone call, if the connection is one.
    """

    webrtc_id: str
    websocket: Any = None
    call: Call | None = None


current_context: ContextVar[Context | None] = ContextVar("current_context", default=None)


def get_current_context() -> Context:
    """Tell which connection the running code belongs to.

    Readable in every method of a handler, in functions and in reply generators.

    Raises:
        RuntimeError: Outside a connection.
    """
    context = current_context.get()
    if context is None:
        raise RuntimeError("No context found: this code does not run for a connection")
    return context
