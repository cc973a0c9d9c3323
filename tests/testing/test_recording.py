"""Audio of a call by its position, and as a file."""

import wave
from pathlib import Path

import numpy as np
import pytest

from fastrtc.testing.line import RATE
from fastrtc.testing.recording import Track, save

from .programs import tone


def test_audio_is_where_its_time_says() -> None:
    track = Track()
    track.add(0.5, RATE, np.full(960, 1000, np.int16))
    track.add(0.52, RATE, np.full(960, 2000, np.int16))
    track.add(1.0, RATE, np.full(960, 3000, np.int16))
    assert len(track.samples) == 48_960
    assert np.flatnonzero(track.samples == 1000).tolist() == [*range(24_000, 24_960)]
    assert np.flatnonzero(track.samples == 2000).tolist() == [*range(24_960, 25_920)]
    assert np.flatnonzero(track.samples == 3000).tolist() == [*range(48_000, 48_960)]
    assert [(sound.start, sound.end) for sound in track.sounds] == [
        (24_000, 25_920),
        (48_000, 48_960),
    ]


def test_jitter_of_a_clock_leaves_no_gap() -> None:
    track = Track()
    for when_s in (1.0, 1.031, 1.035, 1.06):
        track.add(when_s, RATE, np.full(960, 1000, np.int16))
    assert np.count_nonzero(track.samples) == 4 * 960
    assert len(track.samples) == RATE + 4 * 960


def test_audio_longer_than_its_first_capacity() -> None:
    track = Track()
    track.add(25.0, RATE, np.full(960, 7, np.int16))
    assert len(track.samples) == 25 * RATE + 960 and track.samples[-1] == 7


@pytest.mark.parametrize("rate", [8_000, 24_000])
def test_other_rates_are_resampled_as_one_stream(rate: int) -> None:
    track, sent = Track(), tone(1.0, 440, rate)
    for n in range(50):
        size = rate // 50
        track.add(0.02 * n, rate, sent[n * size : (n + 1) * size])
    expected = tone(1.0, 440, RATE)[: len(track.samples)]
    assert len(track.samples) > 0.97 * RATE
    middle = slice(RATE // 4, RATE // 2)
    spectrum = np.abs(np.fft.rfft(track.samples[middle].astype(float)))
    assert np.argmax(spectrum) == np.argmax(np.abs(np.fft.rfft(expected[middle].astype(float))))
    assert np.sort(spectrum)[-3:].sum() > 0.8 * spectrum.sum()  # no clicks


def test_a_file_has_the_caller_left_and_the_program_right(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    save(path, np.array([1, 2, 3], np.int16), np.array([-1], np.int16))
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (2, RATE, 2)
        data = np.frombuffer(file.readframes(9), "<i2").reshape(-1, 2)
    assert data.tolist() == [[1, -1], [2, 0], [3, 0]]


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        save(tmp_path / "none" / "call.wav", np.zeros(1, np.int16), np.zeros(1, np.int16))
