"""Twilio Media Streams (twilio.com/docs/voice/media-streams/websocket-messages)."""

from __future__ import annotations

import json

from ...core.context import Call
from ..socket.events import Start
from .provider import PHONE_RATE, Message, Provider, encoded, maybe_text, text_of, texts, write

__all__ = ["Twilio"]


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
        """Return a ``log`` message unchanged, as FastRTC 0.0.34 does; None for others."""
        return text if json.loads(text).get("type") == "log" else None

    def mark(self, name: str) -> str:
        """Format ``mark``, which Twilio echoes when it has played the audio before it."""
        return write({"event": "mark", "streamSid": self.stream_id, "mark": {"name": name}})
