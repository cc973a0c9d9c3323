import pytest

from fastrtc.core.errors import InvalidOffer
from fastrtc.transport.webrtc.ice_targets import (
    CHECKS_BYTES,
    MAX_CANDIDATES_PER_HOST,
    MAX_NAMES,
    MAX_UFRAG,
    SEND_FACTOR,
    Place,
    SendAllowance,
    TargetPolicy,
    check_ice_credentials,
    place_of_client,
)

NOBODYS = [
    "0.0.0.0",
    "0.1.2.3",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "ff02::fb",
    "::ffff:224.0.0.1",
    "::1.2.3.4",
    "64:ff9b::e000:1",
    "example.com",
    "localhost",
    "4b4c.local",
    "",
]
OF_THE_MACHINE = ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"]
OF_THE_LINK = ["169.254.169.254", "fe80::1", "fe80::1%eth0", "::ffff:169.254.1.1"]
PRIVATE = ["10.0.0.1", "192.168.1.5", "172.16.0.1", "100.64.0.1", "fd00::1", "2002:a00:1::"]
PUBLIC = ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"]

PLACES: list[Place] = ["elsewhere", "link", "machine"]


def allows(host: str, place: Place = "elsewhere", private: bool = True) -> bool:
    return TargetPolicy(private, place).allows(host, 5000)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("host", NOBODYS)
def test_addresses_that_are_no_peers_are_never_allowed(host: str, place: Place):
    assert not allows(host, place)


@pytest.mark.parametrize("host", OF_THE_MACHINE)
def test_loopback_is_for_clients_on_this_machine(host: str):
    assert [allows(host, place) for place in PLACES] == [False, False, True]


@pytest.mark.parametrize("host", OF_THE_LINK)
def test_addresses_of_the_link_are_for_clients_there(host: str):
    assert [allows(host, place) for place in PLACES] == [False, True, True]


@pytest.mark.parametrize("host", PRIVATE)
def test_private_addresses_are_allowed_unless_the_program_says_otherwise(host: str):
    assert allows(host) and not allows(host, private=False)


@pytest.mark.parametrize("host", PUBLIC)
def test_public_addresses_are_always_allowed(host: str):
    assert allows(host) and allows(host, private=False)


@pytest.mark.parametrize(
    ("host", "port", "allowed"),
    [
        ("8.8.8.8", 53, False),
        ("8.8.8.8", 0, False),
        ("8.8.8.8", 1023, False),
        ("8.8.8.8", 1024, True),
        ("8.8.8.8", 443, True),
        ("8.8.8.8", 80, True),
        ("10.0.0.1", 443, False),
    ],
)
def test_low_ports_are_those_of_others(host: str, port: int, allowed: bool):
    assert TargetPolicy().allows(host, port) is allowed


def test_requests_of_all_but_private_sources_are_answered():
    assert all(TargetPolicy().allows_source(host) for host in [*PUBLIC, *PRIVATE, "127.0.0.1"])
    closed = TargetPolicy(private=False)
    assert [closed.allows_source(host) for host in ("8.8.8.8", "10.0.0.1")] == [True, False]
    assert closed.allows_source("127.0.0.1") and closed.allows_source("fe80::1")


def test_a_host_has_few_ports():
    policy = TargetPolicy()
    ports = range(5000, 5000 + MAX_CANDIDATES_PER_HOST)
    assert all(policy.admits("8.8.8.8", port) for port in ports)
    assert not policy.admits("8.8.8.8", 6000) and not policy.admits("::ffff:8.8.8.8", 6000)
    assert policy.admits("8.8.8.8", 5000) and policy.admits("8.8.4.4", 6000)


def test_few_names_are_looked_up():
    policy = TargetPolicy()
    assert all(policy.admits_name(f"{k}.local") for k in range(MAX_NAMES))
    assert not policy.admits_name("more.local") and policy.admits_name("0.local")


# Clients


@pytest.mark.parametrize(
    ("host", "headers", "place"),
    [
        ("127.0.0.1", {}, "machine"),
        ("::1", {}, "machine"),
        ("127.0.0.1", {"x-forwarded-for": "1.2.3.4"}, "elsewhere"),
        ("127.0.0.1", {"forwarded": "for=1.2.3.4"}, "elsewhere"),
        ("fe80::1%eth0", {}, "link"),
        ("169.254.3.4", {}, "link"),
        ("192.168.1.5", {}, "elsewhere"),
        ("8.8.8.8", {}, "elsewhere"),
        ("testclient", {}, "elsewhere"),
        (None, {}, "elsewhere"),
    ],
)
def test_where_a_client_is(host: str | None, headers: dict[str, str], place: Place):
    assert place_of_client(host, headers) == place


# Bytes


def test_no_more_is_sent_than_so_many_times_what_came():
    allowance = SendAllowance(1000)
    assert sum(allowance.spend(100) for _ in range(100)) == SEND_FACTOR * 10
    assert not allowance.spend(1)
    allowance.earn(40)
    assert allowance.spend(100) and not allowance.spend(100)


def test_media_pay_for_a_few_checks():
    allowance = SendAllowance()
    for _ in range(10_000):
        allowance.earn_for_checks(1000)
    assert allowance.spend(round(CHECKS_BYTES)) and not allowance.spend(1)
    allowance.earn(4000)
    allowance.earn_for_checks(1000)
    assert allowance.spend(10_000) and not allowance.spend(1)


# Credentials


@pytest.mark.parametrize("ufrag", ["abcd", "AZaz09+/", "a" * MAX_UFRAG])
@pytest.mark.parametrize("password", ["a" * 22, "+/" * 128])
def test_credentials_of_browsers_are_taken(ufrag: str, password: str):
    check_ice_credentials(["v=0", f"a=ice-ufrag:{ufrag}", f"a=ice-pwd:{password}"])


@pytest.mark.parametrize(
    "line", ["a=ice-ufrag:abc", "a=ice-ufrag:" + "a" * 65, "a=ice-ufrag:a b c"]
)
def test_other_ufrags_are_not(line: str):
    with pytest.raises(InvalidOffer, match="ice-ufrag must have 4 to 64"):
        check_ice_credentials([line])


@pytest.mark.parametrize("line", ["a=ice-pwd:" + "a" * 21, "a=ice-pwd:" + "a" * 257])
def test_other_passwords_are_not(line: str):
    with pytest.raises(InvalidOffer, match="ice-pwd must have 22 to 256"):
        check_ice_credentials([line])
