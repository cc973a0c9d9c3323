"""Tests of the speech that other tests use."""

import numpy as np
import pytest

from tests.support import speech as module
from tests.support.speech import (
    NOISES,
    assert_whole,
    find_in,
    read_wav,
    recorded_channel,
    recorded_prompt,
    spaced,
    speech,
    trimmed,
    write_wav,
)


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
    again[:] = 0  # a caller may modify its copy


@pytest.mark.external("espeak-ng")
def test_voices_differ():
    assert speech("hello", voice="en-us+f3").tobytes() != speech("hello").tobytes()


@pytest.mark.external("recorded-voices")
def test_recorded_prompt_is_resampled():
    at_8k, at_48k = recorded_prompt("vm-goodbye", rate=8_000), recorded_prompt("vm-goodbye")

    assert at_48k.dtype == np.int16
    assert at_48k.size == pytest.approx(6 * at_8k.size, abs=6)
    assert loudness(at_48k) == pytest.approx(loudness(at_8k), rel=0.05)


def test_recorded_channel_is_resampled():
    at_48k, at_16k = recorded_channel("Front_Center"), recorded_channel("Front_Center", rate=16_000)

    assert at_48k.dtype == np.int16
    assert at_48k.size == pytest.approx(3 * at_16k.size, abs=3)
    assert loudness(at_48k) > 500


def a_sound(seconds: float = 1.0, seed: int = 1) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal(round(48_000 * seconds))
    return (noise * 3_000).astype(np.int16)


def test_trimmed_sound_has_no_silence_around_it():
    sound = a_sound()

    np.testing.assert_array_equal(trimmed(spaced(0.3, sound, 0.2)), sound)


def test_spaced_sounds_have_so_many_seconds_between_them():
    samples = spaced(0.5, a_sound(), 0.25, a_sound(0.5), rate=48_000)

    assert samples.dtype == np.int16
    assert samples.size == 48_000 * 2.25
    assert not samples[:24_000].any()
    assert spaced(0.5, rate=8_000).size == 4_000


def test_a_sound_is_found_however_loud_it_is():
    sound = a_sound()
    heard = spaced(0.3, a_sound(0.5, seed=2), sound // 4, 0.2)

    at, likeness = find_in(heard, sound)

    assert at == 0.8 * 48_000
    assert likeness == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("heard", [a_sound(2.0, seed=2), spaced(2.0), a_sound(0.5)])
def test_what_is_not_there_is_not_found(heard: np.ndarray):
    assert find_in(heard, a_sound()).likeness < 0.1


def test_a_whole_sound_may_have_a_little_around_it():
    assert_whole(spaced(0.3, a_sound(), 0.5), a_sound())


@pytest.mark.parametrize(
    ("heard", "reason"),
    [
        (spaced(0.3, a_sound(seed=2), 0.5), "something else"),
        (spaced(0.3, a_sound()[3_840:], 0.5), "0.0 s after its beginning is missing"),
        (spaced(0.3, a_sound()[:-3_840], 0.5), "0.9 s after its beginning is missing"),
        (
            spaced(0.3, a_sound()[:24_000], 0.1, a_sound()[28_800:], 0.5),
            "0.5 s after its beginning is missing",
        ),
        (spaced(0.3, a_sound()[:24_000], a_sound()[28_800:], 0.5), "something else"),
        (spaced(0.3, a_sound(), 0.5, a_sound()), "around it"),
    ],
    ids=["other", "late", "early", "gap", "cut", "twice"],
)
def test_a_sound_that_is_not_whole_is_noticed(heard: np.ndarray, reason: str):
    with pytest.raises(AssertionError, match=reason):
        assert_whole(heard, a_sound())


@pytest.mark.parametrize("name", NOISES)
def test_noises_are_as_long_and_as_loud_as_speech(name: str):
    samples = NOISES[name](2.0)

    assert samples.dtype == np.int16
    assert samples.shape == (96_000,)
    if name != "silence":
        assert loudness(samples) > 300
        assert np.abs(samples.astype(int)).max() < 32_767


@pytest.mark.parametrize("shape", [(480,), (480, 2)], ids=["mono", "stereo"])
def test_wav_files_keep_every_sample(tmp_path, shape: tuple[int, ...]):
    samples = np.random.default_rng(1).integers(-32768, 32768, shape, dtype=np.int16)

    rate, back = read_wav(write_wav(tmp_path / "x.wav", 24_000, samples))

    assert rate == 24_000
    np.testing.assert_array_equal(back, samples)


def test_only_16_bit_samples_are_written(tmp_path):
    with pytest.raises(TypeError, match="must be int16, not float32"):
        write_wav(tmp_path / "x.wav", 48_000, np.zeros(4, np.float32))
