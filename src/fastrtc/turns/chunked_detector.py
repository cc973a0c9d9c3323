"""Turn detection for VAD models that judge one chunk of audio at a time."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .gated_detector import Gate
from .interruptions import Verdict
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
    """Detect onset and end of turn in consecutive chunks of audio; keeps the latest chunks.

    Args:
        gate: Judges speech over a reply; None to leave it to the options.
    """

    def __init__(self, gate: Gate | None = None) -> None:
        self._gate = gate
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
        block, pre_roll = _Block(samples, speech_s), round(options.pre_roll_s * rate) * channels
        verdict = None
        if self._gate is not None:
            verdict = self._gate.judge(speech_s, len(samples) / channels / rate)
        if verdict is not None:
            return self._obey(verdict, block, pre_roll)
        threshold = options.started_talking_threshold
        if replying and options.min_interruption_s is not None:
            threshold = options.min_interruption_s
        count = 1 + _more_blocks(threshold, options)
        blocks = [*self._latest, block][-count - 1 :]
        self._latest = blocks[-count:]
        if sum(block.speech_s for block in self._latest) <= threshold:
            return None
        looked_at = range(len(blocks) - len(self._latest), len(blocks))
        first = next(k for k in looked_at if blocks[k].speech_s > 0)
        return _joined(blocks, first, pre_roll)

    def _obey(self, verdict: Verdict, block: _Block, pre_roll: int) -> NDArray[np.int16] | None:
        """Do what the gate has decided; see ``begin``."""
        if verdict is Verdict.IGNORED:
            self._latest = [block._replace(speech_s=0.0)]
            return None
        blocks = self._latest = [*self._latest, block][-MAX_CHUNKS:]
        if verdict is Verdict.PENDING:
            return None
        first = next((k for k, block in enumerate(blocks) if block.speech_s > 0), len(blocks) - 1)
        return _joined(blocks, first, pre_roll)

    def forget(self) -> None:
        """Discard the chunks."""
        self._latest = []


def _joined(blocks: list[_Block], first: int, pre_roll: int) -> NDArray[np.int16]:
    """Return the audio from block *first* to the last but one, with samples of pre-roll."""
    before = [block.samples for block in blocks[first:-1]]
    if first > 0 and pre_roll:
        before.insert(0, blocks[first - 1].samples[-pre_roll:])
    return np.concatenate(before) if before else np.zeros(0, np.int16)


def _more_blocks(threshold: float, options: AlgoOptions) -> int:
    """Return the number of further chunks to search: 1 s of speech does not fit into 0.6 s."""
    more = threshold - options.started_talking_threshold
    if not 0 < more < math.inf or not options.audio_chunk_duration:
        return 0
    return min(math.ceil(round(more / options.audio_chunk_duration, 6)), MAX_CHUNKS)
