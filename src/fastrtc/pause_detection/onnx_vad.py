"""The Silero VAD network: one ONNX session for all streams, recurrent state per stream."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..audio.convert import to_float32
from ..hub.onnx import open_session
from .errors import INSTALL, ModelUnavailable, PauseDetectionError
from .protocol import RATE, WINDOW

__all__ = ["OnnxStream", "OnnxVad", "require_onnxruntime"]

MAX_ROWS = 256
"""Maximum number of windows per call of a sequence model: 8 s, so that memory does not grow with
the length of the audio."""

SILENT_WINDOWS = 32
"""Number of windows of digital silence (about 1 s) after which further silence is not passed to the
network. Muted microphones send it; the network finds nothing in it, and its state only drifts."""


@dataclass(frozen=True)
class Signature:
    """The inputs of a generation of the model.

    Attributes:
        generation: Name of the generation.
        states: Names of the recurrent inputs; the outputs after the first are their next values.
        shape: Shape of each state, unless the file fixes all dimensions.
        context: Number of samples of the previous window that are prepended to each window. Without
            them, v6 does not detect speech.
        takes_rate: Whether the sample rate is an input.
        any_window: Whether windows may be longer than 512 samples.
        takes_sequence: Whether one call accepts any number of consecutive windows.
    """

    generation: str
    states: tuple[str, ...]
    shape: tuple[int, ...]
    context: int = 0
    takes_rate: bool = False
    any_window: bool = False
    takes_sequence: bool = False

    @property
    def inputs(self) -> set[str]:
        """Names of the inputs, which identify the generation of a file."""
        return {"input", *self.states} | ({"sr"} if self.takes_rate else set())


SIGNATURES = (
    Signature("v5 or v6", ("state",), (2, 1, 128), context=64, takes_rate=True),
    Signature("v4", ("h", "c"), (2, 1, 64), takes_rate=True, any_window=True),
    Signature("v6 sequence", ("h", "c"), (1, 1, 128), context=64, takes_sequence=True),
)

State = Sequence[NDArray[np.float32]]


class OnnxVad:
    """A loaded network, shared by any number of streams and threads.

    A call runs on the calling thread; ONNX Runtime allows concurrent calls.

    Args:
        path: Path of the ONNX file.

    Raises:
        ModelUnavailable: If onnxruntime is not installed, or the file is not a Silero VAD model.
    """

    def __init__(self, path: str | Path) -> None:
        self._session = _load(path)
        inputs = {node.name: node.shape for node in self._session.get_inputs()}
        known = (signature for signature in SIGNATURES if signature.inputs == inputs.keys())
        signature = next(known, None)
        if signature is None or len(self._session.get_outputs()) != 1 + len(signature.states):
            raise ModelUnavailable(
                f"{path} is not a Silero VAD model: its inputs are {', '.join(sorted(inputs))}"
            )
        self.signature = signature
        self.first_state: State = tuple(
            np.zeros(_known_shape(inputs[name], signature.shape), np.float32)
            for name in signature.states
        )

    def open(self, window: int = WINDOW) -> OnnxStream:
        """Start a stream.

        Args:
            window: Window length in samples; only some signatures allow others than 512.
        """
        return OnnxStream(self, window)

    def run(self, rows: NDArray[np.float32], state: State) -> tuple[NDArray[np.float32], State]:
        """Return the probabilities of speech in consecutive windows.

        Args:
            rows: The windows with their context, shape ``(m, context + window)``.
            state: The state that the previous call returned, or `first_state`.

        Returns:
            Probabilities, shape ``(m,)``, and the next state.

        Raises:
            PauseDetectionError: If the network fails, or returns a value that is not a probability.
        """
        step = MAX_ROWS if self.signature.takes_sequence else 1
        probabilities: NDArray[np.float32] = np.empty(len(rows), np.float32)
        for first in range(0, len(rows), step):
            part = rows[first : first + step]
            probabilities[first : first + step], state = self._call(part, state)
        if not all(0 <= probability <= 1 for probability in probabilities.tolist()):  # nor NaN
            raise PauseDetectionError("The Silero VAD model did not return probabilities")
        return probabilities, state

    def _call(self, rows: NDArray[np.float32], state: State) -> tuple[NDArray[np.float32], State]:
        feeds: dict[str, NDArray[Any]] = {"input": np.ascontiguousarray(rows)}
        feeds.update(zip(self.signature.states, state, strict=True))
        if self.signature.takes_rate:
            feeds["sr"] = _RATE_INPUT
        try:
            output, *following = self._session.run(None, feeds)
            return output.reshape(len(rows)), following
        except Exception as error:  # onnxruntime's exceptions have no common base class
            raise PauseDetectionError(f"The Silero VAD model failed: {error}") from error


class OnnxStream:
    """The `SpeechStream` of a network.

    Args:
        network: The network.
        window: Window length in samples.
    """

    def __init__(self, network: OnnxVad, window: int) -> None:
        self._network = network
        self._window = window
        self._context = network.signature.context
        self._state: State
        self._silent: int  # windows of silence so far
        self._tail: NDArray[np.float32]
        self.reset()

    def push(self, samples: NDArray[Any]) -> NDArray[np.float32]:
        """Return the probability of each window that these samples complete; see `SpeechStream`.

        Raises:
            ValueError: If the shape is not ``(n,)``.
            TypeError: If the dtype is not a real number.
            PauseDetectionError: If the network fails; the stream is reset.
        """
        if samples.ndim != 1:
            raise ValueError(f"Samples must have shape (n,), not {samples.shape}")
        buffered = np.concatenate((self._tail, to_float32(samples)))
        count = (buffered.size - self._context) // self._window
        if count == 0:
            self._tail = buffered
            return np.empty(0, np.float32)
        rows = _rows(buffered, count, self._context + self._window, self._window)
        needed = self._needs_network(rows)
        probabilities: NDArray[np.float32] = np.zeros(count, np.float32)
        try:
            probabilities[needed], self._state = self._network.run(rows[needed], self._state)
        except PauseDetectionError:
            self.reset()
            raise
        self._tail = buffered[count * self._window :].copy()  # a view would keep all samples
        return probabilities

    def _needs_network(self, rows: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return which rows are not part of a long silence, and update the count of silence."""
        numbers = np.arange(len(rows))
        sounds = np.where(rows.any(axis=1), numbers, -1 - self._silent)
        silent = numbers - np.maximum.accumulate(sounds)  # windows of silence up to here
        self._silent = int(silent[-1])
        worth: NDArray[np.bool_] = silent <= SILENT_WINDOWS
        return worth

    def reset(self) -> None:
        """Discard the state and buffered samples."""
        self._state = self._network.first_state
        self._silent = 0
        # The start of the next window: its context, then the samples of the incomplete window.
        self._tail = np.zeros(self._context, np.float32)


