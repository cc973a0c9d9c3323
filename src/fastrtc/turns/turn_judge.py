"""Ask a turn model about pauses: in threads, a few at a time for all connections."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..end_of_turn.protocol import TurnModel
from ..handlers.invoke import is_async
from .suspicion import DEADLINE_S

__all__ = ["Judgement", "TurnJudge"]

logger = logging.getLogger(__name__)

MAX_RUNNING = max(1, min(4, os.cpu_count() or 1))
"""How many pauses are judged at the same time, in all connections. Judging several in one call of
the network is no faster: it takes as long for each."""

MAX_WAITING = 128
"""How many pauses may be judged or wait for it; with more, the plain pause decides."""

EXIT_TIMEOUT_S = 1.0
"""How long the end of the process waits for models that run."""

_slots = threading.BoundedSemaphore(MAX_RUNNING)


@atexit.register
def _wait_for_models() -> None:
    """Wait for the models that run, and let no more begin: ONNX Runtime aborts if it is cut off."""
    ends = time.monotonic() + EXIT_TIMEOUT_S
    for _ in range(MAX_RUNNING):
        _slots.acquire(timeout=max(0.0, ends - time.monotonic()))


class Judgement:
    """What a turn model says about one pause; written in a thread, read in another.

    Args:
        report_late: Called if it comes too late.

    Attributes:
        done: Whether there is a result.
        probability: That the turn is complete; None if the model failed.
        abandoned: Whether nothing waits for the result any more.
    """

    def __init__(self, report_late: Callable[[], None]) -> None:
        self.done = False
        self.probability: float | None = None
        self.abandoned = False
        self._report_late = report_late

    def abandon(self, *, late: bool) -> None:
        """Note that the result is not needed any more.

        Args:
            late: Whether it was needed earlier.
        """
        self.abandoned = True
        if late:
            self._report_late()


class TurnJudge:
    """Ask the turn model of a handler; shared by all its connections.

    A model that fails is logged once, until it has worked again; so is one that is slow.

    Args:
        model: The model.

    Raises:
        TypeError: If it has no method ``complete``, or an async one.
    """

    def __init__(self, model: TurnModel) -> None:
        complete = getattr(model, "complete", None)
        if not callable(complete):
            raise TypeError(f"turn_model must have a method complete(audio_16k), unlike {model!r}")
        if is_async(complete):
            raise TypeError("complete() of a turn model must not be async: threads call it")
        self._model = model
        self._lock = threading.Lock()
        self._asked = 0  # pauses that are judged or wait
        self._failing = self._slow = False

    def ask(self, audio_16k: NDArray[np.float32]) -> Judgement:
        """Let the model judge a pause, in a thread.

        Args:
            audio_16k: See `TurnModel.complete`.
        """
        judgement = Judgement(self._note_slow)
        with self._lock:
            if self._asked >= MAX_WAITING:
                judgement.done = True
                return judgement
            self._asked += 1
        run = copy_context().run
        arguments = (self._run, audio_16k, judgement)
        threading.Thread(target=run, args=arguments, name="fastrtc-turn-model", daemon=True).start()
        return judgement

    def _note_slow(self) -> None:
        """Log that a judgement did not come in time."""
        with self._lock:
            slow, self._slow = self._slow, True
        if not slow:
            logger.warning(
                "The turn model takes more than %g s: the pause decides instead", DEADLINE_S
            )

    def _run(self, audio_16k: NDArray[np.float32], judgement: Judgement) -> None:
        try:
            with _slots:
                if not judgement.abandoned:
                    judgement.probability = _probability(self._model, audio_16k)
            self._failing = False
            if not judgement.abandoned:
                self._slow = False
        except BaseException as error:  # of the user's model; it ends only this thread
            with self._lock:
                failing, self._failing = self._failing, True
            if not failing:
                logger.error("The turn model failed: the pause decides instead", exc_info=error)
        finally:
            judgement.done = True
            with self._lock:
                self._asked -= 1


def _probability(model: TurnModel, audio_16k: NDArray[np.float32]) -> float:
    """Return the probability that the turn is complete.

    Raises:
        TypeError: If the model returns anything but a number.
        ValueError: If it is not a probability.
    """
    value: Any = model.complete(audio_16k)
    if not isinstance(value, Real):
        raise TypeError(f"complete() of a turn model must return a number, not {value!r}")
    probability = float(value)
    if not 0 <= probability <= 1:  # nor NaN
        raise ValueError(f"complete() of a turn model must return 0 to 1, not {value!r}")
    return probability
