"""The package's own names: complete, and loaded on first use."""

import ast
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import pytest

import fastrtc

STUB = Path(fastrtc.__file__).with_suffix(".pyi")


def run(source: str) -> Any:
    """Run a program in a fresh interpreter and give what it prints as JSON."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"import json, sys\n{source}"],
        capture_output=True,
        text=True,
        env=env,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def imports_of_the_stub() -> dict[str, str]:
    """The module of each name that type checkers read in `__init__.pyi`."""
    found = {}
    for statement in ast.parse(STUB.read_text(encoding="utf-8")).body[1:]:
        assert isinstance(statement, ast.ImportFrom) and statement.level == 1
        (alias,) = statement.names
        assert alias.asname == alias.name, "only `import name as name` exports a name of a stub"
        found[alias.name] = f".{statement.module or ''}"
    return found


def test_the_names_are_those_of_the_stub():
    assert imports_of_the_stub() == fastrtc._HOMES


def test_every_name_is_there_and_is_the_one_of_its_home():
    for name, module in fastrtc._HOMES.items():
        if module != ".":
            home = importlib.import_module(module, "fastrtc")
            assert getattr(fastrtc, name) is getattr(home, name), name


def test_the_public_list_is_complete():
    assert set(fastrtc.__all__) == {name for name, home in fastrtc._HOMES.items() if home != "."}
    assert "__version__" in fastrtc.__all__
    assert fastrtc.__all__ == sorted(fastrtc.__all__)


def test_what_can_be_imported_can_be_listed():
    assert set(dir(fastrtc)) >= {*fastrtc.__all__, *fastrtc._HOMES}


def test_a_star_brings_all_names():
    assert set(fastrtc.__all__) <= set(
        run("from fastrtc import *\nprint(json.dumps(list(globals())))")
    )


def test_a_name_that_there_is_not_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'fastrtc' has no attribute 'Streem'"):
        _ = fastrtc.Streem
    with pytest.raises(ImportError, match="cannot import name 'Streem'"):
        from fastrtc import Streem  # noqa: F401


def test_importing_the_package_loads_next_to_nothing():
    loaded = set(run("import fastrtc\nprint(json.dumps(list(sys.modules)))"))

    assert not loaded & {"gradio", "aiortc", "av", "numpy", "fastapi", "pydantic"}
    assert {name for name in loaded if name.startswith("fastrtc")} == {"fastrtc"}


def test_a_mounted_stream_loads_no_gradio():
    source = """
from fastapi import FastAPI
from fastrtc import Stream
Stream(lambda frame: frame, verbose=False).mount(FastAPI())
print(json.dumps(list(sys.modules)))
"""
    assert not set(run(source)) & {"gradio", "gradio_client"}


def test_without_a_cluster_an_offer_loads_nothing_of_one():
    source = """
import asyncio
from fastapi import FastAPI
from fastrtc import Stream
from tests.support.peers import LOCAL, Client

stream = Stream(
    lambda frame: frame, verbose=False, server_rtc_configuration=LOCAL, modality="video"
)
app = FastAPI()
stream.mount(app)

async def main():
    async with app.router.lifespan_context(app), Client(stream, video="recvonly") as client:
        stream.set_input("unknown", 1)
        await stream.update_connection(client.webrtc_id, "closed")

asyncio.run(main())
print(json.dumps([name for name in sys.modules if ".cluster" in name]))
"""
    assert run(source) == ["fastrtc.server.cluster", "fastrtc.server.cluster.options"]


def test_helpers_load_no_aiortc():
    source = (
        "from fastrtc import AdditionalOutputs, audio_to_bytes\nprint(json.dumps([*sys.modules]))"
    )

    assert not set(run(source)) & {"gradio", "aiortc", "fastapi"}


@pytest.mark.parametrize(
    "name", ["tracks.EmitType", "utils.AdditionalOutputs", "stream.Body", "tracks.StreamHandler"]
)
def test_submodules_are_there_after_a_plain_import(name: str):
    assert run(f"import fastrtc\nprint(json.dumps(fastrtc.{name} is not None))") is True


def test_submodules_are_modules():
    modules = [name for name, home in fastrtc._HOMES.items() if home == "."]

    assert {"tracks", "utils", "websocket", "webrtc_connection_mixin", "telephony"} <= {*modules}
    for name in modules:
        assert isinstance(getattr(fastrtc, name), ModuleType)


@pytest.mark.parametrize("loaded", [False, True])
def test_a_late_import_reads_what_was_patched(loaded: bool):
    source = f"""
from unittest import mock
import fastrtc
if {loaded}:
    fastrtc.Stream
with mock.patch("fastrtc.Stream", "patched"):
    from fastrtc import Stream as during
from fastrtc import Stream as after
from fastrtc.stream import Stream
print(json.dumps([during, after is Stream]))
"""
    assert run(source) == ["patched", True]


def test_patching_in_this_process(monkeypatch: pytest.MonkeyPatch):
    original = fastrtc.Stream
    with mock.patch.object(fastrtc, "Stream", "patched"):
        from fastrtc import Stream

        assert Stream == "patched"
    monkeypatch.setattr("fastrtc.Stream", "patched again")
    assert fastrtc.Stream == "patched again"
    monkeypatch.undo()
    assert fastrtc.Stream is original


def test_there_is_a_version():
    assert fastrtc.__version__.count(".") == 2


def test_pyinstaller_finds_its_hook():
    from fastrtc._pyinstaller import hook_dirs

    (folder,) = hook_dirs()
    assert (Path(folder) / "hook-fastrtc.py").is_file()
    project = Path(__file__).parents[1] / "pyproject.toml"
    assert 'hook-dirs = "fastrtc._pyinstaller:hook_dirs"' in project.read_text(encoding="utf-8")
