"""Smart Turn: its input, its errors, and, where its model is installed, its judgement."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fastrtc.core.models import ModelError
from fastrtc.end_of_turn import SmartTurn
from fastrtc.end_of_turn.errors import TurnModelUnavailable
from fastrtc.end_of_turn.smart_turn import SIZE, _features
from tests.end_of_turn.networks import write_network
from tests.end_of_turn.test_log_mel import FEATURES, sweep
from tests.support.speech import recorded_prompt, trimmed


def test_the_input_is_normalized_with_zeros_in_front():
    found = _features(sweep())
    assert found.shape == (80, 800)
    np.testing.assert_allclose(found[:, 700::12], np.load(FEATURES)["normalized"], atol=1e-4)


def test_only_the_last_eight_seconds_are_judged(tmp_path: Path):
    model = SmartTurn(write_network(tmp_path / "tiny.onnx"))
    loud = np.random.default_rng(1).normal(0, 0.1, SIZE).astype(np.float32)
    longer = np.concatenate((sweep(), loud))
    assert model.complete(longer) == model.complete(loud) != model.complete(loud[1600:])


def test_silence_and_no_audio_are_judged_alike(tmp_path: Path):
    model = SmartTurn(write_network(tmp_path / "tiny.onnx"))
    nothing = model.complete(np.zeros(0, np.float32))
    assert np.isfinite(nothing) and nothing == model.complete(np.zeros(16_000, np.float32))


def test_audio_of_another_shape_is_refused(tmp_path: Path):
    model = SmartTurn(write_network(tmp_path / "tiny.onnx"))
    with pytest.raises(ValueError, match=r"shape \(n,\), not \(1, 160\)"):
        model.complete(np.zeros((1, 160), np.float32))


def test_a_network_that_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    model = SmartTurn(write_network(tmp_path / "tiny.onnx"))
    monkeypatch.setattr("fastrtc.end_of_turn.smart_turn.INPUT", "other")
    with pytest.raises(ModelError, match="The Smart Turn model failed"):
        model.complete(np.zeros(160, np.float32))


@pytest.mark.parametrize("wrong", [{"name": "input"}, {"frames": 3000}])
def test_another_network_is_refused(tmp_path: Path, wrong: dict):
    path = write_network(tmp_path / "other.onnx", **wrong)
    with pytest.raises(TurnModelUnavailable, match="not a Smart Turn v3 model"):
        SmartTurn(path)


def test_a_file_that_is_no_network_is_refused(tmp_path: Path):
    path = tmp_path / "text.onnx"
    path.write_text("a text")
    with pytest.raises(TurnModelUnavailable, match="cannot be loaded as an ONNX model"):
        SmartTurn(path)


def test_without_onnxruntime_the_error_says_what_to_install():
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys\n"
            "sys.modules['onnxruntime'] = None\n"
            "from fastrtc.end_of_turn import SmartTurn\n"
            "try:\n"
            "    SmartTurn()\n"
            "except ImportError as error:\n"
            "    print(error)\n",
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert 'pip install "fastrtc[turn]"' in done.stdout, done.stderr


@pytest.mark.external("smart-turn", "recorded-voices")
def test_it_tells_a_whole_sentence_from_one_that_is_cut():
    model = SmartTurn()
    said = trimmed(recorded_prompt("demo-abouttotry", 16_000), 16_000) / np.float32(32_768)
    pause = np.zeros(3_200, np.float32)
    assert model.complete(np.concatenate((said, pause))) > 0.8
    assert model.complete(np.concatenate((said[: said.size // 2], pause))) < 0.2
