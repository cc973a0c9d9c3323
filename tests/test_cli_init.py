"""`fastrtc init` writes apps; `tests/demos/test_starters.py` talks to them."""

import json
import os
import re
import runpy
import socket
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from fastrtc import __version__
from fastrtc.cli import main
from fastrtc.cli.init import KINDS, write_starter
from tests.demos.stand_ins.openai_chat import openai_service
from tests.support.forks import Fork
from tests.test_cli import PATIENCE

WITH_NPM = ("react", "next")
SCRIPTS = Path(sysconfig.get_path("scripts"))


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", KINDS)
class TestApp:
    @pytest.fixture
    def app(self, kind: str, tmp_path: Path) -> Path:
        write_starter(tmp_path / "Voice-App", kind)
        return tmp_path / "Voice-App"

    def test_the_files(self, kind: str, app: Path) -> None:
        wanted = {"app.py", "requirements.txt", "test_app.py", "Dockerfile", "README.md"}
        assert wanted | {".gitignore", ".dockerignore"} <= files(app)
        names = ("client", "react")
        tarballs = {f"frontend/vendor/fastrtc-{name}-{__version__}.tgz" for name in names}
        assert (tarballs <= files(app)) is (kind in WITH_NPM)

    def test_no_word_of_the_templates_is_left(self, app: Path) -> None:
        for name in files(app):
            if not name.endswith(".tgz"):
                assert not re.search("__[A-Z_]+__", (app / name).read_text(encoding="utf-8")), name

    def test_the_name(self, kind: str, app: Path) -> None:
        assert (app / "README.md").read_text().startswith("# Voice-App\n")
        if kind in WITH_NPM:
            package = json.loads((app / "frontend/package.json").read_text())
            assert package["name"] == "voice-app-frontend"

    def test_the_readme_names_its_files(self, kind: str, app: Path) -> None:
        text = (app / "README.md").read_text()
        named = re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)
        assert named and all((app / name).exists() for name in named)
        assert f"\n    {KINDS[kind].start}\n" in text

    def test_the_dockerfile_copies_what_is_there(self, kind: str, app: Path) -> None:
        lines = (app / "Dockerfile").read_text().splitlines()
        copied = [line.split()[1:-1] for line in lines if line.startswith("COPY ")]
        sources = [one for names in copied if not names[0].startswith("--") for one in names]
        assert sources and all([*app.glob(one.rstrip("/"))] for one in sources if one != ".")
        command = json.loads(lines[-1].removeprefix("CMD "))
        assert command[0] == "python" and (app / command[1]).is_file()

    def test_hadolint(self, app: Path) -> None:
        hadolint = SCRIPTS / "hadolint"
        done = subprocess.run([hadolint, app / "Dockerfile"], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    def test_ruff(self, app: Path) -> None:
        command = [SCRIPTS / "ruff", "check", "--no-cache", "--isolated", "--target-version=py310"]
        command += ["--line-length=100", "--select=E,F,I,UP,B,D1", "--ignore=D103,D107"]
        done = subprocess.run(command, cwd=app, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_what_it_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", "my apps/voice", "--gradio"]) == 0
    said = capsys.readouterr().out
    lines = [line.strip() for line in said.splitlines() if line.startswith("  ")]
    assert lines == ['cd "my apps/voice"', "pip install -r requirements.txt", "python app.py"]
    assert "http://127.0.0.1:7860" in said


def test_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "voice"
    (folder / ".venv").mkdir(parents=True)
    monkeypatch.chdir(folder)
    assert main(["init", "."]) == 0
    assert "cd " not in capsys.readouterr().out
    assert (folder / "README.md").read_text().startswith("# voice\n")


@pytest.mark.parametrize("name", ["my app", "-app", ".app", "app?", "ä", "a" * 101])
def test_bad_names(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--", str(tmp_path / name)]) == 2
    assert "cannot be the name of an app" in capsys.readouterr().err
    assert not [*tmp_path.iterdir()]


def test_a_folder_that_is_not_empty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "mine.txt").touch()
    assert main(["init", str(tmp_path / "app")]) == 2
    assert "is not empty, it contains mine.txt" in capsys.readouterr().err
    assert files(tmp_path / "app") == {"mine.txt"}


def test_a_file_of_this_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "app").touch()
    assert main(["init", str(tmp_path / "app")]) == 2
    assert "is a file" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["init", str(tmp_path / "file" / "app")]) == 1
    assert "cannot be written" in capsys.readouterr().err


def test_two_kinds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["init", str(tmp_path / "app"), "--react", "--next"])
    assert "not allowed with argument" in capsys.readouterr().err


def test_the_line_for_a_language_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_starter(tmp_path / "app", "html")
    program = tmp_path / "app" / "answers.py"
    source = program.read_text()
    (old,) = re.findall(r"^    yield from rules\(.*\n    # ", source, re.MULTILINE)
    program.write_text(source.replace(old, "    "))
    with openai_service() as service:
        service.replies = [["It is ", "sunny."]]
        for name, value in service.variables.items():
            monkeypatch.setenv(name, value)
        answer = runpy.run_path(str(program))["answer"]
        assert "".join(answer([{"role": "user", "content": "How is it?"}])) == "It is sunny."
    (asked,) = service.chats
    assert [message.role for message in asked.messages] == ["system", "user"]


@pytest.mark.external("ears")
@pytest.mark.timeout(3 * PATIENCE)
def test_its_own_test(tmp_path: Path) -> None:
    write_starter(tmp_path / "app", "html")
    running = Fork(["-m", "pytest", "-q"], cwd=tmp_path / "app", stderr=subprocess.STDOUT)
    said, _ = running.communicate(timeout=2 * PATIENCE)
    assert running.returncode == 0 and "3 passed" in said, said


class TestDev:
    """`dev.py` before it starts anything."""

    @pytest.fixture
    def app(self, tmp_path: Path) -> Path:
        write_starter(tmp_path / "app", "react")
        return tmp_path / "app"

    def run(self, app: Path, **variables: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "dev.py"],
            cwd=app,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        return done.returncode, done.stderr

    def test_without_npm(self, app: Path) -> None:
        status, said = self.run(app, PATH="")
        assert status == 1 and "install Node 20.19 or newer" in said

    def test_a_port_in_use(self, app: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            status, said = self.run(app, BACKEND_PORT=port)
        assert status == 1 and f"port {port} is in use" in said