_RATE_INPUT = np.array(RATE, np.int64)


def _rows(samples: NDArray[np.float32], count: int, size: int, step: int) -> NDArray[np.float32]:
    """Return a view of `count` rows of `size` samples, `step` samples apart."""
    # numpy's sliding_window_view takes 40 us, a sixth of the time of the network
    strides = (step * samples.itemsize, samples.itemsize)
    return np.ndarray((count, size), samples.dtype, samples, strides=strides)


def require_onnxruntime() -> Any:
    """Import onnxruntime.

    Raises:
        ModelUnavailable: If it is not installed, or its import fails.
    """
    try:
        return importlib.import_module("onnxruntime")
    except ImportError as error:
        required = "Voice activity detection needs onnxruntime"
        if error.name == "onnxruntime":
            raise ModelUnavailable(f"{required}: run `{INSTALL}`") from None
        raise ModelUnavailable(f"{required}, which fails ({error}): run `{INSTALL}`") from error


def _load(path: str | Path) -> Any:
    onnxruntime = require_onnxruntime()
    try:
        return open_session(onnxruntime, path)
    except Exception as error:  # onnxruntime's exceptions have no common base class
        raise ModelUnavailable(f"{path} cannot be loaded as an ONNX model: {error}") from error


def _known_shape(shape: Sequence[Any], fallback: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape from the file, unless a dimension is dynamic."""
    return tuple(shape) if all(isinstance(size, int) for size in shape) else fallback
