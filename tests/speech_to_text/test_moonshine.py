"""Moonshine, with tiny networks of the same inputs and outputs."""

import logging
from pathlib import Path

import numpy as np
import pytest

from fastrtc.core.models import ModelError
from fastrtc.speech_to_text import MoonshineSTT, get_stt_model, stt_for_chunks
from tests.speech_to_text.networks import write_moonshine
from tests.support.hub import hub, run_with_hub

SAID = "Hello computer."
FILES = {"encoder_model.onnx", "decoder_model_merged.onnx"}
FROM_HUB = """
import logging
import numpy as np
logging.basicConfig(level=logging.INFO)
from fastrtc import get_stt_model
model = get_stt_model("moonshine/tiny")
assert model is get_stt_model("moonshine/tiny")
print(model.stt((24000, np.full((1, 48000), 9000, np.int16))))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_moonshine(tmp_path_factory.mktemp("moonshine"), "base", SAID)


@pytest.fixture(scope="module")
def model(folder: Path) -> MoonshineSTT:
    return MoonshineSTT(model_path=folder)


def loud(seconds: float, rate: int = 16_000) -> tuple[int, np.ndarray]:
    return rate, np.full((1, round(seconds * rate)), 9000, np.int16)


def test_files_come_from_the_hub_and_then_from_its_cache(tmp_path: Path) -> None:
    repository = tmp_path / "hub/UsefulSensors/moonshine/onnx/merged/tiny/float"
    write_moonshine(repository, "tiny", SAID)
    with hub(tmp_path / "hub") as serving:
        done = run_with_hub(FROM_HUB, serving.url, tmp_path / "home")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == SAID
    fetched = {line.rpartition("/")[2] for line in serving.requests if line.startswith("GET")}
    assert fetched == FILES
    assert "encoder_model.onnx: 100%" in done.stderr.replace("(…)", "")  # the progress bar
    assert "moonshine/tiny is ready after" in done.stderr
    offline = run_with_hub(FROM_HUB, serving.url, tmp_path / "home", HF_HUB_OFFLINE="1")
    assert offline.stdout.strip() == SAID, offline.stderr


def test_a_file_that_is_nowhere_is_one_clear_error(tmp_path: Path) -> None:
    with hub(tmp_path) as serving:
        done = run_with_hub(FROM_HUB, serving.url, tmp_path / "home")
    assert done.returncode == 1
    message = next(line for line in done.stderr.splitlines() if "ModelError: " in line)
    assert "moonshine/tiny could not be loaded from UsefulSensors/moonshine" in message
    assert "model_path=" in message


def test_local_files_do_without_a_hub(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "fastrtc")
    model = get_stt_model("moonshine/base", model_path=folder)
    assert model is get_stt_model("moonshine/base", model_path=folder)
    assert model.stt(loud(1)) == SAID
    assert caplog.text.count("moonshine/base is ready after") == 1


@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
@pytest.mark.parametrize(
    "shaped",
    [
        lambda x: x,
        lambda x: x[0],
        lambda x: (x / 32768).astype(np.float32),
        lambda x: np.repeat(x, 2, axis=0),
    ],
    ids=["int16", "flat", "float32", "stereo"],
)
def test_audio_of_any_kind(model: MoonshineSTT, rate: int, shaped) -> None:
    assert model.stt((rate, shaped(loud(1, rate)[1]))) == SAID


def test_silence_and_next_to_nothing_have_no_text(model: MoonshineSTT) -> None:
    assert model.stt((16_000, np.zeros((1, 16_000), np.int16))) == ""
    assert model.stt(loud(0.1)) == ""
    assert model.stt((16_000, np.zeros((1, 0), np.int16))) == ""


def test_audio_longer_than_the_model_takes_is_cut_where_it_is_quiet(model: MoonshineSTT) -> None:
    audio = np.concatenate([loud(28)[1], np.zeros((1, 3200), np.int16), loud(40)[1]], axis=1)
    lengths = []
    generate = model._network.generate
    model._network.generate = lambda x: lengths.append(x.size) or generate(x)
    try:
        assert model.stt((16_000, audio)) == " ".join([SAID] * len(lengths))
    finally:
        del model._network.generate
    assert sum(lengths) == audio.size
    assert all(length <= 30 * 16_000 for length in lengths)
    assert 28 * 16_000 < lengths[0] < 28.2 * 16_000


def test_chunks_are_transcribed_one_by_one(model: MoonshineSTT) -> None:
    audio = np.concatenate([loud(1)[1], np.zeros((1, 16_000), np.int16), loud(1)[1]], axis=1)
    chunks = [{"start": 0, "end": 16_000}, {"start": 32_000, "end": 48_000}]
    assert stt_for_chunks(model, (16_000, audio), chunks) == f"{SAID} {SAID}"
    assert stt_for_chunks(model, (16_000, audio[0]), chunks) == f"{SAID} {SAID}"


def test_names_and_paths_that_are_wrong(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="moonshine/base and moonshine/tiny"):
        MoonshineSTT("moonshine/huge")
    with pytest.raises(ModelError, match=f"could not be loaded from {tmp_path}"):
        MoonshineSTT(model_path=tmp_path)


def test_a_model_that_fails_says_so(model: MoonshineSTT, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model._network, "num_layers", 7)  # a layer has no past
    with pytest.raises(ModelError, match="Moonshine failed"):
        model.stt(loud(1))


def test_librosa_is_ready_with_the_model(folder: Path) -> None:
    """Also for programs that import it only when they need it."""
    script = f"""
import sys
from fastrtc import get_stt_model
get_stt_model("moonshine/base", model_path={str(folder)!r})
known = set(sys.modules)
import librosa, numpy
librosa.resample(numpy.zeros(99), orig_sr=3, target_sr=2)
print(sys.modules.keys() - known)
"""
    done = run_with_hub(script, "http://127.0.0.1:9", folder)
    assert done.stdout.strip() == "set()", done.stderr
