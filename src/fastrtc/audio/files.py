"""Audio as MP3 files, and raw PCM bytes as arrays."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from .convert import as_planar, as_samples, to_int16
from .resample import StreamResampler, check_rate

__all__ = [
    "aggregate_bytes_to_16bit",
    "async_aggregate_bytes_to_16bit",
    "audio_to_bytes",
    "audio_to_file",
]

MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
"""Sample rates of MPEG-1, MPEG-2 and MPEG-2.5 layer III, in Hz."""

BIT_RATE = 64_000
"""Bit rate per channel, in bit/s: the maximum of MPEG-2.5 at 8 kHz, and transparent for speech."""


def audio_to_bytes(audio: tuple[int, NDArray[Any]]) -> bytes:
    """Encode audio as MP3, for services that take files.

    Args:
        audio: The sample rate in Hz, and mono or stereo samples of any real dtype, shape ``(n,)``,
            ``(1, n)``, ``(n, 1)``, ``(2, n)`` or ``(n, 2)``, or 16-bit PCM as bytes. A rate that
            MP3 does not support is resampled to the next higher one, or to 48 kHz.

    Returns:
        The content of an MP3 file; without samples, one of a moment of silence.

    Raises:
        ValueError: If the rate is not a positive integer, the shape is not supported, or the number
            of bytes is odd.
        TypeError: If the samples are not an array, or the dtype is not a real number.
    """
    rate, samples = audio
    rate = check_rate(rate)
    planar = to_int16(as_planar(as_samples(samples)))
    if planar.shape[1] == 0:
        planar = np.zeros((1, 1), np.int16)  # a file without a frame is not valid
    mp3_rate = next((supported for supported in MP3_RATES if supported >= rate), MP3_RATES[-1])
    if mp3_rate != rate:
        resampler = StreamResampler(rate, mp3_rate, planar.shape[0])
        planar = np.concatenate((resampler.process(planar), resampler.flush()), axis=1)
    return _encode(mp3_rate, np.ascontiguousarray(planar))


def audio_to_file(audio: tuple[int, NDArray[Any]]) -> str:
    """Write audio to a temporary MP3 file, which the caller deletes.

    Args:
        audio: A sample rate in Hz and samples; see ``audio_to_bytes``.

    Returns:
        The path of the file, which ends in ``.mp3``.

    Raises:
        ValueError: If the rate is not a positive integer, or the shape is not supported.
        TypeError: If the dtype is not a real number.
        OSError: If the file cannot be written, for example because the disk is full. No file is
            left behind.
    """
    encoded = audio_to_bytes(audio)
    descriptor, path = tempfile.mkstemp(suffix=".mp3")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(encoded)
    except BaseException:
        os.unlink(path)
        raise
    return path


def aggregate_bytes_to_16bit(chunks_iterator: Iterable[bytes]) -> Iterator[NDArray[np.int16]]:
    """Read raw 16-bit little-endian PCM from chunks of bytes.

    A chunk may end in the middle of a sample: the odd byte is kept for the next chunk. The last
    byte of an odd total is dropped.

    Args:
        chunks_iterator: Chunks of any length.

    Yields:
        The samples that each chunk completes, if any, shape ``(1, n)``, read-only.
    """
    rest = b""
    for chunk in chunks_iterator:
        samples, rest = _whole_samples(rest + chunk)
        if samples.size:
            yield samples


async def async_aggregate_bytes_to_16bit(
    chunks_iterator: AsyncIterable[bytes],
) -> AsyncIterator[NDArray[np.int16]]:
    """Read raw 16-bit little-endian PCM from an async iterable of chunks of bytes.

    A chunk may end in the middle of a sample: the odd byte is kept for the next chunk. The last
    byte of an odd total is dropped.

    Args:
        chunks_iterator: Chunks of any length.

    Yields:
        The samples that each chunk completes, if any, shape ``(1, n)``, read-only.
    """
    rest = b""
    async for chunk in chunks_iterator:
        samples, rest = _whole_samples(rest + chunk)
        if samples.size:
            yield samples


def _whole_samples(data: bytes) -> tuple[NDArray[np.int16], bytes]:
    """Split bytes into samples, shape ``(1, n)``, and the odd byte."""
    count = len(data) // 2
    samples = np.frombuffer(data, "<i2", count).astype(np.int16, copy=False)
    return samples[np.newaxis], data[2 * count :]


def _encode(rate: int, planar: NDArray[np.int16]) -> bytes:
    layout = "mono" if planar.shape[0] == 1 else "stereo"
    frame = av.AudioFrame.from_ndarray(planar, format="s16p", layout=layout)
    frame.sample_rate = rate
    file = io.BytesIO()
    with av.open(file, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=rate, layout=layout, format="s16p")
        stream.bit_rate = BIT_RATE * planar.shape[0]
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()
