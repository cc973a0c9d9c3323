"""Twilio Media Streams (twilio.com/docs/voice/media-streams/websocket-messages)."""

from __future__ import annotations

import json

from ...core.context import Call
from ..socket.events import Start
from .provider import PHONE_RATE, Message, Provider, encoded, maybe_text, text_of, texts, write

__all__ = ["Twilio"]

NOT_FOR_CALLS = frozenset(
    {
        "end_stream",
        "error",
        "fetch_output",
        "interrupted",
        "send_input",
        "started_talking",
        "update_connection",
        "warning",
    }
)
"""Types of messages that FastRTC 0.0.34 does not send on a call."""


class Twilio(Provider):
    """Calls through ``<Connect><Stream>`` of Twilio's TwiML.

    Audio is 8 kHz mu-law in both directions, and each message has the ``streamSid``. Twilio's
    ``start`` does not have the numbers of the call: they arrive as the custom parameters ``from``
    and ``to``, which the TwiML of ``/telephone/incoming`` sets.
    """

    name = "twilio"
    ignored = frozenset({"connected"})

    @classmethod
    def recognises(cls, start: Message) -> bool:
        """Return whether a ``start`` message has Twilio's ``streamSid``."""
        return "streamSid" in start or "streamSid" in (start.get("start") or {})

    def begin(self, start: Message) -> Start:
        """Parse the ``start`` message; all fields except ``streamSid`` are optional.

        Raises:
            MalformedMessage: If it is missing, or the audio is not 8 kHz mu-law.
        """
        details = start.get("start")
        details = details if isinstance(details, dict) else {}
        self.stream_id = text_of(start if "streamSid" in start else details, "streamSid")
        format = details.get("mediaFormat")
        format = format if isinstance(format, dict) else {}
        parameters = texts(details.get("customParameters"))
        call = Call(
            self.name,
            id=maybe_text(details, "callSid"),
            from_number=parameters.get("from"),
            to_number=parameters.get("to"),
            parameters=parameters,
            start=start,
        )
        encoding = format.get("encoding", "audio/x-mulaw")
        rate = format.get("sampleRate", PHONE_RATE)
        return self._start(call, encoding, rate, {"audio/x-mulaw": "mulaw"})

    def audio(self, payload: bytes) -> str:
        """Format ``media``."""
        media = {"payload": encoded(payload)}
        return write({"event": "media", "streamSid": self.stream_id, "media": media})

    def clear(self) -> str:
        """Format ``clear``: Twilio drops its buffer, and echoes the marks that were in it."""
        return write({"event": "clear", "streamSid": self.stream_id})

    def message(self, text: str) -> str | None:
        """Return what FastRTC 0.0.34 sends on a call unchanged; None for other messages.

        That is ``log``, ``stopword``, and everything that the handler itself sends.
        """
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            return text
        if isinstance(message, dict) and message.keys() == {"status", "meta"}:
            return None  # the refusal of a call that was not accepted
        kind = message.get("type") if isinstance(message, dict) else None
        return None if isinstance(kind, str) and kind in NOT_FOR_CALLS else text

    def mark(self, name: str) -> str:
        """Format ``mark``, which Twilio echoes when it has played the audio before it."""
        return write({"event": "mark", "streamSid": self.stream_id, "mark": {"name": name}})
