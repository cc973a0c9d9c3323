"""The Silero VAD network: one ONNX session for all, the recurrent state in each stream."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..audio.convert import to_float32
from .errors import INSTALL, ModelUnavailable, PauseDetectionError
from .protocol import RATE, WINDOW

__all__ = ["OnnxStream", "OnnxVad", "require_onnxruntime"]

MOST_ROWS = 256
"""Windows in one call of a sequence model: 8 s, so that memory does not grow with the audio."""


SETTLED = 32
"""After so many windows of digital silence, a second, no more of it is judged. It is what a muted
microphone sends; the network has nothing to find in it, and its state only drifts."""


@dataclass(frozen=True)
class Signature:
    """How a generation of the model wants to be called.

    Attributes:
        generation: Its name.
        states: The recurrent inputs; the outputs after the first are their next values.
        shape: Of each state. Where the file gives all dimensions, those win.
        context: How many samples of the window before are put in front of each window.
            Without them v6 is blind.
        takes_rate: Whether the sample rate is an input.
        any_window: Whether windows of other lengths than 512 samples are understood.
        takes_sequence: Whether one call takes any number of windows that follow each other.
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
        """Their names, by which a file is recognised."""
        return {"input", *self.states} | ({"sr"} if self.takes_rate else set())


SIGNATURES = (
    Signature("v5 or v6", ("state",), (2, 1, 128), context=64, takes_rate=True),
    Signature("v4", ("h", "c"), (2, 1, 64), takes_rate=True, any_window=True),
    Signature("v6 sequence", ("h", "c"), (1, 1, 128), context=64, takes_sequence=True),
)

State = Sequence[NDArray[np.float32]]


class OnnxVad:
    """A network in memory, for any number of streams and threads.

    Every call runs on the thread that makes it; ONNX Runtime allows calls at the same time.

    Args:
        path: Of the ONNX file.

    Raises:
        ModelUnavailable: If onnxruntime is not installed, or the file is no Silero VAD model.
    """

    def __init__(self, path: str | Path) -> None:
        self._session = _load(path)
        inputs = {node.name: node.shape for node in self._session.get_inputs()}
        known = (signature for signature in SIGNATURES if signature.inputs == inputs.keys())
        signature = next(known, None)
        if signature is None or len(self._session.get_outputs()) != 1 + len(signature.states):
            raise ModelUnavailable(
                f"{path} is no Silero VAD model: its inputs are {', '.join(sorted(inputs))}"
            )
        self.signature = signature
        self.first_state: State = tuple(
            np.zeros(_known_shape(inputs[name], signature.shape), np.float32)
            for name in signature.states
        )

    def open(self, window: int = WINDOW) -> OnnxStream:
        """Begin a stream.

        Args:
            window: Samples to judge at a time; other than 512 only if the signature allows it.
        """
        return OnnxStream(self, window)

    def run(self, rows: NDArray[np.float32], state: State) -> tuple[NDArray[np.float32], State]:
        """Judge windows that follow each other.

        Args:
            rows: The windows with their context, shape ``(m, context + window)``.
            state: What the call before returned, or `first_state`.

        Returns:
            Probabilities, shape ``(m,)``, and the next state.

        Raises:
            PauseDetectionError: If the network fails, or gives what is no probability.
        """
        step = MOST_ROWS if self.signature.takes_sequence else 1
        probabilities: NDArray[np.float32] = np.empty(len(rows), np.float32)
        for first in range(0, len(rows), step):
            part = rows[first : first + step]
            probabilities[first : first + step], state = self._call(part, state)
        if not all(0 <= probability <= 1 for probability in probabilities.tolist()):  # nor NaN
            raise PauseDetectionError("The Silero VAD model gave what is no probability")
        return probabilities, state

    def _call(self, rows: NDArray[np.float32], state: State) -> tuple[NDArray[np.float32], State]:
        feeds: dict[str, NDArray[Any]] = {"input": np.ascontiguousarray(rows)}
        feeds.update(zip(self.signature.states, state, strict=True))
        if self.signature.takes_rate:
            feeds["sr"] = _RATE_INPUT
        try:
            output, *following = self._session.run(None, feeds)
            return output.reshape(len(rows)), following
        except Exception as error:  # onnxruntime has no common class for its own
            raise PauseDetectionError(f"The Silero VAD model failed: {error}") from error


