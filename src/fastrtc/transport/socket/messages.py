"""What a browser, or any other client, says over ``/websocket/offer``; without I/O."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, cast, get_args

from ...core.context import Call
from .events import (
    Audio,
    BrowserEncoding,
    Encoding,
    Invalid,
    Ping,
    SocketEvent,
    Start,
    Stop,
)

__all__ = ["BrowserMessages"]

MAX_ID_LENGTH = 256
"""Characters that the id of a connection may have; a UUID has 36."""

MIN_RATE, MAX_RATE = 8_000, 192_000
"""The sample rates that a client may choose, in Hz: those of telephones to those of sound cards."""

FRAMES_PER_SECOND = 50
"""Audio goes out in frames of 20 ms, so an output rate must be a multiple of this."""


class BrowserMessages:
    """The messages of FastRTC's WebSocket clients; a ``SocketProtocol``.

    A client that names no ``audio`` in its ``start`` gets and sends mu-law at the rates of
    the handler, and nothing that FastRTC 0.0.34 would not send. One that does may choose
    the encoding, the rates and binary messages, is answered by ``started`` and told to ``clear``.
    """

    def __init__(self) -> None:
        self._begun = False
        self._negotiated = False
        self._binary = False
        self._encoding: Encoding = "mulaw"

    def receive(self, message: str | bytes) -> list[SocketEvent]:
        """Read a message of the client; never raises."""
        try:
            event = self._audio(message) if isinstance(message, bytes) else self._read(message)
        except ValueError as error:
            return [Invalid(str(error))]
        return [event]

    def _read(self, text: str) -> SocketEvent:
        message = _parse(text)
        event = message.get("event")
        if event == "start":
            return self._start(message)
        if event == "media":
            return self._media(message.get("media"))
        if event == "stop":
            return Stop()
        if event == "ping":
            return Ping()
        if not isinstance(event, str):
            raise ValueError("A message has an 'event', a text")
        raise ValueError(f"Unknown event {_shown(event)}: there are start, media, stop and ping")

    def _start(self, message: dict[str, Any]) -> Start:
        if self._begun:
            raise ValueError("The connection has started already")
        id = message.get("websocket_id")
        if not isinstance(id, str) or not 0 < len(id) <= MAX_ID_LENGTH or not id.isprintable():
            raise ValueError(
                f"websocket_id must be a text of 1 to {MAX_ID_LENGTH} printable characters"
            )
        audio = message.get("audio")
        start = Start(id, framed=False) if audio is None else _negotiate(id, audio)
        self._begun = True
        self._negotiated = audio is not None
        self._binary = audio is not None and audio.get("binary", False)
        self._encoding = start.encoding
        return start

    def _media(self, media: Any) -> Audio:
        payload = media.get("payload") if isinstance(media, dict) else None
        if not isinstance(payload, str):
            raise ValueError("A media event has media.payload, a text in base64")
        try:
            return self._audio(base64.b64decode("".join(payload.split()), validate=True))
        except binascii.Error as error:
            raise ValueError(f"media.payload is not base64: {error}") from error

    def _audio(self, payload: bytes) -> Audio:
        if not self._begun:
            raise ValueError("There was audio before the start event")
        if self._encoding == "pcm16" and len(payload) % 2:
            raise ValueError(f"A sample of pcm16 has two bytes: {len(payload)} bytes are odd")
        return Audio(payload)

    def started(self, start: Start) -> str | None:
        """Tell a client that has negotiated what was agreed."""
        if not self._negotiated:
            return None
        audio = {
            "encoding": start.encoding,
            "input_sample_rate": start.input_rate,
            "output_sample_rate": start.output_rate,
            "binary": self._binary,
        }
        return json.dumps({"event": "started", "websocket_id": start.id, "audio": audio})

    def audio(self, payload: bytes) -> str | bytes:
        """Write a ``media`` event, or a binary message for a client that wants those."""
        if self._binary:
            return payload
        encoded = base64.b64encode(payload).decode("ascii")
        return f'{{"event": "media", "media": {{"payload": "{encoded}"}}}}'

    def clear(self) -> str | None:
        """Tell a client that has negotiated to drop the audio that it has not played."""
        return '{"event": "clear"}' if self._negotiated else None

    def mark(self, name: str) -> None:
        """Say nothing: browsers are not asked how far they have played."""

    def pong(self) -> str:
        """Answer a ``ping``."""
        return '{"event": "pong"}'

    def message(self, text: str) -> str:
        """Pass a message on as it is."""
        return text

    async def hang_up(self, call: Call) -> None:
        """Do nothing: there is no call."""


def _parse(text: str) -> dict[str, Any]:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"A message is a JSON text: {error}") from error
    if not isinstance(message, dict):
        raise ValueError("A message is a JSON object")
    return message


def _negotiate(id: str, audio: Any) -> Start:
    if not isinstance(audio, dict):
        raise ValueError("audio must be an object")
    encodings = get_args(BrowserEncoding)
    encoding = audio.get("encoding", "mulaw")
    if encoding not in encodings:
        raise ValueError(
            f"audio.encoding must be one of {', '.join(encodings)}, not {_shown(encoding)}"
        )
    binary = audio.get("binary", False)
    if not isinstance(binary, bool):
        raise ValueError(f"audio.binary must be true or false, not {_shown(binary)}")
    return Start(
        id,
        cast(Encoding, encoding),
        _rate("input_sample_rate", audio, 1),
        _rate("output_sample_rate", audio, FRAMES_PER_SECOND),
    )


def _rate(name: str, audio: dict[str, Any], multiple: int) -> int | None:
    rate = audio.get(name)
    if rate is None:
        return None
    if (
        not isinstance(rate, int)
        or isinstance(rate, bool)
        or not MIN_RATE <= rate <= MAX_RATE
        or rate % multiple
    ):
        kind = f"a multiple of {multiple}" if multiple > 1 else "a whole number"
        raise ValueError(
            f"audio.{name} must be {kind} from {MIN_RATE} to {MAX_RATE} Hz, not {_shown(rate)}"
        )
    return rate


def _shown(value: Any) -> str:
    """Give the beginning of what a client sent."""
    return f"{value!r:.40}"
