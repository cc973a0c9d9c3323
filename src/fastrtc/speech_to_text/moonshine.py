"""Moonshine: a small recogniser of English that runs on a CPU."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..audio.convert import to_float32
from ..core.models import ModelError, import_extra, warm_up_librosa
from ..hub import HubUnavailable, hub_files
from .protocol import RATE, STTModel, to_recogniser

__all__ = ["MoonshineSTT"]

NAMES = ("moonshine/base", "moonshine/tiny")
HUB_REPOSITORY = "UsefulSensors/moonshine"
FILES = ("encoder_model.onnx", "decoder_model_merged.onnx")

SHORTEST = round(0.1 * RATE) + 1
"""Samples. The model refuses less; there is no word in it either."""

LONGEST = 30 * RATE
"""Samples. The model takes up to 64 s, but was trained on half of it; longer audio is cut."""

CUT_WITHIN = 5 * RATE
"""Samples at the end of a piece in which the quietest place is looked for, to cut there."""

WARMUP_AUDIO = Path(__file__).with_name("test_file.wav")


class MoonshineSTT(STTModel):
    """Recognises English with Moonshine; needs ``fastrtc[stt]``.

    One may serve any number of connections and threads.

    Args:
        model: ``"moonshine/base"``, or the smaller and less accurate ``"moonshine/tiny"``.
        model_path: A folder with ``encoder_model.onnx`` and ``decoder_model_merged.onnx``.
            Without it they come from ``UsefulSensors/moonshine`` on the Hugging Face hub, or its
            cache.

    Raises:
        ValueError: If there is no such model.
        MissingExtra: If the packages that run it are not installed.
        ModelError: If it cannot be loaded.
    """

    def __init__(self, model: str = NAMES[0], *, model_path: str | Path | None = None) -> None:
        if model not in NAMES:
            raise ValueError(f"The models of Moonshine are {' and '.join(NAMES)}, not {model!r}")
        moonshine = import_extra("moonshine_onnx", "stt")
        folder = None if model_path is None else str(Path(model_path).expanduser())
        if folder is None:
            folder = _folder_of_hub(model)
        try:
            self._network: Any = moonshine.MoonshineOnnxModel(models_dir=folder, model_name=model)
        except Exception as error:  # dozens of kinds: of the hub, of the disk, of onnxruntime
            raise ModelError(
                f"{model} could not be loaded from {folder}; model_path= takes a folder with its "
                f"files: {error}"
            ) from error
        self._tokenizer: Any = moonshine.load_tokenizer()

    def stt(self, audio: tuple[int, NDArray[np.int16 | np.float32]]) -> str:
        """Recognise what is said.

        Args:
            audio: A sample rate in Hz, and mono or stereo samples of any real dtype and shape.

        Returns:
            The text; empty for less than 0.1 s.

        Raises:
            TypeError: If the audio is not a pair of a rate and samples, or the dtype is not a
                real number.
            ValueError: If the rate is not a positive integer, or the shape is not understood.
            ModelError: If the model fails.
        """
        texts = (self._recognise(piece) for piece in _pieces(to_recogniser(audio)))
        return " ".join(text for text in texts if text)

    def _recognise(self, samples: NDArray[np.int16]) -> str:
        try:
            tokens = self._network.generate(to_float32(samples)[np.newaxis])
        except Exception as error:  # onnxruntime has no common class for its own
            raise ModelError(f"Moonshine failed: {error}") from error
        texts: list[str] = self._tokenizer.decode_batch(tokens)
        return texts[0].strip()

    def warmup(self) -> None:
        """Recognise a sentence, so that the first real one does not take longer than others.

        So does ``librosa.resample``, which ``fastrtc[stt]`` brings for programs.
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
            f"{model} could not be loaded from {HUB_REPOSITORY} on the Hugging Face hub: {error}. "
            f"model_path= takes a folder with {' and '.join(FILES)}, and "
            'get_stt_model("pocketsphinx", words=[...]), which fastrtc[offline] brings, needs no '
            "download"
        ) from None
    return str(Path(paths[0]).parent)


def _pieces(samples: NDArray[np.int16]) -> list[NDArray[np.int16]]:
    """Cut audio that is too long for the model, where it is quietest."""
    pieces = []
    while samples.size > LONGEST:
        window = RATE // 50
        tail = np.abs(samples[LONGEST - CUT_WITHIN : LONGEST].astype(np.int32))
        loudness = tail.reshape(-1, window).sum(axis=1)
        cut = LONGEST - CUT_WITHIN + int(loudness.argmin()) * window + window // 2
        pieces.append(samples[:cut])
        samples = samples[cut:]
    return [piece for piece in (*pieces, samples) if piece.size >= SHORTEST]
