"""When speech ended, to a few milliseconds."""

import numpy as np
import pytest
from numpy.typing import NDArray

from fastrtc.turns.speech_end import speech_end_s

RATE = 16_000


def utterance(pause_s: float, noise: float = 5.0, level: float = 8000.0) -> NDArray[np.int16]:
    rng = np.random.default_rng(0)
    t = np.arange(RATE) / RATE
    speech = level * np.sin(2 * np.pi * 300 * t)
    audio = np.concatenate((speech, np.zeros(round(pause_s * RATE))))
    return (audio + noise * rng.standard_normal(audio.size)).astype(np.int16)


@pytest.mark.parametrize("late_s", [-0.06, -0.032, 0.0, 0.032, 0.1, 0.2])
@pytest.mark.parametrize("noise", [0.0, 5.0, 100.0])
def test_the_end_is_found_around_the_detected_one(late_s: float, noise: float) -> None:
    audio = utterance(0.5, noise)
    assert speech_end_s(audio, RATE, 0.5 - late_s) == pytest.approx(0.5, abs=0.006)


def test_noise_as_loud_as_the_speech_leaves_the_detected_end() -> None:
    audio = utterance(0.5, noise=6000.0)
    assert speech_end_s(audio, RATE, 0.468) == pytest.approx(0.468, abs=0.11)


def test_a_later_noise_is_not_the_end() -> None:
    audio = utterance(0.5)
    audio[-2000:-1900] = 8000  # a key is pressed
    assert speech_end_s(audio, RATE, 0.5) == pytest.approx(0.5, abs=0.006)


def test_without_a_detected_end_the_last_sound_is_it() -> None:
    assert speech_end_s(utterance(0.3), RATE) == pytest.approx(0.3, abs=0.006)


def test_interleaved_channels_count_once() -> None:
    stereo = np.repeat(utterance(0.3), 2)
    assert speech_end_s(stereo, RATE, 0.3, channels=2) == pytest.approx(0.3, abs=0.006)


@pytest.mark.parametrize("size", [0, 1, 79])
def test_tiny_audio_has_the_detected_end(size: int) -> None:
    assert speech_end_s(np.zeros(size, np.int16), RATE, 0.01) == 0.01
    assert speech_end_s(np.zeros(size, np.int16), RATE) == 0.0


def test_silence_has_the_detected_end() -> None:
    assert speech_end_s(np.zeros(RATE, np.int16), RATE, 0.25) == 0.25
