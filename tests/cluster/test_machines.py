"""Two machines that share a Redis, behind a balancer on a third."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cluster.programs import (
    APP,
    PATIENCE_S,
    SECRET,
    TO_LOG,
    balancer_configuration,
)
from tests.support.network_namespaces import Machine, Network, Program, network
from tests.support.programs import require_program

FRONT = "10.9.0.1"
MACHINES = {"10.9.1.2": "10.9.1.1", "10.9.2.2": "10.9.2.1"}
"""The address of each machine, and that of the front machine on its cable."""
HTTP, REDIS, BALANCER = 8000, 6379, 8080
LOST = "The directory of the cluster is unreachable"
BACK = "The directory of the cluster is reachable again"
CLIENTS, LATE = 8, 2


class Machines:
    """The machines and their programs.

    Attributes:
        front: Runs Redis, the balancer and the clients.
        nodes: The process of each machine.
        redis: Redis.
        clients: The clients.
    """

    def __init__(self, net: Network, folder: Path) -> None:
        self._folder = folder
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
            env={"FASTRTC_CLUSTER_SECRET": SECRET, "CONCURRENCY_LIMIT": str(CLIENTS // 2 + LATE)},
        )


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    with network(tmp_path) as net:
        yield Machines(net, tmp_path)


def test_machines_find_the_owners_of_connections_also_after_redis_was_lost(
    machines: Machines,
) -> None:
    clients, url = machines.clients, machines.url
    for server in (*(f"http://{at}:{HTTP}" for at in MACHINES), url):
        assert clients.ask(do="wait_until_ready", url=server, within=PATIENCE_S / 2) == "ready"
    assert not clients.ask(do="call", url=url, count=CLIENTS)["wrong"]
    sent = clients.ask(do="send_inputs", rounds=2)
    assert not sent["wrong"]
    assert set(sent["owners"]) == {node.pid for node in machines.nodes}

    clients.ask(do="talk")
    machines.redis.stop()
    machines.wait_for(LOST)
    late = clients.ask(do="call", url=url, count=LATE, check=False)
    assert not late["wrong"]
    heard = clients.ask(do="heard")
    assert not heard["again"] and max(heard["gaps"]) < 2.0
    machines.start_redis()
    machines.wait_for(BACK)
    sent = clients.ask(do="send_inputs")
    assert not sent["wrong"] and not sent["reopened"]
    assert not clients.ask(do="heard")["again"]
