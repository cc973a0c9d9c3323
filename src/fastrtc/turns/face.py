"""The interface of ``ReplyOnPause`` to its conversation."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..core.types import Layout
from ..handlers.base import WaitsForInputs
from ..pause_detection.protocol import ModelOptions, PauseDetectionModel
from .options import AlgoOptions
from .state import AppState

__all__ = ["Face", "rate_of"]


class Face(WaitsForInputs, Protocol):
    """The part of ``ReplyOnPause`` that a conversation uses and programs may override."""

    fn: Callable[..., Any]
    startup_fn: Callable[..., Any] | None
    algo_options: AlgoOptions
    model: PauseDetectionModel
    model_options: ModelOptions
    can_interrupt: bool
    needs_args: bool
    expected_layout: Layout
    input_sample_rate: int
    latest_args: list[object]
    args_set: asyncio.Event
    state: AppState
    event: threading.Event
    generator: Any

    @property
    def clear_queue(self) -> Callable[[], None]:
        """Drops the audio that is queued but not yet played."""

    @property
    def phone_mode(self) -> bool:
        """Whether the connection is a telephone call."""

    @property
    def _needs_additional_inputs(self) -> bool:
        """Whether ``fn`` has parameters other than the audio."""

    async def async_iterate(self, generator: Any) -> Any:
        """Return the next item of an async generator."""

    def process_audio(self, audio: tuple[int, NDArray[np.int16]], state: AppState) -> None:
        """Process a frame of audio, and update the state."""

    def determine_pause(
        self, audio: NDArray[np.int16], sampling_rate: int, state: AppState
    ) -> bool:
        """Process a chunk of audio, and return whether the turn has ended."""

    def reset(self) -> None:
        """Discard the state, including speech, and stop the reply."""


def rate_of(face: Face) -> int:
    """Return the sample rate of the user's audio in Hz."""
    return face.state.sampling_rate or face.input_sample_rate
