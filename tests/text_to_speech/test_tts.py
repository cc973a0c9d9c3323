import sys
from pathlib import Path

import numpy as np
import pytest

from fastrtc import get_tts_model
from fastrtc.core.models import MissingExtra
from fastrtc.text_to_speech import TTSModel
from tests.text_to_speech.conftest import KOKORO
from tests.text_to_speech.networks import write_kokoro


class Own:
    def tts(self, text, options=None):
        return 24_000, np.zeros(len(text), np.float32)

    async def stream_tts(self, text, options=None):
        yield self.tts(text)

    def stream_tts_sync(self, text, options=None):
        yield self.tts(text)


def test_an_object_may_be_given_where_a_name_can() -> None:
    model = Own()
    assert get_tts_model(model) is model


def test_what_lacks_a_method_is_no_model() -> None:
    class Half:
        tts = Own.tts

    with pytest.raises(TypeError, match="stream_tts"):
        get_tts_model(Half())


def test_a_model_is_made_once() -> None:
    assert get_tts_model("espeak") is get_tts_model("espeak")
    with pytest.raises(ValueError, match="there are cartesia, espeak, kokoro"):
        get_tts_model("siri")


@pytest.mark.parametrize(
    ("name", "module", "extra"),
    [("kokoro", "kokoro_onnx", "tts"), ("cartesia", "cartesia", "cartesia")],
)
def test_a_missing_package_says_what_to_run(monkeypatch, name, module, extra) -> None:
    get_tts_model.cache_clear()
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=rf'pip install "fastrtc\[{extra}\]"'):
        get_tts_model(name)


@pytest.fixture(
    scope="module",
    params=[
        *(["kokoro"] if KOKORO else []),
        "cartesia",
        pytest.param("espeak", marks=pytest.mark.external("espeak-ng")),
    ],
)
def voice(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TTSModel:
    if request.param == "kokoro":
        folder: Path = write_kokoro(tmp_path_factory.mktemp("kokoro"))
        return get_tts_model("kokoro", model_path=folder)
    if request.param == "cartesia":  # nobody listens there
        return get_tts_model("cartesia", cartesia_api_key="key", base_url="http://127.0.0.1:9")
    return get_tts_model(request.param)


NO_TEXTS = [
    (None, "must be a string, not NoneType; did the function that makes the text return nothing"),
    (b"Hello.", r"must be a string, not bytes; decode it: data.decode\("),
    (bytearray(b"Hello."), "must be a string, not bytearray; decode"),
    (5, "must be a string, not int$"),
    (["Hello."], "must be a string, not list$"),
    (iter(["Hello."]), "must be a string, not list_iterator$"),
]


@pytest.mark.parametrize("method", ["tts", "stream_tts_sync"])
@pytest.mark.parametrize(("thing", "complaint"), NO_TEXTS)
def test_what_is_no_text_is_refused_by_the_call(voice, method, thing, complaint) -> None:
    with pytest.raises(TypeError, match=complaint):  # not only by the first piece
        getattr(voice, method)(thing)


@pytest.mark.parametrize(("thing", "complaint"), NO_TEXTS)
async def test_what_is_no_text_is_refused_in_async_code(voice, thing, complaint) -> None:
    with pytest.raises(TypeError, match=complaint):
        await anext(voice.stream_tts(thing))


async def test_options_of_another_kind_are_refused(voice) -> None:
    wrong = {"speed": 2}
    with pytest.raises(TypeError, match="The options must be .*TTSOptions, not {'speed': 2}"):
        voice.tts("Hello.", wrong)
    with pytest.raises(TypeError, match="The options must be"):
        voice.stream_tts_sync("Hello.", wrong)
    with pytest.raises(TypeError, match="The options must be"):
        await anext(voice.stream_tts("Hello.", wrong))
