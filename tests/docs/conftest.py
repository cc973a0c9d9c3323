"""What the programs of the docs find around them: files, small models, and no real service."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import huggingface_hub.constants
import pytest

from fastrtc import get_stt_model, get_tts_model
from tests.demos.test_object_detection import write_network
from tests.end_of_turn.networks import write_network as write_turn_network
from tests.speech_to_text.networks import write_moonshine
from tests.text_to_speech.networks import write_kokoro

from .media import write_film, write_speech
from .pages import SOURCES, load

ENVIRONMENT = {
    "HF_TOKEN": "hf_stand_in",
    "OPENAI_API_KEY": "stand-in",
    "TWILIO_ACCOUNT_SID": "AC00000000000000000000000000000000",
    "TWILIO_AUTH_TOKEN": "stand-in",
    "MY_TWILIO_TOKEN": "stand-in",
    "TELNYX_API_KEY": "stand-in",
    "TURN_SECRET": "stand-in",
    "TOKEN_SECRET": "a stand-in of 16 bytes and more",
}
"""Variables that the programs read. None is a real key; what is asked is a stand-in."""

ARGUMENTS = {"cookbook/play_file.py": ["speech.wav"]}
"""Arguments of programs that read `sys.argv`."""

HEARD = "how is the weather"
"""What the small network that stands in for Moonshine understands, whatever is said."""

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="session")
def hub_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of the Hugging Face hub with small networks in place of the real ones."""
    cache = tmp_path_factory.mktemp("hub-cache")
    moonshine = "models--UsefulSensors--moonshine"
    for size in ("base", "tiny"):
        folder = f"snapshots/{COMMIT}/onnx/merged/{size}/float"
        write_moonshine(cache / moonshine / folder, size, HEARD)
    kokoro = "models--fastrtc--kokoro-onnx"
    write_kokoro(cache / kokoro / "snapshots" / COMMIT)
    yolo = "models--onnx-community--yolov10n"
    (cache / yolo / "snapshots" / COMMIT / "onnx").mkdir(parents=True)
    write_network(cache / yolo / "snapshots" / COMMIT / "onnx/model.onnx", 640)
    turn = "models--pipecat-ai--smart-turn-v3"
    (cache / turn / "snapshots" / COMMIT).mkdir(parents=True)
    write_turn_network(cache / turn / "snapshots" / COMMIT / "smart-turn-v3.2-cpu.onnx")
    for repository in (moonshine, kokoro, yolo, turn):
        (cache / repository / "refs").mkdir()
        (cache / repository / "refs/main").write_text(COMMIT)
    return cache


@pytest.fixture
def snippet(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, hub_cache: Path
) -> Iterator[Callable[[str], ModuleType]]:
    """Load a program: `snippet("audio/greeting.py")` gives its module.

    The current folder is a copy of the program's own, with `film.mp4` and `speech.wav`.
    """
    loaded: list[ModuleType] = []
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(hub_cache))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    for variable, value in ENVIRONMENT.items():
        monkeypatch.setenv(variable, value)

    def run(name: str) -> ModuleType:
        folder = tmp_path / Path(name).parent
        if not folder.exists():
            shutil.copytree(SOURCES / Path(name).parent, folder)
            write_film(folder / "film.mp4")
            write_speech(folder / "speech.wav")
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", [name, *ARGUMENTS.get(name, [])])
        module = load(name)
        loaded.append(module)
        return module

    yield run
    for module in loaded:
        sys.modules.pop(module.__name__, None)
    get_stt_model.cache_clear()
    get_tts_model.cache_clear()
