"""Plivo audio streaming (plivo.com/docs/voice/audio-streaming)."""

from __future__ import annotations

import re
from typing import Any

from ...core.context import Call
from ..socket.events import Encoding, Mark, SocketEvent, Start
from .provider import Message, Provider, encoded, maybe_text, section, text_of, write

__all__ = ["Plivo"]

ENCODINGS: dict[str, Encoding] = {"audio/x-mulaw": "mulaw", "audio/x-l16": "pcm16"}


class Plivo(Provider):
    """Calls through ``<Stream bidirectional="true">`` of Plivo's XML.

    Audio is mu-law, or 16-bit samples (Plivo's default), as set by the ``contentType`` of the
    element. Plivo does not send the numbers of a call; set them in ``extraHeaders`` if needed.
    """

    name = "plivo"
    ignored = frozenset({"clearedAudio"})

    @classmethod
    def recognises(cls, start: Message) -> bool:
        """Return whether a ``start`` message has Plivo's ``streamId``."""
        return "streamId" in (start.get("start") or {})

    def begin(self, start: Message) -> Start:
        """Parse the ``start`` message.

        Raises:
            MalformedMessage: If a field is missing, or the encoding is not supported.
        """
        details = section(start, "start")
        self.stream_id = text_of(details, "streamId")
        format = section(details, "mediaFormat")
        parameters = _parameters(start.get("extra_headers"))
        call = Call(
            self.name,
            id=maybe_text(details, "callId"),
            from_number=parameters.get("from"),
            to_number=parameters.get("to"),
            parameters=parameters,
            start=start,
        )
        begun = self._start(call, format.get("encoding"), format.get("sampleRate"), ENCODINGS)
        self._content_type, self._rate = format["encoding"], begun.output_rate
        return begun

    def read(self, event: str, message: Message) -> SocketEvent | None:
        """Parse a message; Plivo echoes a checkpoint as ``playedStream``."""
        if event == "playedStream":
            return Mark(text_of(message, "name"))
        return super().read(event, message)

    def audio(self, payload: bytes) -> str:
        """Format ``playAudio``."""
        media = {
            "contentType": self._content_type,
            "sampleRate": self._rate,
            "payload": encoded(payload),
        }
        return write({"event": "playAudio", "media": media})

    def clear(self) -> str:
        """Format ``clearAudio``: Plivo drops its buffer, and the checkpoints in it."""
        return write({"event": "clearAudio", "streamId": self.stream_id})

    def mark(self, name: str) -> str:
        """Format ``checkpoint``, which Plivo answers when it has played the audio before it."""
        return write({"event": "checkpoint", "streamId": self.stream_id, "name": name})


def _parameters(headers: Any) -> dict[str, str]:
    """Parse ``"userId=12345;sessionId=abc"``; commas are accepted, too."""
    if not isinstance(headers, str):
        return {}
    pairs = (pair.partition("=") for pair in re.split("[;,]", headers))
    return {name.strip(): value.strip() for name, equals, value in pairs if equals}
