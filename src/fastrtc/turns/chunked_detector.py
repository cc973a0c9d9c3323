"""Whether somebody spoke and has paused, for a model that is asked block by block."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .options import AlgoOptions
from .speech_buffer import MOST_S
from .state import AppState

__all__ = ["ChunkedTurnDetector"]

MOST = 100
"""How many blocks are looked at, at most, for the speech that it takes to interrupt."""


class _Block(NamedTuple):
    samples: NDArray[np.int16]  # shape (n,)
    speech_s: float


class ChunkedTurnDetector:
    """Keeps the latest blocks of audio, and tells utterances apart."""

    def __init__(self) -> None:
        self._latest: list[_Block] = []

    def pause(
        self,
        samples: NDArray[np.int16],
        speech_s: float,
        rate: int,
        state: AppState,
        options: AlgoOptions,
        replying: bool,
        channels: int = 1,
    ) -> bool:
        """Take the next block.

        Args:
            samples: Shape ``(n,)``.
            speech_s: How much speech it has, in seconds.
            rate: Its rate in Hz.
            state: Its ``started_talking`` is set, and its ``stream`` grows, while somebody speaks.
            options: What counts as speech and as a pause.
            replying: Whether a reply is running, which takes more to be interrupted.
            channels: How many are interleaved in it.

        Returns:
            Whether somebody spoke and has paused, or has spoken for as long as is allowed.
        """
        new_s = 0.0 if state.started_talking else speech_s
        before = self.begin(samples, new_s, rate, options, replying, channels)
        if before is not None:
            state.started_talking = True
            if before.size:
                state.stream = before
        if not state.started_talking:
            return False
        so_far = [] if state.stream is None else [state.stream.reshape(-1)]
        state.stream = np.concatenate((*so_far, samples))[-round(MOST_S * rate) * channels :]
        if len(state.stream) >= options.max_continuous_speech_s * rate * channels:
            return True
        return bool(speech_s < options.speech_threshold)

    def begin(
        self,
        samples: NDArray[np.int16],
        speech_s: float,
        rate: int,
        options: AlgoOptions,
        replying: bool,
        channels: int = 1,
    ) -> NDArray[np.int16] | None:
        """Take the next block, and find out whether an utterance begins with it.

        Args:
            samples: Shape ``(n,)``.
            speech_s: How much speech it has that belongs to no utterance yet, in seconds.
            rate: Its rate in Hz.
            options: What counts as speech.
            replying: Whether a reply is running, which takes more to be interrupted.
            channels: How many are interleaved in it.

        Returns:
            None if none does, else what there was of it before, shape ``(n,)``.
        """
        threshold = options.started_talking_threshold
        if replying and options.min_interruption_s is not None:
            threshold = options.min_interruption_s
        count = 1 + _more_blocks(threshold, options)
        blocks = [*self._latest, _Block(samples, speech_s)][-count - 1 :]
        self._latest = blocks[-count:]
        if sum(block.speech_s for block in self._latest) <= threshold:
            return None
        looked_at = range(len(blocks) - len(self._latest), len(blocks))
        first = next(k for k in looked_at if blocks[k].speech_s > 0)
        before = [block.samples for block in blocks[first:-1]]
        pre_roll = round(options.pre_roll_s * rate) * channels
        if first > 0 and pre_roll:
            before.insert(0, blocks[first - 1].samples[-pre_roll:])
        return np.concatenate(before) if before else np.zeros(0, np.int16)

    def forget(self) -> None:
        """Forget what was heard."""
        self._latest = []


def _more_blocks(threshold: float, options: AlgoOptions) -> int:
    """How many blocks more are looked at: a second of speech is not to be found in 0.6 s."""
    more = threshold - options.started_talking_threshold
    if not 0 < more < math.inf or not options.audio_chunk_duration:
        return 0
    return min(math.ceil(round(more / options.audio_chunk_duration, 6)), MOST)
