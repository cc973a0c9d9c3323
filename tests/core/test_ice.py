"""The options of ICE."""

from __future__ import annotations

from typing import Any

import pytest

from fastrtc.core.ice import Ice, stun_server


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"udp_port": 0}, "udp_port must be a port from 1 to 65535, not 0"),
        ({"udp_port": 65536}, "udp_port must be a port"),
        ({"udp_port": True}, "udp_port must be a port"),
        ({"udp_port": "40000"}, "udp_port must be a port"),
        ({"udp_port": range(0)}, "udp_port must be a port or an ascending range"),
        ({"udp_port": range(40004, 40000, -1)}, "udp_port must be a port or an ascending range"),
        ({"udp_port": range(40000, 40008, 2)}, "udp_port must be a port or an ascending range"),
        ({"udp_port": range(0, 4)}, "udp_port must be a port from 1 to 65535, not 0"),
        ({"udp_port": range(65534, 65537)}, "udp_port must be a port from 1 to 65535, not 65536"),
        ({"udp_port": range(1, 3), "udp_ports": (1, 2)}, "exclude each other"),
        ({"tcp_port": -1}, "tcp_port must be a port"),
        ({"udp_ports": 40000}, "the first and the last port"),
        ({"udp_ports": (1, 2, 3)}, "the first and the last port"),
        ({"udp_ports": (0, 2)}, "udp_ports must be a port"),
        ({"udp_ports": (40100, 40000)}, "ascending"),
        ({"udp_port": 1, "udp_ports": (1, 2)}, "exclude each other"),
        ({"public_ip": "example.org"}, "must be an IP address"),
        ({"public_ip": "10.0.0.256"}, "must be an IP address"),
        ({"public_ip": ""}, "must be an IP address"),
        ({"public_ip": ()}, "must be an address or several"),
        ({"public_ip": 5}, "must be an address or several"),
        ({"public_ip": "0.0.0.0"}, "not an address that clients can reach"),
        ({"public_ip": "224.0.0.1"}, "not an address that clients can reach"),
        ({"public_ip": "203.0.113.5/nonsense"}, "must be an IP address, or public/local"),
        ({"public_ip": "203.0.113.5/::1"}, "between IPv4 and IPv6"),
        ({"public_ip": "stun:"}, "not a STUN server"),
        ({"public_ip": "stun:a:b"}, "not a STUN server"),
        ({"interfaces": "eth0"}, "interfaces must be a list"),
        ({"interfaces": []}, "interfaces must be a list"),
        ({"interfaces": [1]}, "interfaces must be a list"),
        ({"ipv6": 1}, "ipv6 must be a bool"),
        ({"loopback": None}, "loopback must be a bool"),
        ({"gather_timeout_s": 0}, "gather_timeout_s must be a positive number"),
        ({"gather_timeout_s": float("nan")}, "gather_timeout_s must be a positive number"),
        ({"gather_timeout_s": "1"}, "gather_timeout_s must be a positive number"),
    ],
)
def test_an_invalid_option_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^Ice: .*{message}"):
        Ice(**options)


def test_one_public_address_or_several() -> None:
    assert Ice().public_addresses == ()
    assert Ice(public_ip="203.0.113.5").public_addresses == ("203.0.113.5",)
    assert Ice(public_ip=["203.0.113.5", "2001:db8::5"]).public_addresses[1] == "2001:db8::5"


@pytest.mark.parametrize(
    ("variables", "options"),
    [
        ({}, Ice()),
        ({"FASTRTC_UDP_PORT": " ", "FASTRTC_PUBLIC_IP": ""}, Ice()),
        ({"FASTRTC_UDP_PORT": "40000"}, Ice(udp_port=40000)),
        ({"FASTRTC_UDP_PORT": "40000-40100"}, Ice(udp_ports=(40000, 40100))),
        ({"FASTRTC_UDP_PORT": "40000..40003"}, Ice(udp_port=range(40000, 40004))),
        ({"FASTRTC_UDP_PORT": " 40000 .. 40000 "}, Ice(udp_port=range(40000, 40001))),
        ({"FASTRTC_PUBLIC_IP": "203.0.113.5"}, Ice(public_ip=("203.0.113.5",))),
        (
            {"FASTRTC_PUBLIC_IP": "203.0.113.5, 2001:db8::5"},
            Ice(public_ip=("203.0.113.5", "2001:db8::5")),
        ),
    ],
)
def test_options_from_the_environment(variables: dict[str, str], options: Ice) -> None:
    assert Ice().with_environment(variables) == options


def test_an_option_goes_before_its_variable() -> None:
    variables = {"FASTRTC_UDP_PORT": "40000", "FASTRTC_PUBLIC_IP": "203.0.113.5"}
    ice = Ice(udp_ports=(1, 2), public_ip="198.51.100.7")
    assert ice.with_environment(variables) == ice
    assert Ice(tcp_port=5).with_environment(variables).udp_port == 40000


@pytest.mark.parametrize("value", ["no port", "70000", "2-1", "1,2", "-1", "2..1", "0..3", "..3"])
def test_an_invalid_variable_is_named(value: str) -> None:
    with pytest.raises(ValueError, match="FASTRTC_UDP_PORT="):
        Ice().with_environment({"FASTRTC_UDP_PORT": value})
    with pytest.raises(ValueError, match="FASTRTC_PUBLIC_IP="):
        Ice().with_environment({"FASTRTC_PUBLIC_IP": value})


@pytest.mark.parametrize(
    ("value", "server"),
    [
        ("stun:stun.example.org", ("stun.example.org", 3478)),
        ("stun:192.0.2.1:19302", ("192.0.2.1", 19302)),
        ("stun:[2001:db8::1]:3478", ("2001:db8::1", 3478)),
        ("203.0.113.5", None),
    ],
)
def test_the_server_that_knows_the_public_address(value: str, server: Any) -> None:
    assert stun_server(value) == server
