"""Smart Turn v3: an end-of-turn model that listens to the words and their melody."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.models import ModelError, import_extra
from ..hub.onnx import open_session
from .errors import TurnModelUnavailable
from .log_mel import HOP, MELS, log_mel
from .model_file import find_model_file
from .protocol import MAX_AUDIO_S, RATE

__all__ = ["SmartTurn"]

logger = logging.getLogger(__name__)

SIZE = round(MAX_AUDIO_S * RATE)
"""Length of the audio that the network judges, in samples."""

INPUT, FRAMES = "input_features", SIZE // HOP


class SmartTurn:
    """Judges with Smart Turn v3 whether a speaker has finished; needs ``fastrtc[turn]``.

    A judgement takes about 50 ms on one thread of a CPU. Create one instance for all connections;
    it can be called by any number of threads. The model knows 23 languages.

    Args:
        path: The path of the model, an ONNX file. By default the first of: the path in the
            environment variable ``FASTRTC_SMART_TURN_MODEL``; the file in the package
            ``pipecat-ai``, if that is installed; ``pipecat-ai/smart-turn-v3`` on the Hugging Face
            Hub.

    Raises:
        MissingExtra: If onnxruntime is not installed.
        TurnModelUnavailable: If there is no usable model file.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        onnxruntime = import_extra("onnxruntime", "turn")  # before a useless download
        started = time.monotonic()
        self._session = _load(onnxruntime, find_model_file(path))
        self.complete(np.zeros(0, np.float32))  # the first run is slower than later ones
        logger.info("Smart Turn is ready after %.1f s", time.monotonic() - started)

    def complete(self, audio_16k: NDArray[np.float32]) -> float:
        """Return the probability that the turn is complete; see `TurnModel`.

        Args:
            audio_16k: Mono at 16 kHz, from -1 to 1, shape ``(n,)``. Only the last 8 s are used.

        Raises:
            ValueError: If the shape is not ``(n,)``.
            ModelError: If the network fails.
        """
        features = _features(audio_16k)[np.newaxis]
        try:
            (output,) = self._session.run(None, {INPUT: features})
        except Exception as error:  # onnxruntime's exceptions have no common base class
            raise ModelError(f"The Smart Turn model failed: {error}") from error
        return float(output[0, 0])


def _features(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the input of the network, shape ``(80, 800)``."""
    if samples.ndim != 1:
        raise ValueError(f"Samples must have shape (n,), not {samples.shape}")
    window = np.zeros(SIZE, np.float32)
    heard = samples[-SIZE:]
    window[SIZE - heard.size :] = heard
    normal = (window - window.mean()) / np.sqrt(window.var() + 1e-7)
    return np.ascontiguousarray(log_mel(normal))


def _load(onnxruntime: Any, path: Path) -> Any:
    """Load the network, and check that it is Smart Turn v3.

    Raises:
        TurnModelUnavailable: If it is not.
    """
    try:
        session = open_session(onnxruntime, path)
    except Exception as error:  # onnxruntime's exceptions have no common base class
        raise TurnModelUnavailable(f"{path} cannot be loaded as an ONNX model: {error}") from error
    inputs = {node.name: node.shape[1:] for node in session.get_inputs()}
    if inputs != {INPUT: [MELS, FRAMES]} or len(session.get_outputs()) != 1:
        raise TurnModelUnavailable(f"{path} is not a Smart Turn v3 model: its inputs are {inputs}")
    return session
