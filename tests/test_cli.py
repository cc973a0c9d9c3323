"""The command line, in a process of its own as people run it."""

import errno
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from fastrtc import __version__
from fastrtc.cli import demo as demo_command
from fastrtc.cli import main, requirements
from fastrtc.cli.ports import port_problem
from fastrtc.cli.requirements import extras, needs_of
from fastrtc.handlers import abandoned
from fastrtc.pause_detection import model_file
from tests.support.ports import free_port
from tests.support.turn import turn_server

PATIENCE = 60  # s, for a program to start on a busy machine


def fastrtc(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "fastrtc", *arguments],
        env=environment(variables),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def environment(variables: dict[str, str]) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **variables}


@pytest.mark.parametrize("asked", ["version", "--version"])
def test_version(asked: str) -> None:
    done = fastrtc(asked)
    assert (done.returncode, done.stdout) == (0, f"fastrtc {__version__}\n")


def test_no_command_is_a_question(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    said = capsys.readouterr().out
    assert all(command in said for command in ("demo", "doctor", "serve", "version"))


# demo


def test_the_demos_are_listed_with_what_they_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo"]) == 0
    listed = capsys.readouterr().out
    for name, folder in demo_command.demos().items():
        assert re.search(rf"^{name} +\w", listed, re.MULTILINE), name
        assert (folder / "README.md").is_file(), name
        assert (folder / "requirements.txt").is_file(), name


def test_an_unknown_demo(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "ehco"]) == 2
    assert "There are " in capsys.readouterr().err


def test_a_demo_without_sound_takes_no_calls(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "video_flip", "--phone"]) == 2
    assert "telephone" in capsys.readouterr().err


def test_what_a_demo_lacks_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "app.py").write_text('"""Never run."""\nraise SystemExit(3)\n')
    (tmp_path / "requirements.txt").write_text("fastrtc[vad]\nno-such-package-at-all>=2\n")
    monkeypatch.setattr(demo_command, "demos", lambda: {"lacking": tmp_path})
    assert main(["demo", "lacking"]) == 1
    said = capsys.readouterr().err
    assert "no-such-package-at-all>=2" in said
    assert f'pip install -r "{tmp_path / "requirements.txt"}"' in said


