"""The C library libopus, called without PyAV, which has no in-band FEC and fixes all settings."""

from __future__ import annotations

import ctypes
import logging
import sys
import weakref
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "DELAY_S",
    "FIRST_CELT",
    "LOW_DELAY_S",
    "Libopus",
    "LibopusDecoder",
    "LibopusEncoder",
    "libopus",
]

logger = logging.getLogger(__name__)

_INSTALLED = {"win32": "opus.dll", "darwin": "libopus.0.dylib"}
"""The name of an installed libopus by ``sys.platform``; ``libopus.so.0`` elsewhere."""

_APPLICATION_AUDIO, _APPLICATION_LOW_DELAY = 2049, 2051
_SET_BITRATE, _SET_COMPLEXITY, _SET_INBAND_FEC, _SET_PACKET_LOSS = 4002, 4010, 4012, 4014
_SET_DTX, _SET_VBR_CONSTRAINT, _SET_SIGNAL, _SET_PREDICTION_DISABLED = 4016, 4020, 4024, 4042
_SIGNAL_AUTO, _SIGNAL_VOICE = -1000, 3001
# Constants of opus_defines.h, which are part of the ABI.

_MAX_S = 0.12
"""The longest packet, in seconds (RFC 6716 section 3.2.5)."""

_STEPS_PER_S = 400
"""Missing audio is concealed in multiples of 2.5 ms, the shortest frame of Opus."""

FIRST_CELT = 0x80
"""The first byte of a packet in the mode for music, CELT, is at least this. Those of the modes for
speech, SILK and hybrid, are lower (RFC 6716 section 3.1)."""

_MAX_BYTES = 1275
"""The longest frame (RFC 6716 section 3.2.1)."""

LOW_DELAY_S = 0.0025
"""The delay of an encoder with ``low_delay``, in seconds: the look-ahead of CELT."""

DELAY_S = 0.0065
"""The delay of other encoders: 4 ms more, in which SILK resamples."""

_FEC_COMPLEXITY = 1
"""The highest complexity with FEC. At 64 kbit/s, 20 ms of speech cost 95 us instead of 225 with
complexity 5, and 67 without FEC; the signal loses 1.3 to 2.4 dB, the copies none. A client that
reports loss thus hardly costs more."""


class Libopus:
    """The functions of libopus.

    Args:
        path: The path of the library, or its name, which the system looks up.

    Raises:
        OSError: If it cannot be loaded.
        AttributeError: If it lacks a function.
    """

    def __init__(self, path: str) -> None:
        library = ctypes.CDLL(path)
        self.path = path
        pointer, number, c_int = ctypes.c_void_p, ctypes.c_int32, ctypes.c_int
        self.encoder_create = library.opus_encoder_create
        self.encoder_create.restype = pointer
        self.encoder_create.argtypes = (number, c_int, c_int, pointer)
        self.encoder_ctl = library.opus_encoder_ctl  # variadic: the value is converted explicitly
        self.encoder_ctl.argtypes = (pointer, c_int)
        self.encode = library.opus_encode
        self.encode.restype = number
        self.encode.argtypes = (pointer, pointer, c_int, pointer, number)
        self.encoder_size = library.opus_encoder_get_size
        self.encoder_destroy = library.opus_encoder_destroy
        self.encoder_destroy.restype, self.encoder_destroy.argtypes = None, (pointer,)
        self.decoder_create = library.opus_decoder_create
        self.decoder_create.restype = pointer
        self.decoder_create.argtypes = (number, c_int, pointer)
        self.decode = library.opus_decode
        self.decode.argtypes = (pointer, ctypes.c_char_p, number, pointer, c_int, c_int)
        self.decoder_destroy = library.opus_decoder_destroy
        self.decoder_destroy.restype, self.decoder_destroy.argtypes = None, (pointer,)


