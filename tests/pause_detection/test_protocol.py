"""Which models are followed as a stream, and which are asked through `vad`."""

from unittest import mock

import numpy as np

from fastrtc.core.types import AudioChunk
from fastrtc.pause_detection import protocol
from fastrtc.pause_detection.onnx_vad import OnnxStream
from fastrtc.pause_detection.protocol import PauseDetectionModel, open_speech_stream
from fastrtc.pause_detection.silero import SileroVADModel, SileroVadOptions


def test_the_reference_s_names_are_here():
    assert protocol.AudioChunk is AudioChunk
    assert {"AudioChunk", "ModelOptions", "PauseDetectionModel"} <= set(protocol.__all__)


def test_silero_is_followed(tiny_model: SileroVADModel):
    stream = open_speech_stream(tiny_model, SileroVadOptions())
    assert isinstance(stream, OnnxStream)
    assert stream.push(np.zeros(512, np.int16)).shape == (1,)


class OnlyVad(PauseDetectionModel):
    def vad(self, audio, options):
        return 0.0, []

    def warmup(self):
        pass


class Both(OnlyVad):
    def open_stream(self, options):
        return options


def test_a_model_with_vad_only_is_asked():
    assert open_speech_stream(OnlyVad(), None) is None
    assert open_speech_stream(mock.Mock(), None) is None
    assert open_speech_stream(mock.Mock(["vad", "warmup"]), None) is None


def test_options_are_handed_on_as_they_are():
    options = object()
    assert open_speech_stream(Both(), options) is options


def test_a_vad_of_a_subclass_wins_over_the_stream_that_it_inherits(tiny_model: SileroVADModel):
    class Own(SileroVADModel):
        def vad(self, audio, options):
            return 1.0, []

    class OwnWithStream(Own):
        def open_stream(self, options):
            return "stream"

    class Other(SileroVADModel):
        def warmup(self):
            pass

    assert open_speech_stream(Own(), None) is None
    assert open_speech_stream(OwnWithStream(), None) == "stream"
    assert isinstance(open_speech_stream(Other(), None), OnnxStream)


def test_a_vad_of_the_instance_wins_too(tiny_model: SileroVADModel):
    tiny_model.vad = lambda audio, options: (1.0, [])
    assert open_speech_stream(tiny_model, None) is None


def test_slots_will_do():
    class Slots:
        __slots__ = ()

        def open_stream(self, options):
            return "stream"

    assert open_speech_stream(Slots(), None) == "stream"
