"""Connections through firewalls and NATs, with the options of `Ice`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.network.conftest import DOCKER_HTTP, HTTP, LAPTOP, PUBLIC, SERVER, Internet
from tests.support.network_namespaces import Program
from tests.support.programs import require_program

URL = f"http://{PUBLIC}:{HTTP}"

BROWSER_OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--no-first-run",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--autoplay-policy=no-user-gesture-required",
)


def call(clients: Program, url: str, **options: Any) -> list[dict[str, Any]]:
    """Connect clients, and check that each hears its echo."""
    found: list[dict[str, Any]] = clients.ask(do="call", url=url, **options)
    assert {one["state"] for one in found} == {"connected"}, found
    assert clients.ask(do="listen") == len(found)
    return found


def test_fifty_clients_connect_through_one_udp_port(internet: Internet) -> None:
    before = sorted(internet.streams.udp_sockets())

    found = call(internet.outside, f"{URL}/nat", count=50)

    assert {tuple(one["remote"]) for one in found} == {(PUBLIC, 40000)}
    sockets = sorted(internet.streams.udp_sockets())
    assert sockets == before
    assert sum(one.endswith(f":{40000:X}") for one in sockets) == 2  # IPv4 and IPv6


def test_the_firewall_lets_no_other_port_through(internet: Internet) -> None:
    (one,) = internet.outside.ask(do="call", url=f"{URL}/closed", within=2)

    assert one["state"] == "connecting"


def test_the_public_address_is_announced_alone(internet: Internet) -> None:
    (one,) = call(internet.outside, f"{URL}/nat")

    assert addresses(one) == {PUBLIC}
    assert SERVER not in str(one["candidates"])


def test_a_stun_server_tells_the_public_address(internet: Internet) -> None:
    (one,) = call(internet.outside, f"{URL}/stun")

    assert addresses(one) == {PUBLIC}


def test_a_client_behind_a_symmetric_nat_connects(internet: Internet) -> None:
    found = call(internet.inside, f"{URL}/nat", count=3)

    assert {tuple(one["remote"]) for one in found} == {(PUBLIC, 40000)}


def test_a_client_without_udp_connects_over_tcp(internet: Internet) -> None:
    internet.home.iptables("-I FORWARD -p udp -j DROP")
    try:
        (one,) = call(internet.inside, f"{URL}/tcp", tcp_from=LAPTOP)
    finally:
        internet.home.iptables("-D FORWARD -p udp -j DROP")

    assert one["remote"] == [PUBLIC, 40000]


def test_browsers_connect_over_udp_and_tcp(internet: Internet, tmp_path: Path) -> None:
    internet.laptop.run_beside(
        *[str(require_program("chromium")), *BROWSER_OPTIONS, f"--user-data-dir={tmp_path}"],
        f"{URL}/browser?/nat,/tcp-alone",
    )

    over_udp, over_tcp = internet.streams.read()

    assert over_udp["loud"], over_udp
    assert over_udp["remote"] == ["udp", PUBLIC, 40000]
    assert over_tcp["loud"], over_tcp
    assert over_tcp["remote"] == ["tcp", PUBLIC, 40000]


def test_a_container_needs_one_published_port_and_two_variables(internet: Internet) -> None:
    found = call(internet.outside, f"http://{PUBLIC}:{DOCKER_HTTP}", count=5)
    found += call(internet.inside, f"http://{PUBLIC}:{DOCKER_HTTP}", count=2)

    assert {tuple(one["remote"]) for one in found} == {(PUBLIC, 40001)}
    assert len(internet.docker.udp_sockets()) == 2


def test_a_client_whose_address_changes_keeps_its_session(internet: Internet) -> None:
    call(internet.inside, f"{URL}/nat", count=2)

    internet.home.run("ip", "address", "del", "198.51.100.2/24", "dev", internet.uplink)
    internet.home.run("ip", "address", "add", "198.51.100.3/24", "dev", internet.uplink)
    internet.home.route("198.51.100.1")

    assert internet.inside.ask(do="listen") == 2
    assert internet.inside.ask(do="states") == ["connected"] * 2


def addresses(client: dict[str, Any]) -> set[str]:
    """Return the addresses that a client was told."""
    return {candidate.split()[4] for candidate in client["candidates"]}
