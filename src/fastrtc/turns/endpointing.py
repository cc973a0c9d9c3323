"""How the end of a turn is detected: in a stream of audio, or in chunks."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..pause_detection.protocol import has_speech_stream, open_speech_stream
from .chunked_detector import ChunkedTurnDetector
from .face import Face
from .gated_detector import Gate
from .judged_pauses import Ask
from .options import AlgoOptions, SpeechRules
from .segmenter import UtteranceSegmenter
from .vad_options import decides_in_blocks, speech_rules, unused_options
from .windowed_segmenter import WindowedSegmenter

__all__ = ["Endpointing"]

logger = logging.getLogger(__name__)


class Endpointing:
    """Follow the options of a ``ReplyOnPause`` and its VAD model.

    A model that processes a stream gets a segmenter; so does one that only has ``vad``, if
    ``hop_s`` asks for a sliding window. If the options only make sense for chunks, or if the
    program judges chunks itself, there is none.

    Args:
        face: The ``ReplyOnPause``.
        chunked: Whether the program judges chunks, in its own ``determine_pause``.
        gate: Judges speech over a reply; None to leave it to the options.
        ask: Ask a turn model about the audio of an utterance; None without one.
        suspects: Whether to report pauses in which the turn may be over.

    Attributes:
        segmenter: Splits the audio into utterances; None if chunks are judged instead.
        chunks: Judges them.
    """

    def __init__(
        self,
        face: Face,
        chunked: bool,
        gate: Gate | None = None,
        *,
        ask: Ask | None = None,
        suspects: bool = False,
    ) -> None:
        self.segmenter: UtteranceSegmenter | WindowedSegmenter | None = None
        self.chunks = ChunkedTurnDetector(gate)
        self._gate = gate
        self._face = face
        self._chunked = chunked
        self._ask = ask
        self._suspects = suspects
        self._streams: bool | None = None  # whether the model processes a stream

    def open_segmenter(self) -> UtteranceSegmenter | WindowedSegmenter | None:
        """Return the segmenter with the current options, or None if chunks are to be judged.

        Options that change how the end of a turn is detected take effect from the next utterance.
        """
        if self._chunked:
            return None
        face = self._face
        if self._streams is None:
            self._streams = has_speech_stream(face.model)
        options = face.algo_options
        in_blocks = self._decides_in_blocks(self._streams)
        if in_blocks is (self.segmenter is not None) and face.state.started_talking:
            in_blocks = not in_blocks  # options changed: effective from the next utterance
        if in_blocks:
            self.segmenter = None
            return None
        threshold = getattr(face.model_options, "threshold", 0.5)
        rules = speech_rules(face.model_options)
        if self.segmenter is None:
            self.segmenter = self._create_segmenter(options, threshold, rules)
            face.state.buffer = None
            self.chunks.forget()
        self.segmenter.set_options(options, threshold, rules)
        return self.segmenter

    def _decides_in_blocks(self, streams: bool) -> bool:
        if not streams and self._gate is not None:
            return True  # a gate judges each sound once, and windows overlap
        return decides_in_blocks(self._face.algo_options, streams)

    def _create_segmenter(
        self, options: AlgoOptions, threshold: float, rules: SpeechRules | None
    ) -> UtteranceSegmenter | WindowedSegmenter:
        face = self._face
        rate = face.state.sampling_rate or face.input_sample_rate
        stream = open_speech_stream(face.model, face.model_options)
        if stream is None:
            return WindowedSegmenter(options, self._speech_s, rate, face.expected_layout)
        return UtteranceSegmenter(
            options,
            stream,
            rate,
            face.expected_layout,
            threshold,
            rules,
            self._gate,
            suspects=self._suspects,
            ask=self._ask,
        )

    def _speech_s(self, rate: int, samples: NDArray[np.int16]) -> float:
        speech_s, _ = self._face.model.vad((rate, samples), self._face.model_options)
        return speech_s

    def warn_of_unused_options(self) -> None:
        """Log options of the program that have no effect.

        Raises:
            ValueError: If an option of the model is invalid.
        """
        face = self._face
        streams = has_speech_stream(face.model)
        in_blocks = self._chunked or self._decides_in_blocks(streams)
        unused: list[str] = []
        if streams and not in_blocks:
            speech_rules(face.model_options)  # raises here rather than for each frame
        else:
            unused += self._unused_without_stream()
        if not self._chunked:
            options, model_options = face.algo_options, face.model_options
            unused += unused_options(options, model_options, face.model, in_blocks)
        if unused:
            logger.warning("Options that have no effect: %s", "; ".join(unused))

    def _unused_without_stream(self) -> Iterator[str]:
        """Yield a message for each option that needs to know when the speech ended."""
        why = "it needs a VAD model with open_stream(), and decisions that are not in chunks"
        if self._ask is not None:
            yield f"turn_model: {why}"
        elif self._suspects:
            yield f"early: {why}"
        if self._face.algo_options.adaptive_pause:
            yield f"AlgoOptions.adaptive_pause: {why}"

    def forget(self) -> None:
        """Discard the audio of the current utterance."""
        self.chunks.forget()
        if self.segmenter is not None:
            self.segmenter.forget()
