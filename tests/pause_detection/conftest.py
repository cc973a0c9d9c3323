from pathlib import Path

import numpy as np
import pytest

from fastrtc.pause_detection.silero import SileroVADModel
from tests.pause_detection.networks import write_network


@pytest.fixture(scope="package")
def model() -> SileroVADModel:
    """The model that comes with the `vad` extra."""
    return SileroVADModel()


@pytest.fixture
def tiny_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SileroVADModel:
    """A model of the fourth generation that takes loudness for speech."""
    monkeypatch.setenv("FASTRTC_SILERO_MODEL", str(write_network(tmp_path / "v4.onnx", "v4")))
    return SileroVADModel()


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)
