"""A server and clients on two machines, whose network can be cut."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.network_namespaces import RESOLVERS, Network, Program

__all__ = ["Outage"]

SERVERS = ("10.77.0.1", "10.78.0.1")
CLIENTS = ("10.77.0.2", "10.78.0.2")
PORT = 8000
NAME = "server.test"


class Outage:
    """Two machines with two cables; the clients know the server by its name.

    Args:
        net: The network.
        within_s: How long the server keeps the session of a lost client, in seconds.
        steps: How many steps each connection hears.

    Attributes:
        server: The program of the server.
    """

    def __init__(self, net: Network, within_s: float, steps: int) -> None:
        self._server, self._client = net.machine("server"), net.machine("client")
        self._cables = [
            net.connect(self._server, f"{server}/24", self._client, f"{client}/24")
            for server, client in zip(SERVERS, CLIENTS, strict=True)
        ]
        self._hosts = RESOLVERS / self._client.name / "hosts"
        self._hosts.parent.mkdir(parents=True, exist_ok=True)
        self._resolve(SERVERS[0])
        options = {"port": PORT, "within_s": within_s, "steps": steps}
        self.server = self._server.start("tests.network.outage_server", json.dumps(options))
        assert self.server.read() == "ready"

    def _resolve(self, address: str) -> None:
        self._hosts.write_text(f"127.0.0.1 localhost\n{address} {NAME}\n")

    def start_client(self) -> Program:
        """Start a program of clients, which is not connected."""
        return self._client.start("tests.network.outage_client")

    def connect(self, transport: str) -> Program:
        """Start a client, and let it connect."""
        client = self.start_client()
        client.ask(do="connect", url=f"http://{NAME}:{PORT}", transport=transport)
        return client

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Drop all packets within the block."""
        self._set_rules("-I")
        try:
            yield
        finally:
            self._set_rules("-D")

    def _set_rules(self, action: str) -> None:
        self._client.iptables(f"{action} INPUT -i cable+ -j DROP")
        self._client.iptables(f"{action} OUTPUT -o cable+ -j DROP")

    def move(self) -> None:
        """Give the server another address: the first cable is unplugged."""
        self._client.run("ip", "link", "set", self._cables[0], "down")
        self._resolve(SERVERS[1])

    def ended(self, count: int, within: float = 10.0) -> dict[str, Any]:
        """Wait until so many sessions have ended, and check that nothing is left of them."""
        deadline = time.monotonic() + within
        while True:
            seen: dict[str, Any] = self.server.ask(do="look")
            ends = [kind for kind, *_ in seen["happened"]].count("disconnected")
            if ends == count and not seen["connections"]:
                break
            assert time.monotonic() < deadline, seen
            time.sleep(0.1)
        shutdowns = [id for kind, id, *_ in seen["happened"] if kind == "shutdown"]
        assert len(shutdowns) == len(set(shutdowns)) == count, seen
        return seen
