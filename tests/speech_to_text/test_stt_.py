import sys

import numpy as np
import pytest

import fastrtc
from fastrtc.core.models import MissingExtra
from fastrtc.speech_to_text import PocketSphinxSTT, get_stt_model, stt_for_chunks
from fastrtc.speech_to_text.protocol import to_recogniser


class Own:
    """Says how much audio it got."""

    def stt(self, audio):
        return f"{audio[1].shape[-1]} at {audio[0]}"


def test_an_object_may_be_given_where_a_name_can() -> None:
    model = Own()
    assert get_stt_model(model) is model
    assert get_stt_model.cache_clear


@pytest.mark.parametrize("thing", [None, 3, object()])
def test_what_is_no_model(thing) -> None:
    with pytest.raises(TypeError, match="has a method stt"):
        get_stt_model(thing)


def test_arguments_are_those_of_the_model() -> None:
    model = get_stt_model("pocketsphinx", words=["yes", "no"])
    assert isinstance(model, PocketSphinxSTT)
    assert model is get_stt_model("pocketsphinx", words=["yes", "no"])
    with pytest.raises(TypeError, match="colour"):
        get_stt_model("pocketsphinx", colour="red")


def test_a_missing_package_says_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "moonshine_onnx", None)
    with pytest.raises(MissingExtra, match=r'pip install "fastrtc\[stt\]"'):
        fastrtc.MoonshineSTT()


def test_chunks_are_in_samples_of_the_audio() -> None:
    chunks = [{"start": 10, "end": 30}, {"start": 40, "end": 50}]
    audio = np.zeros((1, 100), np.int16)
    assert stt_for_chunks(Own(), (16_000, audio), chunks) == "20 at 16000 10 at 16000"
    assert stt_for_chunks(Own(), (16_000, audio), []) == ""


def test_audio_for_a_recogniser() -> None:
    tone = np.sin(np.arange(48_000) * 0.05).astype(np.float32)
    heard = to_recogniser((48_000, np.stack([tone, tone])))
    assert (heard.dtype, heard.shape) == (np.int16, (16_000,))
    expected = 32_767 * np.sin(np.arange(16_000) * 0.15)
    assert np.abs(heard - expected)[100:-100].max() < 50
