"""The speech that other tests are made of."""

import numpy as np
import pytest

from tests.support import speech as module
from tests.support.speech import read_wav, recorded_prompt, speech, write_wav


def loudness(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))


@pytest.mark.external("espeak-ng")
@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
def test_speech_has_the_rate_that_was_asked_for(rate: int):
    samples = speech("hello computer", rate=rate)

    assert samples.dtype == np.int16
    assert samples.ndim == 1
    assert 0.5 < samples.size / rate < 2.5
    assert loudness(samples) > 1_000


@pytest.mark.external("espeak-ng")
def test_speech_is_spoken_once_and_kept(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_cache_folder", lambda: tmp_path)
    first = speech("one two three")
    assert len(list(tmp_path.iterdir())) == 1

    monkeypatch.setattr(module.subprocess, "run", None)
    again = speech("one two three")

    np.testing.assert_array_equal(first, again)
    again[:] = 0  # a caller may change its copy


@pytest.mark.external("espeak-ng")
def test_voices_differ():
    assert speech("hello", voice="en-us+f3").tobytes() != speech("hello").tobytes()


@pytest.mark.external("recorded-voices")
def test_recorded_prompt_is_resampled():
    at_8k, at_48k = recorded_prompt("vm-goodbye", rate=8_000), recorded_prompt("vm-goodbye")

    assert at_48k.dtype == np.int16
    assert at_48k.size == pytest.approx(6 * at_8k.size, abs=6)
    assert loudness(at_48k) == pytest.approx(loudness(at_8k), rel=0.05)


@pytest.mark.parametrize("shape", [(480,), (480, 2)], ids=["mono", "stereo"])
def test_wav_files_keep_every_sample(tmp_path, shape: tuple[int, ...]):
    samples = np.random.default_rng(1).integers(-32768, 32768, shape, dtype=np.int16)

    rate, back = read_wav(write_wav(tmp_path / "x.wav", 24_000, samples))

    assert rate == 24_000
    np.testing.assert_array_equal(back, samples)


def test_only_16_bit_samples_are_written(tmp_path):
    with pytest.raises(TypeError, match="must be int16, not float32"):
        write_wav(tmp_path / "x.wav", 48_000, np.zeros(4, np.float32))
