"""What a handler can know about a session of the OpenAI Realtime API."""

from __future__ import annotations

from typing import Any, Literal

from ...core.context import Context, get_current_context
from .machine import RealtimeMachine

__all__ = ["STATE_KEY", "RealtimeSession", "realtime_session"]

STATE_KEY = "openai_session"
"""The key of the session in ``Context.state``."""


class RealtimeSession:
    """What the client has configured, and the conversation so far; read-only, from any thread.

    Args:
        machine: The state machine of the session.
    """

    def __init__(self, machine: RealtimeMachine) -> None:
        self._machine = machine

    @property
    def id(self) -> str:
        """The id of the session, which is that of the connection."""
        return self._machine.config.id

    @property
    def model(self) -> str:
        """The model that the client has named."""
        return self._machine.config.model

    @property
    def instructions(self) -> str:
        """The instructions of the client; empty without any."""
        return self._machine.config.instructions

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The functions of the client: dicts with ``name``, ``description``, ``parameters``.

        Call them with ``ToolCall``, or with ``Context.call``.
        """
        return self._machine.config.tools

    @property
    def output_modality(self) -> Literal["audio", "text"]:
        """Whether the client wants audio with its transcript, or only text."""
        return self._machine.config.output_modality

    @property
    def voice(self) -> Any:
        """The voice that the client has chosen: a name, or a dict with an ``id``."""
        return self._machine.config.voice

    @property
    def text(self) -> str:
        """What the user has typed for the reply that was last asked for; else empty."""
        return self._machine.text

    @property
    def items(self) -> list[dict[str, Any]]:
        """The conversation: items as the protocol has them, with the transcripts that are known."""
        return [dict(item) for item in self._machine.items]

    def as_dict(self) -> dict[str, Any]:
        """Return the configuration: the session object of the protocol."""
        return self._machine.config.as_dict()


def realtime_session(context: Context | None = None) -> RealtimeSession | None:
    """Return the session of a connection; None if its client speaks another protocol.

    Args:
        context: The context of the connection; by default the current one.

    Raises:
        RuntimeError: Outside a connection, if no context is given.
    """
    context = get_current_context() if context is None else context
    found = context.state.get(STATE_KEY)
    return found if isinstance(found, RealtimeSession) else None
