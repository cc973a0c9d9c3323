"""Telnyx media streaming (developers.telnyx.com, "Stream call media over WebSocket")."""

from __future__ import annotations

import logging

from ...core.context import Call
from ...core.log_throttle import LogThrottle
from ...pacing.jitter_buffer import SEQUENCE_NUMBERS, JitterBuffer, JitterBufferOptions
from ..socket.events import Audio, Encoding, SocketEvent, Start
from .provider import Message, Provider, encoded, maybe_text, section, text_of, texts, write

__all__ = ["Telnyx"]

logger = logging.getLogger(__name__)
_reports = LogThrottle()

CODECS: dict[str, Encoding] = {"PCMU": "mulaw", "PCMA": "alaw"}


MAX_WAITING = 3
"""Messages of 20 ms that are buffered while one is missing."""


class Telnyx(Provider):
    """Calls through Telnyx' ``stream_url``, or ``<Stream>`` of its TeXML.

    The stream must be bidirectional in ``rtp`` mode, with PCMU or PCMA as both its codec and
    its bidirectional codec: the ``start`` message names only the first.

    Telnyx does not promise to send audio in order; it numbers the messages (``chunk``). Messages
    that arrive early wait up to 60 ms for missing ones.
    """

    name = "telnyx"
    ignored = frozenset({"connected"})

    def __init__(self) -> None:
        super().__init__()
        self._order: JitterBuffer[bytes] = JitterBuffer(
            JitterBufferOptions(most_waiting=MAX_WAITING)
        )

    @classmethod
    def recognises(cls, start: Message) -> bool:
        """Return whether a ``start`` message has Telnyx' ``stream_id``."""
        return "stream_id" in start

    def begin(self, start: Message) -> Start:
        """Parse the ``start`` message.

        Raises:
            MalformedMessage: If a field is missing, or the codec is neither PCMU nor PCMA.
        """
        self.stream_id = text_of(start, "stream_id")
        details = section(start, "start")
        format = section(details, "media_format")
        call = Call(
            self.name,
            id=maybe_text(details, "call_control_id"),
            from_number=maybe_text(details, "from"),
            to_number=maybe_text(details, "to"),
            parameters=texts(details.get("custom_parameters")),
            start=start,
        )
        return self._start(call, format.get("encoding"), format.get("sample_rate"), CODECS)

    def read(self, event: str, message: Message) -> SocketEvent | None:
        """Parse a message; an ``error`` of Telnyx is logged."""
        if event == "error":
            _reports.log(
                logger.warning,
                "Telnyx reported an error of stream %s: %.500r",
                self.stream_id,
                dict(message),
            )
            return None
        return super().read(event, message)

    def _audio(self, media: Message) -> Audio | None:
        audio = super()._audio(media)
        chunk = str(media.get("chunk"))
        if audio is None or not (chunk.isascii() and chunk.isdecimal() and len(chunk) < 20):
            return audio
        # by number only: the audio of a call never pauses
        packets = self._order.push(int(chunk) % SEQUENCE_NUMBERS, 0, audio.payload, now=0.0)
        return Audio(b"".join(packet.payload for packet in packets)) if packets else None

    def audio(self, payload: bytes) -> str:
        """Format ``media``."""
        return write({"event": "media", "media": {"payload": encoded(payload)}})

    def clear(self) -> str:
        """Format ``clear``: Telnyx drops its buffer, and echoes the marks that were in it."""
        return write({"event": "clear"})

    def mark(self, name: str) -> str:
        """Format ``mark``, which Telnyx echoes when it has played the audio before it."""
        return write({"event": "mark", "mark": {"name": name}})
