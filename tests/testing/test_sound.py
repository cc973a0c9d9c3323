"""Where there is sound in audio."""

import numpy as np
import pytest

from fastrtc.testing.sound import MIN_LEVEL, Sound, SoundDetector, find_sounds

RATE = 1000


def audio(*pieces: tuple[int, int]) -> np.ndarray:
    """Audio of (number of samples, level) after each other."""
    return np.concatenate([np.full(count, level, np.int16) for count, level in pieces])


def test_silence_has_no_sound() -> None:
    assert find_sounds(np.zeros(0, np.int16), RATE) == []
    assert find_sounds(audio((1000, MIN_LEVEL - 1), (1000, 1 - MIN_LEVEL)), RATE) == []


@pytest.mark.parametrize("level", [MIN_LEVEL, -MIN_LEVEL, 32767, -32768])
def test_first_and_last_sample_of_a_sound(level: int) -> None:
    assert find_sounds(audio((17, 0), (5, level), (9, 0)), RATE) == [Sound(17, 22)]


def test_a_pause_between_words_belongs_to_the_sound() -> None:
    words = audio((100, 5000), (300, 0), (100, 5000))
    assert find_sounds(words, RATE, pause_s=0.4) == [Sound(0, 500)]
    assert find_sounds(words, RATE, pause_s=0.2) == [Sound(0, 100), Sound(400, 500)]


@pytest.mark.parametrize("size", [1, 7, 20, 500])
def test_chunks_have_the_sounds_of_the_whole(size: int) -> None:
    random = np.random.default_rng(size)
    lengths = random.integers(1, 700, 40).tolist()
    pieces = list(zip(lengths, [0, 900] * 20, strict=True))
    whole = audio(*pieces)
    detector = SoundDetector(RATE)
    for start in range(0, len(whole), size):
        detector.push(start, whole[start : start + size])
    assert detector.sounds == find_sounds(whole, RATE)
    assert len(detector.sounds) > 3


def test_a_gap_between_chunks_is_a_pause() -> None:
    detector = SoundDetector(RATE)
    detector.push(0, audio((10, 900)))
    detector.push(1000, audio((10, 900)))
    assert detector.sounds == [Sound(0, 10), Sound(1000, 1010)]
