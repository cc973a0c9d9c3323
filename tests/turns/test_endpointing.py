"""The options and the model decide whether there is a segmenter, and may change."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fastrtc.pause_detection.silero import SileroVadOptions
from fastrtc.turns.endpointing import Endpointing
from fastrtc.turns.options import AlgoOptions
from fastrtc.turns.state import AppState
from fastrtc.turns.windowed_segmenter import WindowedSegmenter

RATE = 48000
IN_CHUNKS = AlgoOptions(hop_s=0.6)


class Quiet:
    """A model that can process streams, and hears no speech."""

    def __init__(self) -> None:
        self.streams: list[Any] = []
        self.resets = 0

    def vad(self, audio, options):
        return 0.0, []

    def warmup(self) -> None: ...

    def open_stream(self, options):
        self.streams.append(options)
        return self

    def push(self, samples: np.ndarray) -> np.ndarray:
        return np.zeros(len(samples) // 512, np.float32)

    def reset(self) -> None:
        self.resets += 1


class OnlyVad:
    """A model of the old interface."""

    def vad(self, audio, options):
        return 0.0, []

    def warmup(self) -> None: ...


def face(model: Any, **options: Any) -> Any:
    return SimpleNamespace(
        model=model,
        model_options=options.pop("model_options", SileroVadOptions()),
        algo_options=options.pop("algo_options", AlgoOptions()),
        expected_layout="mono",
        input_sample_rate=RATE,
        state=AppState(),
    )


def test_a_model_with_a_stream_gets_one_segmenter() -> None:
    handler = face(Quiet())
    handler.state.buffer = np.zeros(7, np.int16)
    endpointing = Endpointing(handler, chunked=False)
    segmenter = endpointing.open_segmenter()
    assert segmenter is not None
    assert endpointing.open_segmenter() is segmenter is endpointing.segmenter
    assert handler.model.streams == [handler.model_options]
    assert handler.state.buffer is None


@pytest.mark.parametrize(
    ("model", "chunked"), [(OnlyVad(), False), (Quiet(), True)], ids=["old model", "own method"]
)
def test_chunks_are_judged_otherwise(model: Any, chunked: bool) -> None:
    endpointing = Endpointing(face(model), chunked)
    assert endpointing.open_segmenter() is endpointing.open_segmenter() is None


def test_options_for_chunks_take_effect_from_the_next_utterance_on() -> None:
    handler = face(Quiet())
    endpointing = Endpointing(handler, chunked=False)
    segmenter = endpointing.open_segmenter()
    handler.algo_options = IN_CHUNKS
    handler.state.started_talking = True
    assert endpointing.open_segmenter() is segmenter
    handler.state.started_talking = False
    assert endpointing.open_segmenter() is endpointing.segmenter is None

    handler.algo_options = AlgoOptions()
    handler.state.started_talking = True
    assert endpointing.open_segmenter() is None
    handler.state.started_talking = False
    assert endpointing.open_segmenter() not in (None, segmenter)
    assert len(handler.model.streams) == 2


def test_an_option_of_the_model_that_is_none_is_an_error() -> None:
    handler = face(Quiet(), model_options=SileroVadOptions(speech_pad_ms=-1))
    with pytest.raises(ValueError, match="speech_pad_ms"):
        Endpointing(handler, chunked=False).warn_of_unused_options()


def test_options_without_an_effect_are_named(caplog: pytest.LogCaptureFixture) -> None:
    Endpointing(face(Quiet()), chunked=False).warn_of_unused_options()
    assert caplog.records == []
    handler = face(OnlyVad(), algo_options=AlgoOptions(hop_s=0.8))
    Endpointing(handler, chunked=False).warn_of_unused_options()
    [record] = caplog.records
    assert "no effect: AlgoOptions.hop_s=0.8" in record.getMessage()


@pytest.mark.parametrize(
    ("model", "chunked", "options"),
    [
        (OnlyVad(), False, AlgoOptions(adaptive_pause=True)),
        (Quiet(), True, AlgoOptions(adaptive_pause=True)),
        (Quiet(), False, AlgoOptions(hop_s=0.6, adaptive_pause=True)),
        (OnlyVad(), False, AlgoOptions(hop_s=0.1, adaptive_pause=True)),
    ],
    ids=["old model", "own method", "chunks", "window"],
)
def test_what_needs_a_stream_is_named_without_one(
    model: Any, chunked: bool, options: AlgoOptions, caplog: pytest.LogCaptureFixture
) -> None:
    handler = face(model, algo_options=options)
    Endpointing(handler, chunked, ask=lambda audio: None).warn_of_unused_options()  # type: ignore
    Endpointing(handler, chunked, suspects=True).warn_of_unused_options()
    with_model, early = (record.getMessage() for record in caplog.records)
    assert "turn_model: it needs" in with_model and "adaptive_pause: it needs" in with_model
    assert "early: it needs" in early


def test_a_model_with_vad_only_gets_a_window_if_a_program_sets_hop_s() -> None:
    handler = face(OnlyVad(), algo_options=AlgoOptions(hop_s=0.1))
    endpointing = Endpointing(handler, chunked=False)
    segmenter = endpointing.open_segmenter()
    assert isinstance(segmenter, WindowedSegmenter)
    handler.state.started_talking = True
    handler.algo_options.hop_s = None
    assert endpointing.open_segmenter() is segmenter  # until the utterance has ended
    handler.state.started_talking = False
    assert endpointing.open_segmenter() is None
    handler.algo_options.hop_s = 0.2
    assert isinstance(endpointing.open_segmenter(), WindowedSegmenter)


def test_an_utterance_can_be_forgotten_before_there_is_a_segmenter() -> None:
    model = Quiet()
    endpointing = Endpointing(face(model), chunked=False)
    endpointing.forget()
    segmenter = endpointing.open_segmenter()
    assert segmenter is not None
    segmenter.hear(RATE, np.ones((1, RATE), np.int16), False)
    endpointing.forget()
    assert segmenter.take() is None
