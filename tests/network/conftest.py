"""The internet of the tests: a server behind a router, a client outside, and one behind a NAT.

    server 10.1.0.2 -- router 192.0.2.5 -- 203.0.113.20 outside
                             |
                             +-- 198.51.100.2 home -- 192.168.7.2 laptop

The router is a 1:1 NAT, which forwards only the ports in `OPEN` to the server. The home is a
symmetric NAT: it has another random port for each destination.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.network_namespaces import Machine, Network, Program, network

__all__ = ["Internet"]

SERVER, PUBLIC, OUTSIDE, LAPTOP = "10.1.0.2", "192.0.2.5", "203.0.113.20", "192.168.7.2"
HTTP, DOCKER_HTTP, STUN = 8000, 8001, 3478
OPEN = ("udp 40000:40003", "tcp 8000:8001", "tcp 40000")

STREAMS: dict[str, Any] = {
    "/nat": {"udp_port": 40000, "public_ip": PUBLIC},
    "/stun": {"udp_port": 40000, "public_ip": f"stun:{OUTSIDE}:{STUN}"},
    "/tcp": {"udp_port": 40000, "tcp_port": 40000, "public_ip": PUBLIC},
    "/closed": {"udp_port": 41000, "public_ip": PUBLIC},
    "/tcp-alone": {"udp_port": 41000, "tcp_port": 40000, "public_ip": PUBLIC},
    "/range": {"udp_ports": [40002, 40003], "public_ip": PUBLIC},
}

_clients: list[Program] = []


class Internet:
    """The machines, and the programs that all tests share.

    Attributes:
        server: Runs the servers.
        router: In front of it.
        home: The NAT of the laptop.
        laptop: A machine at home.
        streams: The server of `STREAMS`.
        docker: A server with the options of a container.
        outside: The clients outside.
        inside: The clients on the laptop.
    """

    def __init__(self, net: Network) -> None:
        self.server, self.router = net.machine("server"), net.machine("router")
        outside, self.home = net.machine("outside"), net.machine("home")
        self.laptop = net.machine("laptop")
        net.connect(self.server, f"{SERVER}/24", self.router, "10.1.0.1/24")
        net.connect(outside, f"{OUTSIDE}/24", self.router, "203.0.113.1/24")
        self.uplink = net.connect(self.home, "198.51.100.2/24", self.router, "198.51.100.1/24")
        net.connect(self.laptop, f"{LAPTOP}/24", self.home, "192.168.7.1/24")
        self.server.route("10.1.0.1")
        outside.route("203.0.113.1")
        self.home.route("198.51.100.1")
        self.laptop.route("192.168.7.1")
        self._set_rules()
        stun = outside.start("tests.support.stun_server", OUTSIDE, str(STUN))
        self.streams = start_server(self.server, HTTP, STREAMS)
        self.docker = start_server(
            self.server,
            DOCKER_HTTP,
            {"": None},
            FASTRTC_UDP_PORT="40001",
            FASTRTC_PUBLIC_IP=PUBLIC,
        )
        self.outside, self.inside = start_peers(outside), start_peers(self.laptop)
        for program in (stun, self.streams, self.docker):
            assert program.read() == "ready"

    def _set_rules(self) -> None:
        self.router.forward()
        self.router.iptables(f"-t nat -A PREROUTING -d {PUBLIC} -j DNAT --to {SERVER}")
        self.router.iptables(f"-t nat -A POSTROUTING -s {SERVER} -j SNAT --to {PUBLIC}")
        self.router.iptables("-P FORWARD DROP")
        self.router.iptables("-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT")
        self.router.iptables(f"-A FORWARD -p tcp -s {SERVER} -j ACCEPT")
        self.router.iptables(f"-A FORWARD -p udp -s {SERVER} --dport {STUN} -j ACCEPT")
        for each in OPEN:
            protocol, ports = each.split()
            accepted = f"-p {protocol} --dport {ports} -m conntrack --ctstate DNAT -j ACCEPT"
            self.router.iptables(f"-A FORWARD {accepted}")
        # As docker-proxy does: the container sees every client at the gateway's address
        docker = f"-d {SERVER} -p udp --dport 40001"
        self.router.iptables(f"-t nat -A POSTROUTING {docker} -j MASQUERADE")
        self.home.forward()
        self.home.iptables(f"-t nat -A POSTROUTING -o {self.uplink} -j MASQUERADE --random-fully")


def start_server(machine: Machine, port: int, streams: dict[str, Any], **env: str) -> Program:
    """Start a server of `tests.network.server`, which prints "ready"."""
    options = {"port": port, "streams": streams}
    return machine.start("tests.network.server", json.dumps(options), env=env)


def start_peers(machine: Machine) -> Program:
    """Start the clients of a machine."""
    clients = machine.start("tests.network.peers")
    _clients.append(clients)
    return clients


@pytest.fixture(scope="session")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    with network(tmp_path_factory.mktemp("network")) as made:
        yield made
    _clients.clear()


@pytest.fixture(scope="session")
def internet(net: Network) -> Internet:
    return Internet(net)


@pytest.fixture(autouse=True)
def hung_up() -> Iterator[None]:
    """Close the connections of a test."""
    yield
    for clients in _clients:
        clients.ask(do="hang_up")
