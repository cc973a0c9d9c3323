"""`fastrtc serve`, with signals as a user or a service manager sends them."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.programs import PATIENCE_S, ROOT, Programs, programs, wait_until_ready
from tests.support.network_namespaces import Program
from tests.support.ports import free_port

DRAIN_LIMIT_S = 3.0
CALLS = 4


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Programs]:
    with programs(tmp_path) as made:
        yield made


def serve(run: Programs, *options: str, **env: str) -> tuple[Program, str]:
    port = free_port()
    server = run.serve(port, *options, **{"DRAIN_LIMIT": str(DRAIN_LIMIT_S), **env})
    url = f"http://127.0.0.1:{port}"
    wait_until_ready(url)
    return server, url


def wait_for(server: Program, line: str, count: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while server.log().count(line) < count:
        assert time.monotonic() < deadline, f"not {count} times {line!r}; {server.log()}"
        time.sleep(0.05)


def workers(server: Program) -> list[int]:
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    lines = {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children}
    return sorted(pid for pid, line in lines.items() if b"spawn_main" in line)


def test_a_rolling_restart_fails_no_call(run: Programs) -> None:
    server, url = serve(run, "--workers", "2", "--udp-port", str(free_port()))
    wait_for(server, "Application startup complete", 2)
    before = workers(server)
    clients = run.clients()
    assert not clients.ask(do="call", url=url, count=CALLS)["wrong"]
    clients.ask(do="talk")
    others = run.clients()
    others.ask(do="keep_calling", url=url, every_s=0.3)
    began = time.monotonic()
    server.process.send_signal(signal.SIGHUP)
    wait_for(server, "Finished server process", 2)
    called = others.ask(do="stop_calling")
    assert not called["wrong"]
    assert called["calls"] > 10
    assert not set(before) & set(workers(server))
    ended = clients.ask(do="heard")["again"]
    assert all(one["lost_at"] - began > DRAIN_LIMIT_S for one in ended)


def test_a_worker_that_dies_is_replaced(run: Programs) -> None:
    server, url = serve(run, "--workers", "2")
    wait_for(server, "Application startup complete", 2)
    first, second = workers(server)
    os.kill(first, signal.SIGKILL)
    wait_for(server, "Application startup complete", 3)
    assert second in workers(server) and first not in workers(server)
    clients = run.clients()
    assert not clients.ask(do="call", url=url, count=2)["wrong"]
    assert not clients.ask(do="send_inputs")["wrong"]


def test_ctrl_c_waits_for_calls_and_a_second_one_does_not(run: Programs) -> None:
    """A terminal sends SIGINT to the supervisor and to its workers."""
    server, url = serve(run, "--workers", "2", "--udp-port", str(free_port()), DRAIN_LIMIT="1000")
    wait_for(server, "Application startup complete", 2)
    clients = run.clients()
    assert not clients.ask(do="call", url=url, check=False)["wrong"]
    os.killpg(server.pid, signal.SIGINT)
    wait_for(server, "Waiting for child process", 1)
    wait_for(server, "Finished server process", 1)  # the worker without a call
    time.sleep(0.5)
    assert server.log().count("Finished server process") == 1
    os.killpg(server.pid, signal.SIGINT)
    assert server.wait() == 0


def test_an_app_that_cannot_be_loaded_ends_the_command(run: Programs) -> None:
    (run.folder / "broken.py").write_text("raise RuntimeError('this program is broken')\n")
    port = str(free_port())
    options = ("--workers", "2", "--port", port, "--startup-timeout", "5")
    server = run.start(
        *(sys.executable, "-m", "fastrtc", "serve", "broken:app", *options),
        env={"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(run.folder)])},
    )
    assert server.wait() == 1
    assert "this program is broken" in server.log()
