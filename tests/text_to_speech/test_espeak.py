"""espeak-ng, in process and as a program."""

import importlib.util
import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from fastrtc.core.models import MissingExtra, ModelError
from fastrtc.text_to_speech import EspeakTTSOptions, get_tts_model
from fastrtc.text_to_speech.espeak import EspeakTTSModel, _Library

TEXT = "Good morning. How are you?"


def pitch_of(rate: int, samples: np.ndarray) -> float:
    """The frequency in Hz at which most of the speech is like itself, of 60 to 260."""
    size = rate // 20
    frames = samples[: samples.size // size * size].reshape(-1, size).astype(float)
    frames = frames[np.abs(frames).max(axis=1) > 4000]
    likeness = np.fft.irfft(np.abs(np.fft.rfft(frames, 2 * size, axis=1)) ** 2, axis=1)
    likeness = likeness[:, : rate // 60] / (size - np.arange(rate // 60))
    return float(rate / np.median(rate // 260 + likeness[:, rate // 260 :].argmax(axis=1)))


@pytest.fixture(scope="module", params=["library", "program"])
def model(request: pytest.FixtureRequest) -> EspeakTTSModel:
    if request.param == "library":
        return EspeakTTSModel()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importlib.util, "find_spec", lambda name: None)
        return EspeakTTSModel()


pytestmark = pytest.mark.external("espeak-ng")


def test_it_speaks(model: EspeakTTSModel) -> None:
    rate, samples = model.tts(TEXT)
    assert (rate, samples.dtype, samples.ndim) == (22_050, np.int16, 1)
    assert 1 < samples.size / rate < 4
    assert np.abs(samples.astype(int)).max() > 8000


def test_every_option_is_used(model: EspeakTTSModel) -> None:
    usual = model.tts(TEXT)[1]
    assert model.tts(TEXT, EspeakTTSOptions(speed=2))[1].size < 0.7 * usual.size
    low, high = (model.tts(TEXT, EspeakTTSOptions(pitch=pitch)) for pitch in (10, 90))
    assert pitch_of(*high) > 1.3 * pitch_of(*low)
    assert pitch_of(*model.tts(TEXT, EspeakTTSOptions("en-us+f3"))) > 1.2 * pitch_of(22_050, usual)
    assert model.tts(TEXT, EspeakTTSOptions(voice="de"))[1].size != pytest.approx(
        usual.size, rel=0.02
    )


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (EspeakTTSOptions(voice="xx"), "no voice 'xx'"),
        (EspeakTTSOptions(speed=3), "0.5 to 2.5"),
        (EspeakTTSOptions(pitch=100), "0 to 99"),
    ],
)
def test_options_with_impossible_values(model, options, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        model.tts(TEXT, options)
    assert model.tts(TEXT)[1].size  # the next one is heard


async def test_sentence_by_sentence(model: EspeakTTSModel) -> None:
    pieces = list(model.stream_tts_sync(TEXT))
    assert len(pieces) == 2
    # espeak-ng varies the length of a pause by a few samples
    sizes = [samples.size for _, samples in pieces]
    assert [s.size async for _, s in model.stream_tts(TEXT)] == pytest.approx(sizes, rel=0.03)


def test_nothing_to_say(model: EspeakTTSModel) -> None:
    assert model.tts("")[1].size == 0


def test_text_with_anything_in_it(model: EspeakTTSModel) -> None:
    assert model.tts("--help <b>naïve</b> \0 \ud800 日本 & so on")[1].size


def test_threads_do_not_mix_their_words() -> None:
    model = get_tts_model("espeak")
    alone = {text: model.tts(text)[1].size for text in ("One.", "A rather longer sentence.")}
    sizes: list[tuple[str, int]] = []
    threads = [
        threading.Thread(target=lambda t=text: sizes.append((t, model.tts(t)[1].size)))
        for text in [*alone] * 5
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sizes) == 10
    # espeak-ng varies the length of a pause by a few samples
    assert all(abs(size - alone[text]) < 0.05 * alone[text] for text, size in sizes)


def test_without_either_it_says_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(MissingExtra, match=r'pip install "fastrtc\[offline\]"'):
        EspeakTTSModel()


@pytest.fixture
def broken_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An espeakng-loader as on a system that its library is not for."""
    library = tmp_path / "libespeak-ng.so"
    library.write_text("for another system")
    monkeypatch.setattr("espeakng_loader.get_library_path", lambda: str(library))
    monkeypatch.setattr(_Library, "_shared", None)


def test_the_program_speaks_where_the_library_does_not_load(broken_library, caplog) -> None:
    assert EspeakTTSModel().tts(TEXT)[1].size
    assert "cannot be loaded" in caplog.text
    assert f"using the program {shutil.which('espeak-ng')} instead" in caplog.text


def test_a_library_that_does_not_load_and_no_program(broken_library, monkeypatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(ModelError, match="espeakng-loader cannot be loaded"):
        EspeakTTSModel()


@pytest.mark.parametrize("status", [0, 3])
def test_what_the_program_complains_of(tmp_path: Path, monkeypatch, status: int) -> None:
    """A warning about voices is no error, and an error about something else is not of the voice."""
    program = tmp_path / "espeak-ng"
    about = "no variants of voices here" if status == 0 else "no sound device"
    then = f'exec {shutil.which("espeak-ng")} "$@"' if status == 0 else f"exit {status}"
    program.write_text(f"#!/bin/sh\necho {about} >&2\n{then}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    if status == 0:
        assert EspeakTTSModel().tts(TEXT)[1].size
    else:
        with pytest.raises(ModelError, match="failed: no sound device"):
            EspeakTTSModel()