class LibopusDecoder:
    """Decode packets, and conceal lost ones.

    Args:
        library: The library.
        channels: The number of channels of the output, whatever the packets contain.
        rate: The sample rate of the output in Hz: 8000, 12000, 16000, 24000 or 48000.

    Attributes:
        rate: The same rate.

    Raises:
        ValueError: If libopus supports no such decoder.
    """

    def __init__(self, library: Libopus, channels: int, rate: int) -> None:
        state = library.decoder_create(rate, channels, None)
        if not state:
            raise ValueError(f"libopus has no decoder of {channels} channels at {rate} Hz")
        weakref.finalize(self, library.decoder_destroy, state).atexit = False
        self.rate = rate
        self._decode = library.decode
        self._state = state
        self._channels = channels
        self._most = round(_MAX_S * rate)
        self._step = rate // _STEPS_PER_S
        self._buffer = np.empty((self._most, channels), np.int16)
        self._pointer = self._buffer.ctypes.data
        self._toc = FIRST_CELT

    @property
    def in_speech_mode(self) -> bool:
        """Whether the last packet was in a mode with FEC and good concealment."""
        return self._toc < FIRST_CELT

    def decode(self, payload: bytes) -> NDArray[np.int16]:
        """Decode a packet.

        Returns:
            Shape ``(channels, n)``; no samples if it is empty.

        Raises:
            ValueError: If the packet is damaged.
        """
        if not payload:
            return np.zeros((self._channels, 0), np.int16)
        self._toc = payload[0]
        return self._samples(payload, self._most, 0)

    def conceal(self, size: int, following: bytes = b"") -> NDArray[np.int16]:
        """Return audio in place of lost packets; to be called before the next one is decoded.

        The last lost packet is decoded from its copy in the following one (in-band FEC), if there
        is one. What is left is concealed by the decoder (PLC).

        Args:
            size: The number of missing samples; rounded down to 2.5 ms.
            following: The packet directly after them, if it has arrived.

        Returns:
            Shape ``(channels, n)``.

        Raises:
            ValueError: If the following packet is damaged.
        """
        size -= size % self._step
        parts = []
        while size > 0:
            part = min(size, self._most)
            size -= part
            parts.append(self._samples(b"" if size else following, part, 1))
        if len(parts) == 1:
            return parts[0]
        return np.concatenate([np.zeros((self._channels, 0), np.int16), *parts], axis=1)

    def _samples(self, payload: bytes, size: int, fec: int) -> NDArray[np.int16]:
        n = self._decode(self._state, payload or None, len(payload), self._pointer, size, fec)
        if n < 0:
            raise ValueError(f"libopus cannot decode a packet: error {n}")
        return self._buffer[:n].T.copy()


