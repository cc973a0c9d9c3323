"""The programs of a cluster: nodes, a balancer, a Redis and clients."""

from __future__ import annotations

import itertools
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.network_namespaces import Program, start_program
from tests.support.ports import free_port
from tests.support.programs import require_program

__all__ = ["Programs", "balancer_configuration", "programs", "wait_until_ready"]

ROOT = Path(__file__).parents[2]
APP = "tests.cluster.app:app"
PATIENCE_S = 60.0
SECRET = "the secret of the machines of this test"

TO_LOG = ("sh", "-c", 'exec "$@" >&2', "sh")
"""Runs a command whose output goes to its log, as nobody reads it: the access log fills a pipe."""

_numbers = itertools.count()


def balancer_configuration(
    listen: str, nodes: Sequence[str], check: str = "/readyz", cookie: str = ""
) -> str:
    """Return a configuration of haproxy: round robin, without stickiness.

    Args:
        listen: Its address.
        nodes: The addresses of the servers.
        check: The path that says whether a server accepts connections.
        cookie: The cookie by which the requests of a browser for Gradio's queue, and only these,
            reach the server that has served its page; "" for none.
    """
    servers = "\n".join(f"    server n{i} {node} check" for i, node in enumerate(nodes))
    sticky = gradio = ""
    if cookie:
        sticky = "    use_backend gradio if { path / } or { path_beg /gradio_api/queue/ }\n"
        same = (
            f"    server n{i} {node} track nodes/n{i} cookie n{i}" for i, node in enumerate(nodes)
        )
        gradio = "\n".join(
            ("backend gradio", f"    cookie {cookie} insert indirect nocache", *same, "")
        )
    return f"""
defaults
    mode http
    timeout connect 2s
    timeout client 1h
    timeout server 1h
    timeout check 5s
    retries 3
    option redispatch 1
    retry-on conn-failure empty-response 503
frontend clients
    bind {listen}
{sticky}    default_backend nodes
backend nodes
    balance roundrobin
    option httpchk
    http-check send meth GET uri {check} ver HTTP/1.1 hdr Host localhost
    default-server inter 1s fall 3 rise 1
{servers}
{gradio}"""


class Programs:
    """Programs of a test, which end with it.

    Args:
        folder: Where their logs, and the database of nodes, go.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = f"sqlite:{folder}/cluster.db"
        self._programs: list[Program] = []

    def start(self, *command: str, env: Mapping[str, str] | None = None) -> Program:
        """Start a program."""
        log = self.folder / f"{next(_numbers)}.log"
        program = start_program(command, log, env)
        self._programs.append(program)
        return program

    def serve(self, port: int, *options: str, **env: str) -> Program:
        """Start `fastrtc serve` with the app of `app.py`."""
        command = (sys.executable, "-m", "fastrtc", "serve", APP, "--port", str(port))
        return self.start(*TO_LOG, *command, *options, env=env)

    def node(self, **env: str) -> tuple[Program, int]:
        """Start a process of its own, which shares the database with the others."""
        port = free_port()
        return self.serve(port, FASTRTC_CLUSTER=self.database, **env), port

    def balancer(self, ports: Sequence[int], check: str = "/readyz", cookie: str = "") -> str:
        """Start haproxy in front of ports of this machine; return its address."""
        haproxy = require_program("haproxy")
        listen = f"127.0.0.1:{free_port()}"
        file = self.folder / "haproxy.cfg"
        nodes = [f"127.0.0.1:{port}" for port in ports]
        file.write_text(balancer_configuration(listen, nodes, check, cookie))
        self.start(str(haproxy), "-db", "-f", str(file))
        return f"http://{listen}"

    def clients(self, **env: str) -> Program:
        """Start clients."""
        return self.start(sys.executable, "-m", "tests.cluster.clients", env=env)

    def pages(self) -> Program:
        """Start a Chromium for pages."""
        return self.start(sys.executable, "-m", "tests.cluster.pages")

    def stop(self) -> None:
        """Kill all that still run."""
        for program in self._programs:
            program.stop()


@contextmanager
def programs(folder: Path) -> Iterator[Programs]:
    """Run programs, which end with the block."""
    made = Programs(folder)
    try:
        yield made
    finally:
        made.stop()


def wait_until_ready(url: str, path: str = "/readyz", within: float = PATIENCE_S) -> None:
    """Wait until a server accepts connections of clients."""
    deadline = time.monotonic() + within
    while True:
        try:
            with urllib.request.urlopen(f"{url}{path}", timeout=5):
                return
        except (OSError, urllib.error.HTTPError) as error:
            assert time.monotonic() < deadline, f"{url} is not ready: {error}"
            time.sleep(0.05)
