"""The messages of browsers and programs over ``/websocket/offer``. No I/O."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import replace
from typing import Any, cast, get_args

from ...core.context import Call
from ...core.identity import check_metadata
from ...core.limits import MAX_ID_LENGTH
from ...core.messages import parse_message
from ...core.rates import FRAMES_PER_SECOND
from ...core.resume import read_resume
from ...core.versions import read_client_version
from .events import (
    Audio,
    BrowserEncoding,
    Encoding,
    Invalid,
    Message,
    Ping,
    SocketEvent,
    Start,
    Stop,
)

__all__ = ["BrowserMessages"]

MIN_RATE, MAX_RATE = 8_000, 192_000
"""Sample rates that a client may choose, in Hz: from telephones to sound cards."""

_MEDIA_STARTS = (
    '{"event":"media","media":{"payload":"',
    '{"event": "media", "media": {"payload": "',
)
"""How ``JSON.stringify`` and ``json.dumps`` begin a ``media`` event."""

_MEDIA_END = '"}}'


class BrowserMessages:
    """The ``SocketProtocol`` of FastRTC's WebSocket clients.

    A client without ``audio`` in its ``start`` sends and receives mu-law at the rates of the
    handler, and receives nothing that FastRTC 0.0.34 would not send. A client with ``audio`` may
    choose the encoding, the rates and binary messages, and receives ``started`` and ``clear``. One
    with ``"pause": true`` in it also receives ``pause`` and ``resume``. ``started`` has the version
    of the server if ``start`` had that of the client.
    """

    def __init__(self) -> None:
        self._begun = False
        self._negotiated = False
        self._binary = False
        self._pause: bool | None = None
        self._encoding: Encoding = "mulaw"
        self._version: dict[str, str] = {}

    def receive(self, message: str | bytes) -> list[SocketEvent]:
        """Parse a message of the client; never raises."""
        try:
            event = self._audio(message) if isinstance(message, bytes) else self._read(message)
        except ValueError as error:
            return [Invalid(str(error))]
        return [event]

    def _read(self, text: str) -> SocketEvent:
        if (payload := _plain_media(text)) is not None:
            return self._audio(payload)
        message = parse_message(text)
        event = message.get("event")
        if event == "start":
            return self._start(message)
        if event == "media":
            return self._media(message.get("media"))
        if event == "stop":
            return Stop()
        if event == "ping":
            return Ping()
        if event is None and isinstance(message.get("type"), str):
            return self._message(message, text)
        if not isinstance(event, str):
            raise ValueError("A message must have an 'event', or a 'type', a string")
        raise ValueError(f"Unknown event {_shown(event)}: there are start, media, stop and ping")

    def _start(self, message: dict[str, Any]) -> Start:
        if self._begun:
            raise ValueError("The connection has started already")
        id = _id("websocket_id", message.get("websocket_id"))
        audio = message.get("audio")
        metadata = check_metadata(message.get("metadata"))
        start = Start(id, framed=False) if audio is None else _negotiate(id, audio)
        start = replace(start, metadata=metadata, resume=read_resume(message))
        if start.resume is not None and audio is None:
            raise ValueError("resume needs audio in the start event")
        if "replaces" in message:
            start = replace(start, replaces=_id("replaces", message["replaces"]))
        self._begun = True
        self._version = read_client_version(message)
        self._negotiated = audio is not None
        self._binary = audio is not None and audio.get("binary", False)
        self._pause = audio.get("pause") if audio is not None else None
        self._encoding = start.encoding
        return start

    def _message(self, message: dict[str, Any], text: str) -> Message:
        if not self._begun:
            raise ValueError("A message was sent before the start event")
        return Message(message, len(text.encode(errors="surrogatepass")))

    def _media(self, media: Any) -> Audio:
        payload = media.get("payload") if isinstance(media, dict) else None
        if not isinstance(payload, str):
            raise ValueError("A media event must have media.payload, a base64 string")
        try:
            return self._audio(base64.b64decode("".join(payload.split()), validate=True))
        except binascii.Error as error:
            raise ValueError(f"media.payload is not base64: {error}") from error

    def _audio(self, payload: bytes) -> Audio:
        if not self._begun:
            raise ValueError("Audio was sent before the start event")
        if self._encoding == "pcm16" and len(payload) % 2:
            raise ValueError(f"A sample of pcm16 has two bytes: {len(payload)} bytes are odd")
        return Audio(payload)

    def started(self, start: Start) -> str | None:
        """Format ``started`` with the negotiated format; None for a client without ``audio``."""
        if not self._negotiated:
            return None
        audio = {
            "encoding": start.encoding,
            "input_sample_rate": start.input_rate,
            "output_sample_rate": start.output_rate,
            "binary": self._binary,
        }
        if self._pause is not None:
            audio["pause"] = self._pause
        started: dict[str, Any] = {"event": "started", "websocket_id": start.id, "audio": audio}
        started |= self._version
        if start.resumable is not None:
            started["resume"] = dict(start.resumable)
        return json.dumps(started)

    def audio(self, payload: bytes) -> str | bytes:
        """Format a ``media`` event, or a binary message if the client has chosen those."""
        if self._binary:
            return payload
        encoded = base64.b64encode(payload).decode("ascii")
        return f'{{"event": "media", "media": {{"payload": "{encoded}"}}}}'

    def clear(self) -> str | None:
        """Format ``clear``; None for a client that has not negotiated."""
        return '{"event": "clear"}' if self._negotiated else None

    def pause(self) -> str:
        """Format ``pause``."""
        return '{"event": "pause"}'

    def resume(self) -> str:
        """Format ``resume``."""
        return '{"event": "resume"}'

    def mark(self, name: str) -> None:
        """Return None: browsers have no marks."""

    def pong(self) -> str:
        """Format the answer to a ``ping``."""
        return '{"event": "pong"}'

    def message(self, text: str) -> str:
        """Return a message unchanged."""
        return text

    async def hang_up(self, call: Call) -> None:
        """Do nothing: there is no call."""


def _plain_media(text: str) -> bytes | None:
    """Return the audio of a ``media`` event that is written as most clients do.

    That takes half the time of parsing JSON, as base64 has no characters that JSON escapes.
    """
    start = next((start for start in _MEDIA_STARTS if text.startswith(start)), None)
    if start is None or not text.endswith(_MEDIA_END):
        return None
    try:
        return base64.b64decode(text[len(start) : -len(_MEDIA_END)], validate=True)
    except ValueError:
        return None


def _id(name: str, id: Any) -> str:
    if not isinstance(id, str) or not 0 < len(id) <= MAX_ID_LENGTH or not id.isprintable():
        raise ValueError(f"{name} must be a string of 1 to {MAX_ID_LENGTH} printable characters")
    return id


def _negotiate(id: str, audio: Any) -> Start:
    if not isinstance(audio, dict):
        raise ValueError("audio must be an object")
    encodings = get_args(BrowserEncoding)
    encoding = audio.get("encoding", "mulaw")
    if encoding not in encodings:
        raise ValueError(
            f"audio.encoding must be one of {', '.join(encodings)}, not {_shown(encoding)}"
        )
    for name in ("binary", "pause"):
        if not isinstance(value := audio.get(name, False), bool):
            raise ValueError(f"audio.{name} must be true or false, not {_shown(value)}")
    return Start(
        id,
        cast(Encoding, encoding),
        _rate("input_sample_rate", audio, 1),
        _rate("output_sample_rate", audio, FRAMES_PER_SECOND),
        pauses=audio.get("pause", False),
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
        kind = f"a multiple of {multiple}" if multiple > 1 else "an integer"
        raise ValueError(
            f"audio.{name} must be {kind} from {MIN_RATE} to {MAX_RATE} Hz, not {_shown(rate)}"
        )
    return rate


def _shown(value: Any) -> str:
    """Return the beginning of the ``repr`` of a client's value."""
    return f"{value!r:.40}"
