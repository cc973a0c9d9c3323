from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastrtc.audio.resample import StreamResampler, check_rate

RATES = [8000, 11025, 16000, 22050, 24000, 44100, 48000, 96000]


def sine(rate: int, seconds: float, hertz: float = 1000, channels: int = 1) -> np.ndarray:
    samples = 16384 * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)
    return np.repeat(np.rint(samples).astype(np.int16)[np.newaxis], channels, axis=0)


def stream(samples: np.ndarray, source: int, target: int, lengths: list[int]) -> np.ndarray:
    """Resample in chunks of these lengths, again and again, to the end."""
    resampler = StreamResampler(source, target, samples.shape[0])
    out, start, turn = [], 0, 0
    while start < samples.shape[1]:
        length = lengths[turn % len(lengths)]
        out.append(resampler.process(samples[:, start : start + length]))
        start += length
        turn += 1
    return np.concatenate([*out, resampler.flush()], axis=1)


def snr(samples: np.ndarray, rate: int, hertz: float = 1000) -> float:
    """What is left of a row beside its best fit by a sine, in dB, without its ends."""
    margin = rate // 10
    row = samples[margin:-margin].astype(float)
    phase = 2 * np.pi * hertz * np.arange(row.size) / rate
    basis = np.stack([np.sin(phase), np.cos(phase)], axis=1)
    fit = basis @ np.linalg.lstsq(basis, row, rcond=None)[0]
    return float(10 * np.log10(np.mean(fit**2) / np.mean((row - fit) ** 2)))


@pytest.mark.parametrize(
    "path",
    [
        (48000, 24000, 48000),
        (48000, 16000),
        (24000, 8000),
        (44100, 48000),
        (8000, 16000),
        (8000, 24000),
        (8000, 48000),
        (22050, 48000),
        (44100, 16000),
    ],
    ids=str,
)
def test_a_sine_keeps_over_80_db(path):
    samples = sine(path[0], 2)
    for source, target in zip(path, path[1:], strict=False):
        samples = stream(samples, source, target, [source // 50])
    assert snr(samples[0], path[-1]) > 80
    middle = samples[0, samples.shape[1] // 4 : -samples.shape[1] // 4]
    assert abs(np.abs(middle.astype(int)).max() - 16384) < 30  # as loud as before


@pytest.mark.parametrize(("source", "target"), [(48000, 24000), (48000, 16000), (24000, 8000)])
def test_what_the_lower_rate_cannot_hold_does_not_fold_back(source, target):
    margin = target // 10
    for beyond, most_db in ((1.1, -40), (1.4, -80)):
        samples = stream(sine(source, 1, hertz=target / 2 * beyond), source, target, [source // 50])
        loudest = np.abs(samples[:, margin:-margin].astype(int)).max()
        assert 20 * np.log10(max(loudest, 1) / 16384) < most_db


@settings(max_examples=150)
@given(
    source=st.sampled_from(RATES),
    target=st.sampled_from(RATES),
    total=st.integers(0, 6000),
    lengths=st.lists(st.integers(0, 2000), min_size=1, max_size=8).filter(any),
    channels=st.integers(1, 2),
    seed=st.integers(0, 1000),
)
def test_any_chunks_give_the_same_as_one(source, target, total, lengths, channels, seed):
    generator = np.random.default_rng(seed)
    samples = generator.integers(-32768, 32768, (channels, total)).astype(np.int16)
    chunked = stream(samples, source, target, lengths)
    at_once = stream(samples, source, target, [max(total, 1)])
    assert chunked.dtype == np.int16
    assert chunked.shape[1] == round(total * target / source)
    assert chunked.shape == at_once.shape == (channels, chunked.shape[1])
    assert np.abs(chunked.astype(int) - at_once).max(initial=0) <= 1


def test_the_signal_is_neither_early_nor_late():
    samples = stream(sine(48000, 0.5), 48000, 24000, [960])
    expected = sine(24000, 0.5)
    assert np.abs(samples[0, 200:-200].astype(int) - expected[0, 200:-200]).max() <= 2


def test_what_overshoots_is_clipped():
    square = np.where(np.arange(4800) // 24 % 2, 32767, -32768).astype(np.int16)[np.newaxis]
    samples = stream(square, 48000, 24000, [960])[0]
    assert (samples[(np.arange(2400) % 24 > 3) & (np.arange(2400) % 24 < 9)] < 0).all()
    assert samples.min() == -32768 and samples.max() == 32767


def test_channels_stay_apart():
    samples = np.concatenate([sine(48000, 1), np.zeros((1, 48000), np.int16)])
    resampled = stream(samples, 48000, 16000, [960])
    assert snr(resampled[0], 16000) > 80
    assert not resampled[1].any()


def test_the_same_rate_passes_through():
    resampler = StreamResampler(24000, 24000, 2)
    samples = np.ones((2, 480), np.int16)
    assert resampler.process(samples) is samples
    assert resampler.flush().shape == (2, 0)


def test_output_can_be_kept_and_input_is_left_alone():
    resampler = StreamResampler(24000, 48000, 2)
    samples = sine(24000, 0.2, channels=2)
    before = samples.copy()
    first = resampler.process(samples)
    kept = first.copy()
    resampler.process(samples)
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(samples, before)
    assert first.flags.c_contiguous and first.flags.writeable


@pytest.mark.parametrize("end", ["flush", "reset"])
def test_after_its_end_it_is_like_new(end):
    used = StreamResampler(48000, 24000)
    used.process(sine(48000, 0.1, hertz=3000))
    getattr(used, end)()
    assert used.flush().shape == (1, 0)
    fresh = StreamResampler(48000, 24000)
    samples = sine(48000, 0.1)
    np.testing.assert_array_equal(used.process(samples), fresh.process(samples))
    np.testing.assert_array_equal(used.flush(), fresh.flush())


def test_even_chunks_come_out_even_and_at_once():
    for source, target in ((48000, 24000), (24000, 48000), (48000, 16000), (8000, 48000)):
        resampler = StreamResampler(source, target)
        lengths = [resampler.process(sine(source, 0.02)).shape[1] for _ in range(100)]
        behind_s = 2.0 - sum(lengths) / target
        assert 0 <= behind_s < 0.0021
        assert set(lengths[1:]) == {target // 50}


@pytest.mark.parametrize("rate", [0, -1, 24000.5, "24000", None, True, np.float32(0.5)])
def test_rates_are_positive_integers(rate):
    with pytest.raises(ValueError, match="positive integer"):
        check_rate(rate)
    with pytest.raises(ValueError, match="positive integer"):
        StreamResampler(rate, 48000)
    with pytest.raises(ValueError, match="positive integer"):
        StreamResampler(48000, rate)


def test_integers_of_numpy_are_rates():
    assert type(check_rate(np.int64(24000))) is int
    resampler = StreamResampler(np.int32(48000), np.uint16(24000))
    assert resampler.process(sine(48000, 0.1)).shape[1] > 0


def test_shapes_are_checked():
    resampler = StreamResampler(48000, 24000, 1)
    for shape in ((960,), (2, 480), (1, 1, 960)):
        with pytest.raises(ValueError, match=r"\(1, n\)"):
            resampler.process(np.zeros(shape, np.int16))
    with pytest.raises(ValueError, match="channels must be 1 or 2"):
        StreamResampler(48000, 24000, 0)
