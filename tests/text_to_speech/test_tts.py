import sys

import numpy as np
import pytest

from fastrtc import get_tts_model
from fastrtc.core.models import MissingExtra


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
