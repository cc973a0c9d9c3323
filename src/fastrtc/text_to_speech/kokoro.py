"""Kokoro: a natural voice that runs on a CPU."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.models import ModelError, import_extra
from ..hub import HubUnavailable, hub_files
from .local import LocalTTS
from .protocol import TTSOptions
from .sentences import halves

__all__ = ["KokoroTTSModel", "KokoroTTSOptions"]

HUB_REPOSITORY = "fastrtc/kokoro-onnx"
MODEL_FILE, VOICES_FILE = "kokoro-v1.0.onnx", "voices-v1.0.bin"

RATE = 24_000
"""Output sample rate in Hz."""

MAX_PHONEMES = 500
"""Maximum per call of the model: it has 510 style vectors, two of which are for the ends."""


@dataclass
class KokoroTTSOptions(TTSOptions):
    """Options of Kokoro.

    Attributes:
        voice: Name of a voice, see
            https://huggingface.co/hexgrad/Kokoro-82M/blob/main/VOICES.md. The first letter is the
            language, ``a`` for American, ``b`` for British English; the second is ``f`` or ``m``.
        speed: 0.5 to 2; 1 is the natural speed.
        lang: Language of the pronunciation, as named by espeak-ng: ``"en-us"``, ``"fr-fr"``.
    """

    voice: str = "af_heart"
    speed: float = 1.0
    lang: str = "en-us"


class KokoroTTSModel(LocalTTS[KokoroTTSOptions]):
    """Synthesizes speech with Kokoro; needs ``fastrtc[tts]``.

    An instance can serve any number of connections and threads.

    Args:
        model_path: A folder with ``kokoro-v1.0.onnx`` and ``voices-v1.0.bin``. By default, they
            come from ``fastrtc/kokoro-onnx`` on the Hugging Face Hub, or its cache.

    Raises:
        MissingExtra: If the required packages are not installed.
        ModelError: If the model cannot be loaded.
    """

    _options = KokoroTTSOptions
    _rate = RATE

    def __init__(self, *, model_path: str | Path | None = None) -> None:
        kokoro = import_extra("kokoro_onnx", "tts")
        if model_path is None:
            files = _files_of_hub()
        else:
            folder = Path(model_path).expanduser()
            files = [str(folder / MODEL_FILE), str(folder / VOICES_FILE)]
        try:
            self._model: Any = kokoro.Kokoro(*files)
        except Exception as error:  # many types: of the disk, of onnxruntime, of espeak-ng
            where = model_path or Path(files[0]).parent
            raise ModelError(
                f"Kokoro could not be loaded from {where}; model_path= takes a folder with "
                f"{MODEL_FILE} and {VOICES_FILE}: {error}"
            ) from error

    @property
    def voices(self) -> list[str]:
        """Names of the available voices."""
        names: list[str] = self._model.get_voices()
        return names

    def _say(self, piece: str, options: KokoroTTSOptions) -> Iterator[NDArray[np.float32]]:
        if options.voice not in self.voices:
            raise ValueError(
                f"Kokoro has no voice {options.voice!r}; it has {', '.join(self.voices)}"
            )
        if not 0.5 <= options.speed <= 2:
            raise ValueError(f"The speed of Kokoro must be 0.5 to 2, not {options.speed}")
        for phonemes in self._phonemes(piece, options.lang):
            try:
                samples, _ = self._model.create(
                    phonemes,
                    voice=options.voice,
                    speed=options.speed,
                    lang=options.lang,
                    is_phonemes=True,
                )
            except Exception as error:  # onnxruntime's exceptions have no common base class
                raise ModelError(f"Kokoro failed: {error}") from error
            yield np.asarray(samples, np.float32)

    def _phonemes(self, piece: str, lang: str) -> Iterator[str]:
        """Yield the phonemes of a piece of text, in parts that fit into one call."""
        try:
            phonemes: str = self._model.tokenizer.phonemize(piece, lang)
        except RuntimeError as error:  # raised by phonemizer for an unknown language
            raise ValueError(f"Kokoro cannot pronounce {lang!r}: {error}") from error
        if len(phonemes) > MAX_PHONEMES:  # figures are long when read aloud
            for half in halves(piece):
                yield from self._phonemes(half, lang)
        elif any(letter.isalpha() for letter in phonemes):  # not just punctuation
            yield phonemes


def _files_of_hub() -> list[str]:
    try:
        return hub_files(HUB_REPOSITORY, [MODEL_FILE, VOICES_FILE])
    except HubUnavailable as error:
        raise ModelError(
            f"Kokoro could not be loaded from {HUB_REPOSITORY} on the Hugging Face Hub: {error}. "
            f"model_path= takes a folder with {MODEL_FILE} and {VOICES_FILE}, and "
            'get_tts_model("espeak"), which fastrtc[offline] installs, needs no download'
        ) from None
