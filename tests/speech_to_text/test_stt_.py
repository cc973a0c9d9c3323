import sys
from pathlib import Path

import numpy as np
import pytest

import fastrtc
from fastrtc.core.models import MissingExtra
from fastrtc.speech_to_text import PocketSphinxSTT, STTModel, get_stt_model, stt_for_chunks
from fastrtc.speech_to_text.protocol import to_recognizer
from tests.speech_to_text.networks import write_moonshine


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
    with pytest.raises(TypeError, match="have a method stt"):
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


def test_audio_for_a_recognizer() -> None:
    tone = np.sin(np.arange(48_000) * 0.05).astype(np.float32)
    heard = to_recognizer((48_000, np.stack([tone, tone])))
    assert (heard.dtype, heard.shape) == (np.int16, (16_000,))
    expected = 32_767 * np.sin(np.arange(16_000) * 0.15)
    assert np.abs(heard - expected)[100:-100].max() < 50


NO_AUDIO = [
    (None, "must be a tuple of a sample rate in Hz and an array of samples, not NoneType$"),
    (b"\0\0", r"not bytes; for 16-bit PCM use \(rate, np.frombuffer\(data, np.int16\)\)"),
    (np.zeros(2, np.int16), "must be a tuple .* not ndarray$"),
    ((16_000,), "must be a tuple"),
    ((16_000, None), "must be an array of integers, .* not NoneType$"),
    ((16_000, "sound"), "must be an array of integers, .* not str$"),
    ((16_000, b"\0\0"), "must be an array, not bytes; for 16-bit PCM use"),
    ((16_000, memoryview(b"\0\0")), "must be an array, not memoryview; for 16-bit PCM use"),
    ((16_000, np.zeros(9, bool)), "must be an array of integers, .* not an array of bool$"),
    ((16_000, np.zeros(9, complex)), "not an array of complex128$"),
    ((16_000, np.array([None])), "not an array of object$"),
]


@pytest.fixture(scope="module", params=["moonshine", "pocketsphinx"])
def ears(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> STTModel:
    if request.param == "pocketsphinx":
        return PocketSphinxSTT(["yes", "no"])
    folder: Path = write_moonshine(tmp_path_factory.mktemp("moonshine"), "tiny", "Hello computer.")
    return fastrtc.MoonshineSTT("moonshine/tiny", model_path=folder)


@pytest.mark.parametrize(("thing", "complaint"), NO_AUDIO)
def test_what_is_no_audio(ears, thing, complaint) -> None:
    with pytest.raises(TypeError, match=complaint):
        ears.stt(thing)
    with pytest.raises(TypeError, match=complaint):
        stt_for_chunks(ears, thing, [])


@pytest.mark.parametrize("words", [None, 5, [b"yes"], b"yes", [None]])
def test_words_are_strings(words) -> None:
    with pytest.raises(TypeError, match="words must be a list of strings"):
        PocketSphinxSTT(words)
