"""What a caller says."""

import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastrtc.core.models import MissingExtra
from fastrtc.testing import CallFailed
from fastrtc.testing.line import RATE
from fastrtc.testing.speech import _espeak, describe, to_audio

from .programs import Tones, tone


def write(path: Path, rate: int, samples: np.ndarray, width: int = 2) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[1] if samples.ndim == 2 else 1)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return path


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_a_file_of_any_rate(rate: int, tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", rate, tone(1.0, 440, rate))
    assert len(to_audio(path, None)) == pytest.approx(RATE, rel=0.01)
    assert np.array_equal(to_audio(str(path), None), to_audio(path, None))


def test_a_stereo_file_is_mixed(tmp_path: Path) -> None:
    stereo = np.stack((tone(1.0, 440, RATE), np.zeros(RATE, np.int16)), axis=1)
    said = to_audio(write(tmp_path / "a.wav", RATE, stereo), None)
    assert np.abs(said).max() == pytest.approx(4000, rel=0.01)


def test_silence_at_the_edges_is_cut() -> None:
    silence = np.zeros(RATE, np.int16)
    said = to_audio((RATE, np.concatenate((silence, np.full(100, 9999, np.int16), silence))), None)
    assert said.tolist() == [9999] * 100


def test_samples_may_be_floats() -> None:
    said = to_audio((RATE, np.full(100, 0.5, np.float32)), None)
    assert said.tolist() == [16384] * 100


def test_a_voice_speaks_text() -> None:
    assert len(to_audio("one two", Tones())) == pytest.approx(0.6 * RATE, rel=0.01)


@pytest.mark.external("espeak-ng")
def test_text_is_spoken_by_default() -> None:
    assert 0.5 * RATE < len(to_audio("Hello, world.", None)) < 2 * RATE


def test_what_is_said_in_words() -> None:
    assert describe("Hello.") == "Hello."
    assert describe("a/b.wav") == describe(Path("a/b.wav")) == "b.wav"
    assert describe((8000, np.zeros(1, np.int16))) == "(8000 Hz audio)"


@pytest.mark.parametrize(
    ("speech", "message"),
    [
        (5, "not 5"),
        ((0, np.ones(10, np.int16)), "is not audio"),
        ((RATE, np.full(10, "a")), "is not audio"),
        ((RATE, np.zeros(RATE, np.int16)), "There is no sound"),
        ((RATE, np.zeros(0, np.int16)), "There is no sound"),
    ],
)
def test_what_is_no_speech(speech: Any, message: str) -> None:
    with pytest.raises(CallFailed, match=message):
        to_audio(speech, None)


def test_broken_files_are_named(tmp_path: Path) -> None:
    junk = tmp_path / "junk.wav"
    junk.write_bytes(b"this is not a WAV file")
    (tmp_path / "none.wav").write_bytes(b"")
    write(tmp_path / "wide.wav", RATE, np.ones(10, np.int32), width=4)
    write(tmp_path / "zero.wav", RATE, np.ones(0, np.int16))
    for name, message in {
        "junk.wav": "cannot be read as a WAV file",
        "none.wav": "cannot be read as a WAV file",
        "missing.wav": "No such file",
        "wide.wav": "32 bits per sample",
        "zero.wav": "no samples",
    }.items():
        with pytest.raises(CallFailed, match=rf"{name}.*{message}"):
            to_audio(tmp_path / name, None)


def test_a_voice_that_fails_is_said() -> None:
    with pytest.raises(CallFailed, match="The voice cannot say 'four'"):
        to_audio("four", Tones())


def test_text_without_a_voice_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise MissingExtra("espeak-ng is not installed")

    _espeak.cache_clear()
    monkeypatch.setattr("fastrtc.text_to_speech.espeak._engine", missing)
    with pytest.raises(CallFailed, match=r"no voice to say 'Hi.*fastrtc\[testing\]"):
        to_audio("Hi.", None)
