"""How long a connection takes on machines with many networks, and with none."""

from __future__ import annotations

from typing import Any

import pytest

from tests.network.conftest import start_peers, start_server
from tests.support.network_namespaces import Network

CLIENT = "10.60.0.2"
INTERFACES = 12
DEAD, HTTP_INTERFACE = 0, 5  # the first one is checked first
GATHER_TIMEOUT_S = 0.5  # the default
BUSY_S = 4.0  # for a machine that is busy; without the timeout, an answer would take 5 s

STUN_SERVERS = [{"urls": f"stun:{CLIENT}:3478"}]
SILENT_STUN = [{"urls": "stun:10.50.0.1:3478"}]

STREAMS: dict[str, Any] = {
    "/defaults": None,
    "/stun": {"servers": STUN_SERVERS},
    "/silent": {"servers": SILENT_STUN},
    "/port": {"udp_port": 40000, "servers": STUN_SERVERS},
    "/port-defaults": {"udp_port": 40000},
}


class ManyNetworks:
    """A server with 12 network interfaces, one of which answers nothing, and a client."""

    def __init__(self, net: Network) -> None:
        self.server, switch = net.machine("many"), net.machine("switch")
        far = net.machine("far")
        for number in range(INTERFACES):
            cable = net.connect(self.server, f"10.50.{number}.2/24", switch, f"10.50.{number}.1/24")
            if number == DEAD:
                switch.iptables(f"-A INPUT -i {cable} -j DROP")
                switch.iptables(f"-A FORWARD -i {cable} -j DROP")
                switch.iptables(f"-A FORWARD -o {cable} -j DROP")
        net.connect(far, f"{CLIENT}/24", switch, "10.60.0.1/24")
        self.server.route(f"10.50.{HTTP_INTERFACE}.1")
        far.route("10.60.0.1")
        switch.forward()
        self.server.resolve_at(f"10.50.{DEAD}.1")  # which hangs
        stun = far.start("tests.support.stun_server", CLIENT, "3478")
        self.streams = start_server(self.server, 8000, STREAMS)
        self.clients = start_peers(far)
        for program in (stun, self.streams):
            assert program.read() == "ready"

    def call(self, path: str) -> Any:
        url = f"http://10.50.{HTTP_INTERFACE}.2:8000{path}"
        (one,) = self.clients.ask(do="call", url=url)
        return one


@pytest.fixture(scope="module")
def many(net: Network) -> ManyNetworks:
    return ManyNetworks(net)


@pytest.mark.parametrize("path", STREAMS)
def test_an_answer_does_not_wait_for_a_network_that_answers_nothing(
    many: ManyNetworks, path: str
) -> None:
    one = many.call(path)

    assert one["state"] == "connected"
    assert one["answered_s"] < GATHER_TIMEOUT_S + BUSY_S
    addresses = {candidate.split()[4] for candidate in one["candidates"]}
    assert addresses == {f"10.50.{number}.2" for number in range(INTERFACES)}
    if path in ("/stun", "/port"):  # each check before that of a good pair costs 20 ms
        first = max(one["candidates"], key=lambda candidate: int(candidate.split()[3]))
        assert first.split()[4] != f"10.50.{DEAD}.2"


class Offline:
    """A machine without a network, and a server on it."""

    def __init__(self, net: Network) -> None:
        machine = net.machine("offline")
        self.streams = start_server(machine, 8000, {"": None, "/port": {"udp_port": 40000}})
        self.clients = start_peers(machine)
        assert self.streams.read() == "ready"


@pytest.fixture(scope="module")
def offline(net: Network) -> Offline:
    return Offline(net)


@pytest.mark.parametrize("path", ["", "/port"])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_client_on_a_machine_without_a_network_connects(
    offline: Offline, path: str, address: str
) -> None:
    url = f"http://127.0.0.1:8000{path}"
    (one,) = offline.clients.ask(do="call", url=url, loopback=address)

    assert one["state"] == "connected"
    assert one["answered_s"] < GATHER_TIMEOUT_S + BUSY_S
    assert offline.clients.ask(do="listen") == 1
    assert one["remote"][0] == address
