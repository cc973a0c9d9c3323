"""The audio in events: base64 of PCM at 24 kHz, or of G.711 at 8 kHz. No I/O."""

from __future__ import annotations

import base64
import binascii

import numpy as np

from ...audio.converter import AudioConverter
from ...audio.encodings import ENCODINGS
from .errors import EventError
from .session_config import AudioFormat

__all__ = ["RATE", "AudioDecoder", "AudioEncoder"]

RATE = 24_000
"""Sample rate of the audio of a session, in Hz."""

TELEPHONE_RATE = 8_000
"""Sample rate of G.711, in Hz."""

_G711 = {"audio/pcmu": ENCODINGS["mulaw"], "audio/pcma": ENCODINGS["alaw"]}
_PCM = ENCODINGS["pcm16"]


class AudioDecoder:
    """Decode the audio of a client."""

    def __init__(self) -> None:
        self._converter = AudioConverter(RATE, 1)

    def decode(self, format: AudioFormat, audio: str) -> tuple[bytes, float]:
        """Return PCM at 24 kHz, and the length of the audio in milliseconds.

        Raises:
            EventError: If it is no base64, or not of whole samples.
        """
        try:
            payload = base64.b64decode(audio, validate=True)
        except (binascii.Error, ValueError):
            raise EventError("The audio is not valid base64", param="audio") from None
        if format == "audio/pcm":
            if len(payload) % 2:
                raise EventError("The audio has an odd number of bytes", param="audio")
            return payload, len(payload) / (2 * RATE / 1000)
        samples = _G711[format].decode(payload)[np.newaxis]
        converted = self._converter.convert(TELEPHONE_RATE, samples)
        return _PCM.encode(converted), len(payload) / (TELEPHONE_RATE / 1000)


class AudioEncoder:
    """Encode the audio for a client."""

    def __init__(self) -> None:
        self._converter = AudioConverter(TELEPHONE_RATE, 1)

    def encode(self, format: AudioFormat, pcm: bytes) -> str:
        """Return audio in base64, of PCM at 24 kHz."""
        if format != "audio/pcm":
            samples = _PCM.decode(pcm)[np.newaxis]
            pcm = _G711[format].encode(self._converter.convert(RATE, samples))
        return base64.b64encode(pcm).decode("ascii")
