from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastrtc.audio.converter import AudioConverter


def tone(rate: int, seconds: float, hertz: float = 1000) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)


def test_what_fits_is_not_copied():
    samples = np.ones((1, 480), np.int16)
    assert AudioConverter(24000, 1).convert(24000, samples) is samples


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [24000, 48000])
@pytest.mark.parametrize(
    "samples",
    [
        tone(24000, 0.1),
        tone(24000, 0.1)[np.newaxis],
        tone(24000, 0.1)[:, np.newaxis],
        tone(24000, 0.1).astype(np.float32),
        np.rint(tone(24000, 0.1) * 32767).astype(np.int16),
        np.rint(tone(24000, 0.1) * 2**31).astype(np.int32),
        np.stack([tone(24000, 0.1)] * 2),
        np.stack([tone(24000, 0.1)] * 2, axis=1),
    ],
    ids=lambda samples: f"{samples.dtype}{samples.shape}",
)
def test_every_form_gives_the_same_sound(samples, rate, channels):
    converter = AudioConverter(rate, channels)
    result = np.concatenate([converter.convert(24000, samples), converter.flush()], axis=1)
    assert result.dtype == np.int16
    assert result.shape == (channels, rate // 10)
    expected = tone(rate, 0.1) * 32767
    middle = slice(rate // 100, -rate // 100)
    assert np.abs(result[:, middle] - expected[middle]).max() < 20


def test_interleaved_stereo():
    packed = np.array([[1, -1, 2, -2, 3, -3]], np.int16)
    converter = AudioConverter(8000, 2)
    assert converter.convert(8000, packed, "stereo").tolist() == [[1, 2, 3], [-1, -2, -3]]
    assert AudioConverter(8000, 1).convert(8000, packed, "stereo").tolist() == [[0, 0, 0]]
    assert AudioConverter(8000, 1).convert(8000, packed).tolist() == packed.tolist()


def test_two_channels_stay_apart_when_resampled():
    converter = AudioConverter(48000, 2)
    samples = np.stack([tone(24000, 0.2), np.zeros(4800)])
    result = np.concatenate([converter.convert(24000, samples), converter.flush()], axis=1)
    assert np.abs(result[0].astype(int)).max() > 16000
    assert not result[1].any()


def test_a_new_rate_comes_after_the_rest_of_the_old():
    converter = AudioConverter(48000, 1)
    first = converter.convert(24000, tone(24000, 0.1))
    assert first.shape[1] < 4800  # some of it waits
    second = converter.convert(48000, np.full((1, 10), 7, np.int16))
    assert first.shape[1] + second.shape[1] == 4810
    assert second[0, -10:].tolist() == [7] * 10
    assert converter.flush().shape == (1, 0)


@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1)])
def test_another_number_of_channels_comes_after_the_rest_of_the_old(before, after):
    converter = AudioConverter(48000, 2)
    total = 0
    for channels in (before, before, after, after, before):
        total += converter.convert(24000, np.stack([tone(24000, 0.1)] * channels)).shape[1]
    assert total + converter.flush().shape[1] == 5 * 4800


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(st.sampled_from([8000, 16000, 24000, 44100, 48000]), st.integers(0, 2000)),
        max_size=10,
    )
)
def test_nothing_is_lost_whatever_the_rates(chunks):
    converter = AudioConverter(48000, 1)
    total = sum(converter.convert(rate, np.zeros((1, n), np.int16)).shape[1] for rate, n in chunks)
    total += converter.flush().shape[1]
    expected = sum(n * 48000 / rate for rate, n in chunks)
    assert abs(total - expected) <= 1 + len(chunks)


def test_clear_drops_what_is_inside():
    converter = AudioConverter(48000, 1)
    converter.convert(24000, tone(24000, 0.1))
    converter.clear()
    assert converter.flush().shape == (1, 0)
    assert not converter.convert(24000, np.zeros(2400)).any()


def test_nothing_in_nothing_out():
    converter = AudioConverter(48000, 2)
    converter.convert(24000, tone(24000, 0.1))
    assert converter.convert(16000, np.array([])).shape == (2, 0)  # does not end the old rate
    assert converter.convert(24000, np.zeros((1, 0), np.int16)).shape == (2, 0)
    assert converter.flush().shape[1] > 0


def test_integers_of_numpy_are_rates():
    assert AudioConverter(np.int64(8000), 1).convert(np.int32(8000), np.zeros(5)).shape == (1, 5)


@pytest.mark.parametrize("rate", [0, -8000, 24000.5, "24000", None])
def test_other_rates_are_refused_by_name(rate):
    with pytest.raises(ValueError, match=repr(rate)):
        AudioConverter(48000, 1).convert(rate, np.zeros(5))
    with pytest.raises(ValueError, match=repr(rate)):
        AudioConverter(rate, 1)


def test_other_forms_are_refused():
    converter = AudioConverter(48000, 1)
    with pytest.raises(ValueError, match="channels"):
        AudioConverter(48000, 3)
    with pytest.raises(ValueError, match=r"\(3, 5\)"):
        converter.convert(48000, np.zeros((3, 5)))
    with pytest.raises(TypeError, match="complex128"):
        converter.convert(48000, np.zeros(5, complex))
