"""Moonshine: a small English speech recognizer that runs on a CPU."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..audio.convert import to_float32
from ..core.models import ModelError, import_extra, warm_up_librosa
from ..hub import HubUnavailable, hub_files
from .protocol import RATE, STTModel, to_recognizer

__all__ = ["MoonshineSTT"]

NAMES = ("moonshine/base", "moonshine/tiny")
HUB_REPOSITORY = "UsefulSensors/moonshine"
FILES = ("encoder_model.onnx", "decoder_model_merged.onnx")

MIN_LENGTH = round(0.1 * RATE) + 1
"""Minimum length in samples: the model rejects shorter audio, which cannot contain a word."""

MAX_LENGTH = 30 * RATE
"""Maximum length in samples. The model accepts up to 64 s but was trained on half of that; longer
audio is split."""

CUT_RANGE = 5 * RATE
"""Length of the end of a piece, in samples, in which the quietest place is chosen as the cut."""

WARMUP_AUDIO = Path(__file__).with_name("test_file.wav")


class MoonshineSTT(STTModel):
    """Transcribes English with Moonshine; needs ``fastrtc[stt]``.

    An instance can serve any number of connections and threads.

    Args:
        model: ``"moonshine/base"``, or the smaller and less accurate ``"moonshine/tiny"``.
        model_path: A folder with ``encoder_model.onnx`` and ``decoder_model_merged.onnx``. By
            default, they come from ``UsefulSensors/moonshine`` on the Hugging Face Hub, or its
            cache.

    Raises:
        ValueError: If there is no such model.
        MissingExtra: If the required packages are not installed.
        ModelError: If the model cannot be loaded.
    """

    def __init__(self, model: str = NAMES[0], *, model_path: str | Path | None = None) -> None:
        if model not in NAMES:
            raise ValueError(f"Moonshine has the models {' and '.join(NAMES)}, not {model!r}")
        moonshine = import_extra("moonshine_onnx", "stt")
        folder = None if model_path is None else str(Path(model_path).expanduser())
        if folder is None:
            folder = _folder_of_hub(model)
        try:
            self._network: Any = moonshine.MoonshineOnnxModel(models_dir=folder, model_name=model)
        except Exception as error:  # many types: of the Hub, of the disk, of onnxruntime
            raise ModelError(
                f"{model} could not be loaded from {folder}; model_path= takes a folder with its "
                f"files: {error}"
            ) from error
        self._tokenizer: Any = moonshine.load_tokenizer()

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
        texts = (self._transcribe(piece) for piece in _pieces(to_recognizer(audio)))
        return " ".join(text for text in texts if text)

    def _transcribe(self, samples: NDArray[np.int16]) -> str:
        try:
            tokens = self._network.generate(to_float32(samples)[np.newaxis])
        except Exception as error:  # onnxruntime's exceptions have no common base class
            raise ModelError(f"Moonshine failed: {error}") from error
        texts: list[str] = self._tokenizer.decode_batch(tokens)
        return texts[0].strip()

    def warmup(self) -> None:
        """Transcribe a sentence, so that the first use is not slower than later ones.

        Also load and run ``librosa.resample``, which ``fastrtc[stt]`` installs for programs.
        """
        with wave.open(str(WARMUP_AUDIO)) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
            self.stt((file.getframerate(), samples))
        warm_up_librosa(load=True)


def _folder_of_hub(model: str) -> str:
    folder = f"onnx/merged/{model.partition('/')[2]}/float"
    try:
        paths = hub_files(HUB_REPOSITORY, [f"{folder}/{file}" for file in FILES])
    except HubUnavailable as error:
        raise ModelError(
            f"{model} could not be loaded from {HUB_REPOSITORY} on the Hugging Face Hub: {error}. "
            f"model_path= takes a folder with {' and '.join(FILES)}, and "
            'get_stt_model("pocketsphinx", words=[...]), which fastrtc[offline] installs, needs no '
            "download"
        ) from None
    return str(Path(paths[0]).parent)


def _pieces(samples: NDArray[np.int16]) -> list[NDArray[np.int16]]:
    """Split audio that is too long for the model at its quietest places."""
    pieces = []
    while samples.size > MAX_LENGTH:
        window = RATE // 50
        tail = np.abs(samples[MAX_LENGTH - CUT_RANGE : MAX_LENGTH].astype(np.int32))
        loudness = tail.reshape(-1, window).sum(axis=1)
        cut = MAX_LENGTH - CUT_RANGE + int(loudness.argmin()) * window + window // 2
        pieces.append(samples[:cut])
        samples = samples[cut:]
    return [piece for piece in (*pieces, samples) if piece.size >= MIN_LENGTH]
