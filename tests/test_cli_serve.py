"""The options of `fastrtc serve`; `tests/cluster` runs it."""

from __future__ import annotations

import os
import re
import socket
from multiprocessing import Pipe
from pathlib import Path

import pytest

from fastrtc.cli import main, serve
from tests.support.ports import free_port

SECRET = "a secret of many machines"


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str | None]:
    """The environment of the workers, in place of which nothing is started."""
    seen: dict[str, str | None] = {}
    names = ("CLUSTER", "CLUSTER_SECRET", "CLUSTER_ADDRESS", "UDP_PORT")
    for name in names:
        monkeypatch.delenv(f"FASTRTC_{name}", raising=False)

    def start(given: object) -> int:
        seen.update({name: os.environ.get(f"FASTRTC_{name}") for name in names})
        return 0

    monkeypatch.setattr(serve, "_serve", start)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "program.py").write_text("app = None\n")
    return seen


def run(*arguments: str, app: str = "program:app") -> int:
    return main(["serve", app, "--port", str(free_port()), *arguments])


def test_one_worker_needs_no_directory(served: dict[str, str | None]) -> None:
    assert run() == 0
    assert set(served.values()) == {None}


def test_workers_share_a_database_that_ends_with_them(served: dict[str, str | None]) -> None:
    assert run("--workers", "3") == 0
    assert served["CLUSTER"] is not None
    kind, _, path = served["CLUSTER"].partition(":")
    assert kind == "sqlite"
    assert Path(path).is_absolute() and not Path(path).parent.exists()
    assert "FASTRTC_CLUSTER" not in os.environ


def test_each_worker_has_a_udp_port_and_its_successor_one_more(
    served: dict[str, str | None],
) -> None:
    first = free_port()
    assert run("--workers", "4", "--udp-port", str(first)) == 0
    assert served["UDP_PORT"] == f"{first}..{first + 4}"
    assert run("--udp-port", str(first)) == 0
    assert served["UDP_PORT"] == str(first)


def test_several_machines_share_a_redis_and_a_secret(
    served: dict[str, str | None], tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    url = "redis://10.0.0.5:6379/0"
    assert run("--redis", url, "--secret-file", "secret", "--address", "10.0.0.2") == 0
    assert served["CLUSTER"] == url
    assert served["CLUSTER_SECRET"] == SECRET
    assert served["CLUSTER_ADDRESS"] == "10.0.0.2"


def test_the_environment_may_name_the_directory(
    served: dict[str, str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASTRTC_CLUSTER", "redis://10.0.0.5:6379/0")
    monkeypatch.setenv("FASTRTC_CLUSTER_SECRET", SECRET)
    assert run("--workers", "2") == 0
    assert served["CLUSTER"] == "redis://10.0.0.5:6379/0"


@pytest.mark.parametrize(
    ("app", "arguments", "message"),
    [
        ("program", (), "must be MODULE:APP"),
        (":app", (), "must be MODULE:APP"),
        ("missing:app", (), "there is no module 'missing'"),
        ("missing.part:app", (), "there is no module 'missing.part'"),
        ("..program:app", (), "there is no module"),
        ("program:app", ("--redis", "redis://here"), "requires a secret"),
        ("program:app", ("--redis", "http://here", "--secret-file", "long"), "url must be"),
        ("program:app", ("--redis", "redis://here", "--secret-file", "short"), "16 characters"),
        ("program:app", ("--secret-file", "nowhere"), "nowhere cannot be read: No such file"),
        ("program:app", ("--secret-file", "empty"), "empty is empty"),
        ("program:app", ("--secret-file", "bytes"), "bytes cannot be read: it is not text"),
        ("program:app", ("--workers", "2", "--udp-port", "65534"), "3 ports are needed"),
        ("program:app", ("--host", "192.0.2.1"), "Port .* of 192.0.2.1 cannot be used"),
        ("program:app", ("--host", "no host"), "Port .* of no host cannot be used"),
    ],
)
def test_options_that_cannot_be_used(
    served: dict[str, str | None],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    app: str,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    (tmp_path / "empty").write_text(" \n")
    (tmp_path / "long").write_text(SECRET)
    (tmp_path / "short").write_text("short")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    assert run(*arguments, app=app) == 1
    said = capsys.readouterr()
    assert not served and not said.out
    assert said.err.startswith("fastrtc serve: ") and said.err.count("\n") == 1
    assert re.search(message, said.err), said.err


def test_ports_that_others_use_are_named(
    served: dict[str, str | None], capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert main(["serve", "program:app", "--port", str(port)]) == 1
        assert f"Port {port} of 127.0.0.1 is in use" in capsys.readouterr().err
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("0.0.0.0", 0))
        first = other.getsockname()[1]
        assert run("--udp-port", str(first)) == 1
        assert f"UDP ports in use: {first}. " in capsys.readouterr().err
    assert not served


@pytest.mark.parametrize("count", ["0", "-1", "1025", "two", "1.5"])
def test_a_number_of_workers_is_checked(count: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["serve", "program:app", "--workers", count])
    assert "must be a number from 1 to 1024" in capsys.readouterr().err


@pytest.mark.parametrize("seconds", ["0", "-1", "1.5", "a minute"])
def test_a_number_of_seconds_is_checked(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["serve", "program:app", "--startup-timeout", seconds])
    assert "must be a number of seconds" in capsys.readouterr().err


def test_an_app_that_no_worker_could_load_ends_the_command_and_a_later_one_does_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "sound_program.py").write_text("app = 'the app'\n")
    (tmp_path / "broken_program.py").write_text("raise RuntimeError('it is broken')\n")
    ends = Pipe(duplex=False)
    with ends[0], ends[1]:
        monkeypatch.setenv(serve.APP, "broken_program:app")
        with pytest.raises(SystemExit, match=str(serve.FAILED)):
            serve.load(*ends)
        monkeypatch.setenv(serve.APP, "sound_program:app")
        for _ in range(2):
            assert serve.load(*ends) == "the app"
        monkeypatch.setenv(serve.APP, "broken_program:app")
        for _ in range(2):
            with pytest.raises(RuntimeError, match="it is broken"):
                serve.load(*ends)
