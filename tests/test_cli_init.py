"""`fastrtc init` writes apps; `tests/demos/test_starters.py` talks to them."""

import json
import os
import re
import runpy
import signal
import socket
import subprocess
import sys
import sysconfig
from pathlib import Path

import psutil
import pytest
from packaging.requirements import Requirement

from fastrtc import __version__
from fastrtc.cli import main
from fastrtc.cli.init import KINDS, write_starter
from fastrtc.cli.packages import _tarball, package_files
from tests.demos.stand_ins.openai_chat import openai_service
from tests.support.forks import Fork
from tests.support.ports import free_port
from tests.support.programs import require_program
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
        assert sources and all([*app.glob(one.rstrip("/"))] for one in sources)
        assert "." not in sources  # which would include secrets and environments
        command = json.loads(lines[-1].removeprefix("CMD "))
        assert command[0] == "python" and (app / command[1]).is_file()

    def test_ignored_files(self, app: Path) -> None:
        subprocess.run(["git", "init", "--quiet"], cwd=app, check=True)
        secret = [".env", ".env.local", "venv/pyvenv.cfg", ".venv/pyvenv.cfg"]
        command = ["git", "check-ignore", *secret, "app.py", ".env.example"]
        done = subprocess.run(command, cwd=app, capture_output=True, text=True)
        assert done.stdout.split() == secret
        ignored = (app / ".dockerignore").read_text().split()
        assert {".env", ".env.*", "venv", ".venv"} <= {*ignored}

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
    assert lines == ["cd 'my apps/voice'", "pip install -r requirements.txt", "python app.py"]
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


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Test-", "test"),
        ("a..b", "a-b"),
        ("a._b", "a-b"),
        ("my_app", "my_app"),
        ("a1.b-c", "a1.b-c"),
    ],
)
def test_names_for_docker_and_npm(name: str, slug: str, tmp_path: Path) -> None:
    write_starter(tmp_path / name, "react")
    readme = (tmp_path / name / "README.md").read_text()
    assert readme.startswith(f"# {name}\n") and f"\n    docker build -t {slug} .\n" in readme
    package = json.loads((tmp_path / name / "frontend/package.json").read_text())
    assert package["name"] == f"{slug}-frontend"


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


def test_requirements_name_this_version_only(tmp_path: Path) -> None:
    """PyPI has another project with the name, whose later versions must not be installed."""
    write_starter(tmp_path / "app", "html")
    lines = (tmp_path / "app" / "requirements.txt").read_text().splitlines()
    (own,) = [line.partition("#")[0] for line in lines if line.startswith("fastrtc")]
    assert str(Requirement(own).specifier) == f"=={__version__}"


@pytest.mark.parametrize(("kind", "page"), [("html", "page"), ("react", "frontend/dist")])
def test_scripts_have_their_type(kind: str, page: str, tmp_path: Path) -> None:
    """Also if the registry of Windows has another one, with which browsers refuse modules."""
    app = tmp_path / "app"
    write_starter(app, kind)
    (app / "assistant.py").write_text(SILENT_ASSISTANT)
    (app / page).mkdir(exist_ok=True)
    (app / page / "one.js").write_text("export const one = 1;")
    (app / "ask.py").write_text(ASK_FOR_A_SCRIPT)
    program = Fork([str(app / "ask.py")], cwd=app, stderr=subprocess.STDOUT)
    said, _ = program.communicate(timeout=PATIENCE)
    assert said.split()[-1:] == ["text/javascript"], said


SILENT_ASSISTANT = """
from fastrtc import ReplyOnPause
class Assistant(ReplyOnPause):
    def __init__(self):
        super().__init__(lambda audio: iter(()))
"""

