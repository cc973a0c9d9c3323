"""How the end of a turn is detected: in a stream of audio, or in chunks."""

from __future__ import annotations

import logging

from ..pause_detection.protocol import has_speech_stream, open_speech_stream
from .chunked_detector import ChunkedTurnDetector
from .face import Face
from .gated_detector import Gate
from .segmenter import UtteranceSegmenter
from .vad_options import decides_in_blocks, speech_rules, unused_options

__all__ = ["Endpointing"]

logger = logging.getLogger(__name__)


class Endpointing:
    """Follow the options of a ``ReplyOnPause`` and its VAD model.

    A model that processes a stream gets a segmenter. If the options only make sense for chunks, if
    the model only has ``vad``, or if the program judges chunks itself, there is none.

    Args:
        face: The ``ReplyOnPause``.
        chunked: Whether the program judges chunks, in its own ``determine_pause``.
        gate: Judges speech over a reply; None to leave it to the options.

    Attributes:
        segmenter: Splits the audio into utterances; None if chunks are judged instead.
        chunks: Judges them.
    """

    def __init__(self, face: Face, chunked: bool, gate: Gate | None = None) -> None:
        self.segmenter: UtteranceSegmenter | None = None
        self.chunks = ChunkedTurnDetector(gate)
        self._gate = gate
        self._face = face
        self._chunked = chunked
        self._follows = True  # continuous audio, unless the options are for chunks

    def open_segmenter(self) -> UtteranceSegmenter | None:
        """Return the segmenter with the current options, or None if chunks are to be judged.

        Options that change how the end of a turn is detected take effect from the next utterance.
        """
        if not self._follows:
            return None
        face = self._face
        options, model_options = face.algo_options, face.model_options
        in_blocks = decides_in_blocks(options)
        if in_blocks is (self.segmenter is not None) and face.state.started_talking:
            in_blocks = not in_blocks  # options changed: effective from the next utterance
        if in_blocks:
            self.segmenter = None
            return None
        threshold = getattr(model_options, "threshold", 0.5)
        rules = speech_rules(model_options)
        if self.segmenter is None:
            stream = None
            if not self._chunked:
                stream = open_speech_stream(face.model, model_options)
            if stream is None:
                self._follows = False
                return None
            rate = face.state.sampling_rate or face.input_sample_rate
            self.segmenter = UtteranceSegmenter(
                options, stream, rate, face.expected_layout, threshold, rules, self._gate
            )
            face.state.buffer = None
            self.chunks.forget()
        self.segmenter.set_options(options, threshold, rules)
        return self.segmenter

    def warn_of_unused_options(self) -> None:
        """Log options of the program that have no effect.

        Raises:
            ValueError: If an option of the model is invalid.
        """
        face = self._face
        in_blocks = not has_speech_stream(face.model) or decides_in_blocks(face.algo_options)
        if not in_blocks:
            speech_rules(face.model_options)  # raises here rather than for each frame
        unused = [*unused_options(face.algo_options, face.model_options, face.model, in_blocks)]
        if unused:
            logger.warning("Options that have no effect: %s", "; ".join(unused))

    def forget(self) -> None:
        """Discard the audio of the current utterance."""
        self.chunks.forget()
        if self.segmenter is not None:
            self.segmenter.forget()
