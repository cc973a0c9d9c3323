"""Kokoro, with a tiny network of the same inputs and outputs, and its real phonemiser."""

import asyncio
import threading
from pathlib import Path

import numpy as np
import pytest

from fastrtc.core.models import ModelError
from fastrtc.text_to_speech import EspeakTTSOptions, KokoroTTSOptions, get_tts_model
from fastrtc.text_to_speech.kokoro import RATE, KokoroTTSModel
from tests.support.hub import hub, run_with_hub
from tests.text_to_speech.networks import VOICES, write_kokoro

FROM_HUB = """
from fastrtc import get_tts_model
model = get_tts_model()
assert model is get_tts_model("kokoro")
rate, samples = model.tts("Hello, world!")
print(rate, samples.dtype, samples.ndim, samples.size > 5000)
"""
LONG = "The first sentence is short. " + "and so it goes, on and on, " * 60 + "to its end. Bye!"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> KokoroTTSModel:
    return KokoroTTSModel(model_path=write_kokoro(tmp_path_factory.mktemp("kokoro")))


@pytest.fixture
def calls(model: KokoroTTSModel, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The phonemes of each call of the model."""
    calls: list[str] = []
    create = model._model.create
    monkeypatch.setattr(
        model._model, "create", lambda text, **kw: calls.append(text) or create(text, **kw)
    )
    return calls


def test_files_come_from_the_hub_and_then_from_its_cache(tmp_path: Path) -> None:
    write_kokoro(tmp_path / "hub/fastrtc/kokoro-onnx")
    with hub(tmp_path / "hub") as serving:
        done = run_with_hub(FROM_HUB, serving.url, tmp_path / "home")
    assert done.stdout.strip() == "24000 float32 1 True", done.stderr
    fetched = {line.rpartition("/")[2] for line in serving.requests if line.startswith("GET")}
    assert fetched == {"kokoro-v1.0.onnx", "voices-v1.0.bin"}
    offline = run_with_hub(FROM_HUB, serving.url, tmp_path / "home", HF_HUB_OFFLINE="1")
    assert offline.stdout.strip() == "24000 float32 1 True", offline.stderr


def test_local_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=f"could not be loaded from {tmp_path}"):
        get_tts_model("kokoro", model_path=tmp_path)


def test_every_option_is_used(model: KokoroTTSModel) -> None:
    rate, usual = model.tts("Hello, world!")
    assert (rate, usual.dtype, usual.ndim) == (RATE, np.float32, 1)
    assert np.allclose(usual, VOICES["af_heart"])
    _, other = model.tts("Hello, world!", KokoroTTSOptions(voice="bm_george"))
    assert np.allclose(other, VOICES["bm_george"])
    _, fast = model.tts("Hello, world!", KokoroTTSOptions(speed=2))
    assert abs(2 * fast.size - usual.size) <= 2
    german = [model.tts("Guten Morgen", KokoroTTSOptions(lang=lang))[1] for lang in ("en-us", "de")]
    assert german[0].size != german[1].size


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (KokoroTTSOptions(voice="nobody"), "no voice 'nobody'; it has af_heart, bm_george"),
        (KokoroTTSOptions(speed=3), "0.5 to 2"),
        (KokoroTTSOptions(lang="xx"), "cannot pronounce 'xx'"),
    ],
)
def test_options_with_impossible_values(model, options, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        model.tts("Hello", options)


def test_options_of_another_model(model: KokoroTTSModel) -> None:
    with pytest.raises(TypeError, match="KokoroTTSOptions"):
        model.tts("Hello", EspeakTTSOptions())


def test_the_first_audio_comes_before_the_text_is_finished(model, calls: list[str]) -> None:
    stream = model.stream_tts_sync(LONG)
    rate, first = next(stream)
    assert rate == RATE and first.size
    assert len(calls) == 1
    rest = [samples for _, samples in stream]
    assert len(calls) == 1 + len(rest) > 5
    assert all(0 < len(phonemes) <= 510 for phonemes in calls)
    together = model.tts(LONG)[1]
    assert together.size == first.size + sum(samples.size for samples in rest)


def test_figures_that_are_long_when_read_out_fit_too(model, calls: list[str]) -> None:
    assert model.tts("7777777 " * 24)[1].size
    assert len(calls) > 1
    assert all(0 < len(phonemes) <= 510 for phonemes in calls)


@pytest.mark.parametrize("text", ["", "  \n ", "...", "?! --"])
def test_a_text_without_words_is_no_audio(model: KokoroTTSModel, text: str) -> None:
    assert model.tts(text)[1].size == 0
    assert list(model.stream_tts_sync(text)) == []


async def test_async_does_not_block_the_loop_and_gives_the_same(model: KokoroTTSModel) -> None:
    release, ticks = threading.Event(), []
    say = model._model.create

    def slow(*args, **kwargs):
        release.wait(20)
        return say(*args, **kwargs)

    model._model.create = slow
    try:
        first = asyncio.ensure_future(anext(stream := model.stream_tts("One. Two.")))
        for _ in range(10):
            await asyncio.sleep(0)
            ticks.append(first.done())
        release.set()
        pieces = [await first] + [piece async for piece in stream]
    finally:
        del model._model.create
    assert not any(ticks)
    expected = list(model.stream_tts_sync("One. Two."))  # also within a running loop
    assert [samples.size for _, samples in pieces] == [samples.size for _, samples in expected]


def test_the_same_in_several_threads(model: KokoroTTSModel) -> None:
    sizes: list[int] = []
    threads = [
        threading.Thread(target=lambda: sizes.append(model.tts("Hello, world!")[1].size))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sizes) == 4 and len(set(sizes)) == 1
