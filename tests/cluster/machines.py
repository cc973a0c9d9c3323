"""Two machines that share a Redis, behind a balancer on a third: namespaces, which need root."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from pathlib import Path

from tests.cluster.programs import (
    APP,
    PATIENCE_S,
    SECRET,
    TO_LOG,
    balancer_configuration,
)
from tests.support.network_namespaces import Machine, Network, Program
from tests.support.programs import require_program

__all__ = ["Machines"]

MACHINES = {"10.9.1.2": "10.9.1.1", "10.9.2.2": "10.9.2.1"}
"""The address of each machine, and that of the front machine on its cable."""
HTTP, REDIS, BALANCER = 8000, 6379, 8080


class Machines:
    """The machines and their programs.

    Args:
        net: The network.
        folder: Where logs go.
        limit: The `concurrency_limit` of each process.

    Attributes:
        front: Runs Redis, the balancer and the clients.
        nodes: The process of each machine.
        redis: Redis.
        clients: The clients.
        url: The address of the balancer, for the clients.
    """

    def __init__(self, net: Network, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        self.front = net.machine("front")
        self.redis = self.start_redis()
        self.nodes = [self._start_node(net, at, gateway) for at, gateway in MACHINES.items()]
        self.front.forward()
        haproxy = str(require_program("haproxy"))
        file = folder / "haproxy.cfg"
        listen = f"127.0.0.1:{BALANCER}"
        file.write_text(balancer_configuration(listen, [f"{at}:{HTTP}" for at in MACHINES]))
        self.url = f"http://{listen}"
        self.front.run_beside(haproxy, "-db", "-f", str(file))
        self.clients = self.front.start("tests.cluster.clients")

    def start_redis(self) -> Program:
        """Start a Redis that is empty, and that other machines may use without a password."""
        server = str(require_program("redis-server"))
        options = ("--save", "", "--protected-mode", "no", "--dir", str(self._folder))
        redis = self.front.run_beside(server, "--port", str(REDIS), *options)
        deadline = time.monotonic() + PATIENCE_S
        while not self._redis_answers():
            assert time.monotonic() < deadline, "Redis does not start"
            time.sleep(0.05)
        return redis

    def _redis_answers(self) -> bool:
        with suppress(AssertionError):
            return self.front.run("redis-cli", "-p", str(REDIS), "ping").strip() == "PONG"
        return False

    def wait_until_ready(self) -> None:
        """Wait until the processes and the balancer accept clients."""
        for url in (*(f"http://{at}:{HTTP}" for at in MACHINES), self.url):
            found = self.clients.ask(do="wait_until_ready", url=url, within=PATIENCE_S - 10)
            assert found == "ready", url

    def wait_for(self, line: str) -> None:
        """Wait until both nodes have logged a line."""
        deadline = time.monotonic() + PATIENCE_S
        while not all(line in node.log() for node in self.nodes):
            assert time.monotonic() < deadline, [node.log() for node in self.nodes]
            time.sleep(0.1)

    def _start_node(self, net: Network, at: str, gateway: str) -> Program:
        machine: Machine = net.machine(at.split(".")[2])
        net.connect(machine, f"{at}/24", self.front, f"{gateway}/24")
        machine.route(gateway)
        return machine.run_beside(
            *(*TO_LOG, sys.executable, "-m", "fastrtc", "serve", APP),
            *("--host", "0.0.0.0", "--port", str(HTTP)),
            *("--redis", f"redis://{gateway}:{REDIS}/0", "--udp-port", "40000"),
            env={"FASTRTC_CLUSTER_SECRET": SECRET, "CONCURRENCY_LIMIT": str(self._limit)},
        )
