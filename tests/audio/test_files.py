from __future__ import annotations

import io
import os
from collections.abc import AsyncIterator
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastrtc.audio.files import (
    MP3_RATES,
    aggregate_bytes_to_16bit,
    async_aggregate_bytes_to_16bit,
    audio_to_bytes,
    audio_to_file,
)

LAME_SCALE = 0.07  # LAME makes everything 5% quieter, against clipping


def decode(data: bytes) -> tuple[int, np.ndarray]:
    with av.open(io.BytesIO(data)) as container:
        assert container.format.name == "mp3"
        frames = list(container.decode(audio=0))
    return frames[0].sample_rate, np.concatenate([frame.to_ndarray() for frame in frames], axis=1)


def dominant(row: np.ndarray, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(row * np.hanning(row.size)))
    return float(spectrum.argmax() * rate / row.size)


def tone(rate: int, seconds: float = 1, hertz: float = 440) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)


@pytest.mark.parametrize(
    ("rate", "mp3_rate"),
    [*((rate, rate) for rate in MP3_RATES), (4000, 8000), (11000, 11025), (20000, 22050)]
    + [(96000, 48000), (192000, 48000), (44056, 44100)],
)
def test_every_rate(rate, mp3_rate):
    decoded_rate, samples = decode(audio_to_bytes((rate, tone(rate))))
    assert decoded_rate == mp3_rate
    assert samples.shape[0] == 1
    assert samples.shape[1] / mp3_rate == pytest.approx(1, abs=0.005)
    assert dominant(samples[0], mp3_rate) == pytest.approx(440, abs=2)
    assert np.sqrt(np.mean(samples**2)) == pytest.approx(0.5 / np.sqrt(2), rel=LAME_SCALE)


@pytest.mark.parametrize(
    "samples",
    [
        tone(24000),
        tone(24000)[np.newaxis],
        tone(24000)[:, np.newaxis],
        tone(24000).astype(np.float16),
        tone(24000).astype(np.float32)[np.newaxis],
        np.rint(tone(24000) * 32767).astype(np.int16)[np.newaxis],
        np.rint(tone(24000) * 2**31).astype(np.int32),
        np.rint(tone(24000) * 127 + 128).astype(np.uint8),
    ],
    ids=lambda samples: f"{samples.dtype}{samples.shape}",
)
def test_every_form(samples):
    rate, decoded = decode(audio_to_bytes((24000, samples)))
    assert (rate, decoded.shape[0]) == (24000, 1)
    assert dominant(decoded[0], rate) == pytest.approx(440, abs=2)
    assert np.sqrt(np.mean(decoded**2)) == pytest.approx(0.5 / np.sqrt(2), rel=LAME_SCALE)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("rate", [24000, 96000])
def test_stereo(axis, rate):
    samples = np.stack([tone(rate, hertz=440), tone(rate, hertz=1000)], axis=axis)
    mp3_rate, decoded = decode(audio_to_bytes((rate, samples)))
    assert decoded.shape[0] == 2
    assert decoded.shape[1] / mp3_rate == pytest.approx(1, abs=0.005)
    assert dominant(decoded[0], mp3_rate) == pytest.approx(440, abs=2)
    assert dominant(decoded[1], mp3_rate) == pytest.approx(1000, abs=2)


@pytest.mark.parametrize("shape", [(0,), (1, 0), (2, 0), (0, 1)])
def test_nothing_is_a_valid_file(shape):
    rate, decoded = decode(audio_to_bytes((24000, np.zeros(shape, np.int16))))
    assert rate == 24000
    assert decoded.shape[1] < 0.1 * rate
    assert not decoded.any()


@pytest.mark.parametrize("seconds", [0.001, 0.02, 0.5, 30])
def test_the_length_is_kept(seconds):
    rate, decoded = decode(audio_to_bytes((16000, tone(16000, seconds))))
    assert decoded.shape[1] / rate == pytest.approx(seconds, abs=0.005)


def test_a_file_is_the_callers_to_delete():
    path = audio_to_file((16000, tone(16000)))
    try:
        assert isinstance(path, str)
        assert os.path.isabs(path) and path.endswith(".mp3")
        assert Path(path).read_bytes() == audio_to_bytes((16000, tone(16000)))
    finally:
        os.unlink(path)


def test_bytes_and_lists_give_the_same_file():
    samples = np.rint(32767 * tone(16000)).astype(np.int16)
    expected = audio_to_bytes((16000, samples))
    for form in (samples.tobytes(), samples.tolist(), samples.astype(np.int64)):
        assert audio_to_bytes((16000.0, form)) == expected  # type: ignore[arg-type]


def test_no_file_is_left_of_what_is_no_audio(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(TypeError, match="complex"):
        audio_to_file((16000, np.zeros(5, complex)))
    with pytest.raises(ValueError, match="16000.5"):
        audio_to_file((16000.5, np.zeros(5)))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"\(3, 5\)"):
        audio_to_file((16000, np.zeros((3, 5))))
    assert list(tmp_path.iterdir()) == []


# What a program gets from the reference for the same chunks.
AGGREGATED = [
    ([b"abcde"], [[[25185, 25699]]]),
    ([b"ab", b"cd"], [[[25185]], [[25699]]]),
    ([b"a", b"bc", b"d"], [[[25185]], [[25699]]]),
    ([b"abcdef", b"", b"gh"], [[[25185, 25699, 26213]], [[26727]]]),
    ([b"abc"], [[[25185]]]),
    ([b"a"], []),
    ([b""], []),
    ([], []),
    ([bytearray(b"abc"), memoryview(b"d")], [[[25185]], [[25699]]]),
]


async def as_async(chunks: list[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


@pytest.mark.parametrize(("chunks", "expected"), AGGREGATED, ids=range(len(AGGREGATED)))
async def test_bytes_to_samples(chunks, expected):
    result = list(aggregate_bytes_to_16bit(iter(chunks)))
    assert [samples.tolist() for samples in result] == expected
    assert all(samples.dtype == np.int16 for samples in result)
    result = [samples async for samples in async_aggregate_bytes_to_16bit(as_async(chunks))]
    assert [samples.tolist() for samples in result] == expected
    assert all(samples.dtype == np.int16 for samples in result)


@given(st.lists(st.binary(max_size=9)))
def test_no_byte_is_lost(chunks):
    data = b"".join(chunks)
    result = b"".join(samples.tobytes() for samples in aggregate_bytes_to_16bit(chunks))
    assert result == data[: len(data) // 2 * 2]


@pytest.mark.parametrize("wrong", ["ab", None, 5])
def test_what_is_not_bytes_is_refused(wrong):
    with pytest.raises(TypeError):
        list(aggregate_bytes_to_16bit([wrong]))


def test_bytes_themselves_are_not_chunks():
    with pytest.raises(TypeError):
        list(aggregate_bytes_to_16bit(b"abcd"))  # type: ignore[arg-type]