ASK_FOR_A_SCRIPT = """
import mimetypes
mimetypes.add_type("text/plain", ".js")
from fastapi.testclient import TestClient
from app import app
print(TestClient(app).get("/one.js").headers["content-type"].partition(";")[0])
"""


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
    assert running.returncode == 0 and "4 passed" in said, said


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

    @pytest.mark.parametrize("port", ["abc", "0", "65536", ""])
    def test_not_a_port(self, port: str, app: Path) -> None:
        said = "PORT must be a number from 1 to 65535, not " + repr(port)
        assert self.run(app, PORT=port) == (1, f"{said}\n")

    def test_one_port_for_both(self, app: Path) -> None:
        status, said = self.run(app, PORT="4567", BACKEND_PORT="4567")
        assert status == 1 and said.startswith("PORT and BACKEND_PORT are both 4567")

    def test_ctrl_c_while_npm_installs(self, app: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as registry:
            registry.settimeout(PATIENCE)
            address = f"http://127.0.0.1:{registry.getsockname()[1]}"
            cache = str(app / "cache")
            program = subprocess.Popen(
                [sys.executable, "dev.py"],
                cwd=app,
                env={**os.environ, "npm_config_registry": address, "npm_config_cache": cache},
                stderr=subprocess.PIPE,
                text=True,
            )
            registry.accept()[0].close()  # npm asks, and tries again
            (npm,) = psutil.Process(program.pid).children()
            program.send_signal(signal.SIGINT)
            _, said = program.communicate(timeout=PATIENCE)
        assert (program.returncode, said) == (0, "")
        assert not npm.is_running()


class TestMissingPackages:
    """What `dev.py` installs."""

    @pytest.fixture
    def frontend(self, tmp_path: Path) -> Path:
        write_starter(tmp_path / "app", "react")
        frontend = tmp_path / "app" / "frontend"
        (frontend / "node_modules").mkdir()
        (frontend / "node_modules" / ".package-lock.json").touch()
        for path in (frontend / "package.json", *frontend.glob("vendor/*.tgz")):
            os.utime(path, (1e9, 1e9))
        return frontend

    def missing(self, frontend: Path) -> list[str] | None:
        found = runpy.run_path(str(frontend.parent / "dev.py"))["missing_packages"]()
        assert found is None or isinstance(found, list)
        return found

    def test_nothing(self, frontend: Path) -> None:
        assert self.missing(frontend) is None

    def test_all_that_package_json_names(self, frontend: Path) -> None:
        (frontend / "node_modules" / ".package-lock.json").unlink()
        assert self.missing(frontend) == []

    def test_a_new_package_json(self, frontend: Path) -> None:
        os.utime(frontend / "package.json", (1e10, 1e10))
        assert self.missing(frontend) == []

    def test_new_files(self, frontend: Path) -> None:
        os.utime(frontend / "vendor" / f"fastrtc-react-{__version__}.tgz", (1e10, 1e10))
        (frontend / "vendor" / "fastrtc-client-9.0.0.tgz").touch()
        os.utime(frontend / "vendor" / "fastrtc-client-9.0.0.tgz", (1e10, 1e10))
        assert self.missing(frontend) == [
            "./vendor/fastrtc-client-9.0.0.tgz",
            f"./vendor/fastrtc-react-{__version__}.tgz",
        ]

    def test_a_file_with_other_content(self, frontend: Path) -> None:
        """npm installs it, although its name and version are the same."""
        name = "@fastrtc/client"
        archive = f"vendor/fastrtc-client-{__version__}.tgz"
        package = {"private": True, "dependencies": {name: f"file:{archive}"}}
        (frontend / "package.json").write_text(json.dumps(package))
        dev = runpy.run_path(str(frontend.parent / "dev.py"))
        npm = require_program("npm")
        script = frontend / "node_modules" / name / "dist" / "index.js"
        assert dev["install"](npm, []) == 0
        old = script.read_bytes()

        new = {**package_files("client"), "dist/index.js": b"export const one = 1;"}
        (frontend / archive).write_bytes(_tarball(new))
        os.utime(frontend / archive, (1e10, 1e10))
        assert dev["install"](npm, dev["missing_packages"]()) == 0
        assert script.read_bytes() == b"export const one = 1;" != old


def test_serve_listens_on_this_machine_only(tmp_path: Path) -> None:
    """`serve.py` of Next.js, whose server listens on all addresses by default."""
    app = tmp_path / "app"
    write_starter(app, "next")
    (app / "app.py").write_text(PYTHON_SERVER)
    server = app / "frontend/.next/standalone/server.js"
    server.parent.mkdir(parents=True)
    server.write_text("console.log(process.env.HOSTNAME)")
    for variables, address in (({}, "127.0.0.1"), ({"HOST": "0.0.0.0"}, "0.0.0.0")):
        done = subprocess.run(
            [sys.executable, "serve.py"],
            cwd=app,
            env={**os.environ, "PORT": str(free_port()), "BACKEND_PORT": str(free_port())}
            | variables,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.stdout.split() == [address], done.stderr


PYTHON_SERVER = """
import http.server, os
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), None).serve_forever()
"""