class OnnxStream:
    """The `SpeechStream` of a network.

    Args:
        network: It runs there.
        window: Samples to judge at a time.
    """

    def __init__(self, network: OnnxVad, window: int) -> None:
        self._network = network
        self._window = window
        self._context = network.signature.context
        self._state: State
        self._silent: int  # windows until now
        self._tail: NDArray[np.float32]
        self.reset()

    def push(self, samples: NDArray[Any]) -> NDArray[np.float32]:
        """Judge the windows that these samples complete; see `SpeechStream`.

        Raises:
            ValueError: If the shape is not ``(n,)``.
            TypeError: If the dtype is not a real number.
            PauseDetectionError: If the network fails; the stream begins anew then.
        """
        if samples.ndim != 1:
            raise ValueError(f"Samples of the shape (n,), not {samples.shape}")
        heard = np.concatenate((self._tail, to_float32(samples)))
        count = (heard.size - self._context) // self._window
        if count == 0:
            self._tail = heard
            return np.empty(0, np.float32)
        rows = _rows(heard, count, self._context + self._window, self._window)
        judged = self._is_worth_judging(rows)
        probabilities: NDArray[np.float32] = np.zeros(count, np.float32)
        try:
            probabilities[judged], self._state = self._network.run(rows[judged], self._state)
        except PauseDetectionError:
            self.reset()
            raise
        self._tail = heard[count * self._window :].copy()  # a view would keep all of it
        return probabilities

    def _is_worth_judging(self, rows: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Tell which rows are not far into silence, and count on."""
        numbers = np.arange(len(rows))
        sounds = np.where(rows.any(axis=1), numbers, -1 - self._silent)
        silent = numbers - np.maximum.accumulate(sounds)  # windows so far, with this one
        self._silent = int(silent[-1])
        worth: NDArray[np.bool_] = silent <= SETTLED
        return worth

    def reset(self) -> None:
        """Forget what was heard, and begin anew."""
        self._state = self._network.first_state
        self._silent = 0
        # What the next window begins with: its context, then samples that filled no window.
        self._tail = np.zeros(self._context, np.float32)


_RATE_INPUT = np.array(RATE, np.int64)


def _rows(samples: NDArray[np.float32], count: int, size: int, step: int) -> NDArray[np.float32]:
    """View contiguous samples as `count` rows of `size`, each `step` after the one before."""
    # numpy's sliding_window_view does the same in 40 us, a sixth of what the network takes
    strides = (step * samples.itemsize, samples.itemsize)
    return np.ndarray((count, size), samples.dtype, samples, strides=strides)


def require_onnxruntime() -> Any:
    """Import onnxruntime.

    Raises:
        ModelUnavailable: If it is not installed, or cannot be imported.
    """
    try:
        return importlib.import_module("onnxruntime")
    except ImportError as error:
        needed = "Voice activity detection needs onnxruntime"
        if error.name == "onnxruntime":
            raise ModelUnavailable(f"{needed}: run `{INSTALL}`") from None
        raise ModelUnavailable(f"{needed}, which fails ({error}): run `{INSTALL}`") from error


def _load(path: str | Path) -> Any:
    """Make a session that starts no threads: they would cost more than a window of 32 ms does."""
    onnxruntime = require_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only: it warns of what an exporter left unused
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has no common class for its own
        raise ModelUnavailable(f"{path} cannot be loaded as an ONNX model: {error}") from error


def _known_shape(shape: Sequence[Any], fallback: tuple[int, ...]) -> tuple[int, ...]:
    """Give the shape that the file states, if it leaves no dimension open."""
    return tuple(shape) if all(isinstance(size, int) for size in shape) else fallback
