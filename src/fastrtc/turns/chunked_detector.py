"""Turn detection for VAD models that judge one chunk of audio at a time."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .options import AlgoOptions
from .speech_buffer import MAX_KEPT_S
from .state import AppState

__all__ = ["ChunkedTurnDetector"]

MAX_CHUNKS = 100
"""The most chunks that are searched for the speech which a barge-in takes."""


class _Block(NamedTuple):
    samples: NDArray[np.int16]  # shape (n,)
    speech_s: float


class ChunkedTurnDetector:
    """Detect onset and end of turn in consecutive chunks of audio; keeps the latest chunks."""

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
        """Process the next chunk.

        Args:
            samples: Shape ``(n,)``.
            speech_s: The speech in the chunk, in seconds.
            rate: Sample rate in Hz.
            state: Updated: ``started_talking`` is set at an onset, and ``stream`` grows until the
                end of the turn.
            options: The thresholds of speech onset and end of turn.
            replying: Whether a reply is running, so that an onset must exceed
                ``min_interruption_s``.
            channels: The number of interleaved channels.

        Returns:
            Whether the turn has ended: the speaker paused, or reached the maximum length.
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
        state.stream = np.concatenate((*so_far, samples))[-round(MAX_KEPT_S * rate) * channels :]
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
        """Process the next chunk while no utterance is active.

        Args:
            samples: Shape ``(n,)``.
            speech_s: The speech in the chunk that belongs to no utterance yet, in seconds.
            rate: Sample rate in Hz.
            options: The threshold of speech onset.
            replying: Whether a reply is running, so that an onset must exceed
                ``min_interruption_s``.
            channels: The number of interleaved channels.

        Returns:
            None without an onset; otherwise the audio before this chunk that belongs to the
            utterance (earlier chunks and pre-roll), shape ``(n,)``.
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
        """Discard the chunks."""
        self._latest = []


def _more_blocks(threshold: float, options: AlgoOptions) -> int:
    """Return the number of further chunks to search: 1 s of speech does not fit into 0.6 s."""
    more = threshold - options.started_talking_threshold
    if not 0 < more < math.inf or not options.audio_chunk_duration:
        return 0
    return min(math.ceil(round(more / options.audio_chunk_duration, 6)), MAX_CHUNKS)