class LibopusEncoder:
    """Encode frames, with settings that can change between them.

    Args:
        library: The library.
        channels: 1 or 2.
        rate: The sample rate of the input in Hz: 8000, 12000, 16000, 24000 or 48000.
        bit_rate: The bit rate per second, including FEC.
        complexity: 0 to 10.
        dtx: Whether packets of silence have one or two bytes, and need not be sent.
        low_delay: Whether to use the mode for music, CELT, alone, which delays audio by
            ``LOW_DELAY_S``.

    Raises:
        ValueError: If libopus supports no such encoder.
    """

    def __init__(
        self,
        library: Libopus,
        channels: int,
        rate: int,
        bit_rate: int,
        complexity: int,
        *,
        dtx: bool = False,
        low_delay: bool = False,
    ) -> None:
        application = _APPLICATION_LOW_DELAY if low_delay else _APPLICATION_AUDIO
        state = library.encoder_create(rate, channels, application, None)
        if not state:
            raise ValueError(f"libopus has no encoder of {channels} channels at {rate} Hz")
        weakref.finalize(self, library.encoder_destroy, state).atexit = False
        self._library = library
        self._state = state
        self._channels = channels
        self._complexity = complexity
        self._buffer = ctypes.create_string_buffer(_MAX_BYTES)
        self._set(_SET_BITRATE, bit_rate)
        self._set(_SET_COMPLEXITY, complexity)
        self._set(_SET_VBR_CONSTRAINT, 1)
        self._set(_SET_DTX, int(dtx))

    def expect_loss(self, percent: int) -> None:
        """Set the packet loss to protect against, from the next frame on.

        From 1% on, each packet has a copy of the previous one at a low bit rate (in-band FEC). The
        encoder then uses its mode for speech, the only one that has FEC.

        Args:
            percent: 0 to 100; 0 sends no FEC.
        """
        self._set(_SET_INBAND_FEC, int(percent > 0))
        self._set(_SET_PACKET_LOSS, percent)
        self._set(_SET_SIGNAL, _SIGNAL_VOICE if percent else _SIGNAL_AUTO)
        complexity = min(self._complexity, _FEC_COMPLEXITY) if percent else self._complexity
        self._set(_SET_COMPLEXITY, complexity)

    def predict(self, *, on: bool) -> None:
        """Set whether frames depend on what the decoder has in memory, which makes them shorter."""
        self._set(_SET_PREDICTION_DISABLED, int(not on))

    def encode(self, samples: NDArray[np.int16]) -> bytes:
        """Encode a frame.

        Args:
            samples: Shape ``(channels, n)``, with 2.5, 5, 10, 20, 40 or 60 ms.

        Raises:
            ValueError: If it has another length.
        """
        packed = np.ascontiguousarray(samples.T)
        return self.encode_at(packed.ctypes.data, len(packed))

    def encode_at(self, address: int, count: int) -> bytes:
        """Encode a frame at an address: of many frames in one array, only one need be looked up.

        Args:
            address: Where the samples are, ``int16``, channels interleaved.
            count: The number of samples of a channel.

        Raises:
            ValueError: If that is no 2.5, 5, 10, 20, 40 or 60 ms.
        """
        size = self._library.encode(self._state, address, count, self._buffer, _MAX_BYTES)
        if size < 0:
            raise ValueError(f"libopus cannot encode {count} samples: error {size}")
        return ctypes.string_at(self._buffer, size)

    def save(self) -> bytes:
        """Return the state, for ``restore``: libopus allows to copy it."""
        return ctypes.string_at(self._state, self._library.encoder_size(self._channels))

    def restore(self, state: bytes) -> None:
        """Continue as after a ``save`` of the same encoder."""
        ctypes.memmove(self._state, state, len(state))

    def _set(self, request: int, value: int) -> None:
        error = self._library.encoder_ctl(self._state, request, ctypes.c_int32(value))
        if error:
            raise ValueError(f"libopus refuses setting {request}: error {error}")


@lru_cache(maxsize=1)
def libopus() -> Libopus | None:
    """Return the library that PyAV uses, or an installed one; None if there is none that works.

    The wheels of PyAV have libopus for all platforms, and it is in memory anyway. Nothing in PyAV
    promises it, so it is tried once.
    """
    for path in _paths():
        try:
            library = Libopus(path)
            _try(library)
        except (OSError, AttributeError, ValueError) as error:
            logger.debug("%s cannot be used: %s", path, error)
        else:
            return library
    logger.info("libopus was not found beside PyAV: Opus is used without in-band FEC")
    return None


def _paths() -> Iterator[str]:
    found = find_spec("av")
    if found is not None and found.origin is not None:
        package = Path(found.origin).parent
        for folder in (package.parent / "av.libs", package / ".dylibs"):
            yield from sorted(str(path) for path in folder.glob("*opus*"))
    yield _INSTALLED.get(sys.platform, "libopus.so.0")


def _try(library: Libopus) -> None:
    """Encode and decode a frame.

    Raises:
        ValueError: If it does not have its length afterwards.
    """
    encoder: Any = LibopusEncoder(library, 1, 48000, 64000, 5)
    encoder.expect_loss(20)
    packet = encoder.encode(np.zeros((1, 960), np.int16))
    decoder = LibopusDecoder(library, 1, 48000)
    sizes = decoder.decode(packet).shape[1], decoder.conceal(1920, packet).shape[1]
    if sizes != (960, 1920):
        raise ValueError(f"{sizes} samples were decoded, not 960 and 1920")
