"""Events of a conversation as RTVI messages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from ...core.conversation_events import (
    AudioEnded,
    AudioStarted,
    ConversationEvent,
    FunctionCalled,
    FunctionEnded,
    ReplyInterrupted,
    SpeechStarted,
    SpeechStopped,
    TextSaid,
    TurnListener,
)
from ...core.turn import Turn
from .messages import create

__all__ = ["ConversationMessages", "metrics_of"]

NAMES: dict[type[Any], str] = {
    SpeechStarted: "user-started-speaking",
    SpeechStopped: "user-stopped-speaking",
    FunctionCalled: "bot-llm-started",
    FunctionEnded: "bot-llm-stopped",
    AudioStarted: "bot-started-speaking",
    AudioEnded: "bot-stopped-speaking",
    ReplyInterrupted: "bot-interrupted",
}
"""The messages without content."""


class ConversationMessages(TurnListener):
    """Send the events of a conversation to the client.

    Args:
        send: Sends a text, on the event loop.
        user_id: The id of the user in transcripts.
        clock: Returns the time of day.
    """

    def __init__(
        self,
        send: Callable[[str], None],
        user_id: str,
        clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._send = send
        self._user_id = user_id
        self._clock = clock
        self._segments = 0

    def on_event(self, event: ConversationEvent) -> None:
        """Send the messages for an event."""
        if isinstance(event, TextSaid):
            self._said(event)
        elif isinstance(event, ReplyInterrupted) and not event.audible:
            return  # the bot did not speak
        elif type(event) in NAMES:
            self._send(create(NAMES[type(event)]))

    def _said(self, said: TextSaid) -> None:
        if said.who == "user":
            transcription = {
                "text": said.text,
                "final": said.final,
                "timestamp": self._clock().isoformat(timespec="milliseconds"),
                "user_id": self._user_id,
            }
            self._send(create("user-transcription", transcription))
            return
        if not said.final or not said.text:  # a partial text is repeated in the final one
            return
        self._segments += 1
        output = {
            "text": said.text,
            "aggregated_by": "sentence",
            "segment_id": self._segments,
            "spoken": True,  # for clients of RTVI 1
            "will_be_spoken": True,
        }
        self._send(create("bot-output", output))
        self._send(create("bot-transcription", {"text": said.text}))

    def on_turn(self, turn: Turn) -> None:
        """Send the times of a turn."""
        metrics = metrics_of(turn)
        if metrics:
            self._send(create("metrics", metrics))


def metrics_of(turn: Turn) -> dict[str, list[dict[str, Any]]]:
    """Return the data of ``metrics`` for a turn; empty if nothing is known.

    ``ttfb`` has the silence between the user's speech and the reply, and ``processing`` its parts,
    in seconds.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    if turn.silence_s is not None:
        found["ttfb"] = [{"processor": "fastrtc", "value": round(turn.silence_s, 3)}]
    names = ("end_of_turn", "handler", "first_audio", "playout", "heard")
    parts = [(name, getattr(turn.parts, name, None)) for name in names]
    known = [{"processor": name, "value": round(s, 3)} for name, s in parts if s is not None]
    if known:
        found["processing"] = known
    return found