def test_what_only_calls_need_is_needed_for_calls_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def version(name: str) -> str:
        if name == "twilio":
            raise PackageNotFoundError(name)
        return "999"

    (tmp_path / "app.py").write_text('mode = "PHONE"\nraise SystemExit(3)\n')
    (tmp_path / "requirements.txt").write_text("fastrtc[phone]>=0.1\n")
    monkeypatch.setattr(demo_command, "demos", lambda: {"called": tmp_path})
    monkeypatch.setattr(requirements, "version", version)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(SystemExit, match="3"):
        main(["demo", "called"])
    assert main(["demo", "called", "--phone"]) == 1
    assert "called needs twilio>=9." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "shown"), [([], "<title>Video flip"), (["--ui"], "window.gradio_config")]
)
def test_a_demo_runs_until_ctrl_c(options: list[str], shown: str) -> None:
    port = free_port()
    running = subprocess.Popen(
        [sys.executable, "-m", "fastrtc", "demo", "video_flip", "--port", str(port), *options],
        env=environment({}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        page = wait_for_page(f"http://127.0.0.1:{port}/", running)
        assert shown in page
        running.send_signal(signal.SIGINT)
        said, _ = running.communicate(timeout=PATIENCE)
    finally:
        running.kill()
        running.wait()
    assert f"http://127.0.0.1:{port}" in said
    assert "Traceback" not in said


def wait_for_page(url: str, running: subprocess.Popen) -> str:
    for _ in range(PATIENCE * 5):
        try:
            with urllib.request.urlopen(url) as answer:
                return answer.read().decode()
        except urllib.error.URLError:
            with_end = running.poll()
            assert with_end is None, running.stdout.read()
            try:
                running.wait(0.2)
            except subprocess.TimeoutExpired:
                continue
    raise AssertionError(f"{url} did not come")


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


@pytest.mark.parametrize("options", [[], ["--ui"], ["--phone"]])
def test_a_port_in_use_is_said_before_any_address(
    options: list[str], taken_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "audio_echo", "--port", str(taken_port), *options]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (f"Port {taken_port} of 127.0.0.1 is in use: choose another with --port\n")


def test_doctor_says_that_the_port_of_its_page_is_in_use(
    taken_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--microphone", "--port", str(taken_port)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "is in use: choose another with --port" in said.err


def test_all_demos_together_say_that_the_port_is_in_use(taken_port: int) -> None:
    done = subprocess.run(
        [sys.executable, str(Path(__file__).parents[1] / "demo/app.py")],
        env=environment({"PORT": str(taken_port)}),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"Port {taken_port} is in use. Choose another")


def test_a_demo_whose_model_cannot_be_loaded_says_why_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "app.py").write_text(
        "import fastrtc\nfastrtc.get_silero_model.cache_clear()\nfastrtc.get_silero_model()\n"
    )
    monkeypatch.setattr(demo_command, "demos", lambda: {"deaf": tmp_path})
    monkeypatch.setattr(os, "environ", dict(os.environ, FASTRTC_SILERO_MODEL="/nope.onnx"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert main(["demo", "deaf", "--port", str(free_port())]) == 1
    said = capsys.readouterr().err
    assert said == ("deaf cannot run: FASTRTC_SILERO_MODEL is '/nope.onnx', which is not a file\n")


# doctor


def silero(capsys: pytest.CaptureFixture[str]) -> dict[str, str] | None:
    main(["doctor", "--json"])
    findings = json.loads(capsys.readouterr().out)
    return next((one for one in findings if one["name"] == "Silero VAD"), None)


def test_doctor_loads_the_network_of_silero(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("FASTRTC_SILERO_MODEL", raising=False)
    found = silero(capsys)
    assert found["state"] == "ok" and found["detail"].endswith("silero_vad.onnx")

    monkeypatch.setenv("FASTRTC_SILERO_MODEL", "/nope.onnx")
    found = silero(capsys)
    assert found["state"] == "wrong" and "'/nope.onnx', which is not a file" in found["detail"]
    assert found["advice"] == "correct or unset FASTRTC_SILERO_MODEL"
    assert main(["doctor"]) == 1
    capsys.readouterr()

    (tmp_path / "other.onnx").write_text("no network")
    monkeypatch.setenv("FASTRTC_SILERO_MODEL", str(tmp_path / "other.onnx"))
    found = silero(capsys)
    assert found["state"] == "wrong" and "cannot be loaded" in found["detail"]


def test_doctor_without_a_network_of_silero(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("FASTRTC_SILERO_MODEL", raising=False)
    monkeypatch.setattr(model_file, "PACKAGES", ())
    assert silero(capsys)["state"] == "note"
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert silero(capsys) is None  # the extra `vad` is reported as missing
    monkeypatch.setenv("FASTRTC_SILERO_MODEL", str(Path(__file__)))
    assert "onnxruntime" in silero(capsys)["detail"]


@pytest.mark.parametrize(
    ("options", "detail"),
    [
        ([], "it has no username and no credential"),
        (["--username", "me"], "it has no credential"),
        (["--credential", "secret"], "it has no username"),
    ],
)
def test_doctor_tells_missing_credentials_from_expired_ones(
    options: list[str], detail: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--turn", "turn:127.0.0.1:9", *options, "--json"]) == 1
    findings = json.loads(capsys.readouterr().out)
    (found,) = [one for one in findings if one["name"] == "turn:127.0.0.1:9"]
    assert (found["state"], found["detail"]) == ("wrong", detail)
    assert "--username and --credential" in found["advice"]
    assert "expired" not in found["advice"]


def test_doctor_tells_what_is_installed_without_gradio() -> None:
    script = (
        "import sys; from fastrtc.cli import main; status = main(['doctor', '--json']);"
        "assert 'gradio' not in sys.modules and 'fastapi' not in sys.modules; sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment({"HF_HUB_OFFLINE": "1", "HF_HOME": "/nowhere"}),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    findings = {one["name"]: one for one in json.loads(done.stdout)}
    assert findings["fastrtc"]["detail"].startswith(__version__)
    assert findings["gradio"]["state"] == "ok"
    assert findings["aiortc's internals"]["state"] == "ok"
    assert "opus" in findings["Opus FEC"]["detail"] and findings["Opus FEC"]["state"] == "ok"
    assert findings["moonshine/base"]["state"] == "note"
    assert "HF_HUB_OFFLINE" in findings["moonshine/base"]["detail"]
    assert not [name for name, one in findings.items() if one["state"] == "wrong"]


def test_doctor_tells_when_lost_audio_is_only_concealed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("fastrtc.audio.libopus.libopus", lambda: None)
    assert main(["doctor"]) == 0
    assert re.search(r"note +Opus FEC +libopus was not found", capsys.readouterr().out)


def test_doctor_tells_of_a_package_that_is_too_old(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    versions, installed = {"aiortc": "1.2.0"}, requirements.version
    monkeypatch.setattr(requirements, "version", lambda name: versions.get(name) or installed(name))
    assert main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert re.search(r"WRONG +aiortc +1.2.0 is installed, aiortc\S*>=1.\d+\S* is needed", said)
    assert 'pip install "aiortc' in said


@pytest.mark.external("turnserver")
def test_doctor_tries_turn_servers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with turn_server(tmp_path) as turn:
        file = tmp_path / "rtc.json"
        file.write_text(json.dumps(turn.relay_only()))
        assert main(["doctor", "--rtc-configuration", str(file)]) == 0
        assert "relays at 127.0.0.1:" in capsys.readouterr().out

        asked = ["--turn", turn.url(), "--username", "test", "--credential", "wrong", "--json"]
        assert main(["doctor", "--stun", f"stun:127.0.0.1:{turn.port}", *asked]) == 1
        found = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert found[f"stun:127.0.0.1:{turn.port}"]["state"] == "ok"
    assert found[turn.url()]["state"] == "wrong"
    assert "have expired" in found[turn.url()]["advice"]


@pytest.mark.parametrize(
    "given, said",
    [
        ("{not json", "is not JSON"),
        ("no/such/file.json", "cannot be read"),
        ('{"iceServers": [{"urls": "http://x"}]}', "not a STUN or TURN URL"),
    ],
)
def test_a_malformed_configuration(
    given: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--rtc-configuration", given]) == 2
    assert said in capsys.readouterr().err


def test_a_configuration_that_is_a_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rtc.json").write_text("5")
    assert main(["doctor", "--rtc-configuration", str(tmp_path / "rtc.json")]) == 2
    assert "not int" in capsys.readouterr().err


def test_a_port_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["demo", "video_flip", "--port", "70000"])
    assert "is not a port" in capsys.readouterr().err


def test_doctor_of_a_package_that_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from fastrtc.cli import doctor

    assert extras("no-such-package-at-all") == {}
    monkeypatch.setattr(doctor, "extras", lambda: extras("no-such-package-at-all"))
    assert main(["doctor"]) == 0
    assert "run from source" in capsys.readouterr().out


def test_a_reader_that_has_enough() -> None:
    done = subprocess.run(
        f"'{sys.executable}' -m fastrtc demo | true",
        shell=True,
        env=environment({}),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.stderr == ""


# requirements


def test_extras_are_told_apart_from_what_is_always_needed() -> None:
    found = extras()
    assert {"aiortc", "gradio"} <= {need.name for need in found[""]}
    assert [need.name for need in found["phone"]] == ["twilio"]
    assert {need.name for need in needs_of("fastrtc[phone]>=0.0")} == {"fastrtc", "twilio"}
    assert not needs_of("fastrtc>=99")[0].fits


def test_doctor_shows_threads_that_are_blocked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(abandoned, "GRACE_S", 0.0)
    go = threading.Event()
    thread = threading.Thread(target=go.wait, name="fastrtc-a:emit")
    thread.start()
    try:
        threads = abandoned.AbandonedThreads()
        threads.add("fastrtc-a:")
        threads.look()
        main(["doctor", "--json"])
        findings = json.loads(capsys.readouterr().out)
        (found,) = [one for one in findings if one["name"] == f"process {os.getpid()}"]
        assert found["state"] == "note"
        assert "1 thread that outlived its connection, blocked at" in found["detail"]
    finally:
        go.set()
        thread.join()
    threads.look()
    main(["doctor", "--json"])
    assert "outlived its connection" not in capsys.readouterr().out


def test_a_port_that_may_not_be_used_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(address: tuple[str, int], family: int) -> None:
        raise PermissionError(errno.EACCES, f"Permission denied (while attempting {address})")

    monkeypatch.setattr(socket, "create_server", refuse)
    assert port_problem(80) == (
        "Port 80 of 127.0.0.1 cannot be used (Permission denied): choose another with --port"
    )
