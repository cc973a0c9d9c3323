"""The packages in Node: without a page, and with the WebRTC of another package."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.browser.media import align, envelope
from tests.docs.pages import SOURCES
from tests.packages.conftest import install
from tests.packages.server import make_app
from tests.support.npm import BUILD_WITHIN, npm
from tests.support.servers import serving
from tests.support.speech import recorded_prompt, spaced, trimmed

pytestmark = [pytest.mark.external("npm"), pytest.mark.timeout(BUILD_WITHIN)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tarballs: list[Path]) -> Path:
    place = tmp_path_factory.mktemp("apps") / "node"
    # The peer dependencies of react-native-webrtc are those of a phone's application.
    install(place, tarballs, "--legacy-peer-deps")
    return place


def run(folder: Path, script: str, *arguments: str) -> dict:
    done = subprocess.run(
        ["node", script, *arguments], cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_they_are_rendered_without_a_page(folder: Path) -> None:
    done = run(folder, "render.mjs")
    assert done["globals"] == []
    assert 'data-state="idle"' in done["html"] and "<p>idle</p>" in done["html"]
    assert (done["connected"], done["error"]) == (False, "no_webrtc")


@pytest.mark.external("recorded-voices")
def test_a_conversation_with_another_webrtc(folder: Path, tmp_path: Path) -> None:
    spoken = recorded_prompt("digits/day-1")
    silence = 3 * 48_000 + -spoken.size % 480
    (tmp_path / "spoken").write_bytes(spaced(1.0, spoken, silence / 48_000).tobytes())
    with serving(make_app()) as url:
        seen = run(
            folder,
            "conversation.mjs",
            f"{url}/api",
            *(str(tmp_path / name) for name in ("spoken", "heard")),
        )
    assert seen["states"] == ["asking", "connecting", "connected", "stopped"]
    assert seen["text"] == "Node shows turn 1." and seen["turns"] == 1
    assert seen["levels"] == {"local": None, "remote": None}  # there is no Web Audio
    heard = np.frombuffer((tmp_path / "heard").read_bytes(), np.int16)
    assert align(envelope(trimmed(spoken)), envelope(heard))[1] > 0.75


def test_the_types_of_react_native_webrtc_fit(folder: Path) -> None:
    """In the application, and in the hook that the documentation shows."""
    shutil.copy(SOURCES / "front-end/native.ts", folder / "documented.ts")
    npm(folder, "run", "types")
