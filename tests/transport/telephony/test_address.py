"""Which address Twilio has called, whatever proxies are in between."""

import pytest

from fastrtc.transport.telephony.address import public_host, public_scheme


@pytest.mark.parametrize(
    ("headers", "host"),
    [
        ({"host": "example.com"}, "example.com"),
        ({"host": "example.com:8443"}, "example.com:8443"),
        ({"host": "example.com:443"}, "example.com"),
        ({"host": "[2001:db8::1]:8443"}, "[2001:db8::1]:8443"),
        ({"host": "127.0.0.1:8000", "x-forwarded-host": "example.com"}, "example.com"),
        ({"host": "a", "x-forwarded-host": "example.com, proxy.local"}, "example.com"),
        (
            {"host": "a", "x-forwarded-host": "example.com", "x-forwarded-port": "8443"},
            "example.com:8443",
        ),
        (
            {"host": "a", "x-forwarded-host": "example.com", "x-forwarded-port": "443"},
            "example.com",
        ),
        (
            {"host": "a", "x-forwarded-host": "example.com:1", "x-forwarded-port": "2"},
            "example.com:1",
        ),
        ({"host": "example.com", "x-forwarded-port": "8443"}, "example.com:8443"),
        ({"host": "example.com", "x-forwarded-port": "much"}, "example.com"),
        ({"host": "example.com", "x-forwarded-port": "99999"}, "example.com"),
        ({"host": "a", "forwarded": "for=192.0.2.60;host=example.com;proto=https"}, "example.com"),
        ({"host": "a", "forwarded": 'Host="example.com:8443", host=inner'}, "example.com:8443"),
        ({"host": "a", "forwarded": "host=b", "x-forwarded-host": "c"}, "b"),
        ({"host": "a", "forwarded": "for=192.0.2.60", "x-forwarded-host": "c"}, "c"),
        ({"host": "good", "x-forwarded-host": 'evil"/><Redirect>'}, "good"),
        ({"host": "user@evil/path"}, None),
        ({"host": "example.com:70000"}, None),
        ({"host": "example.com", "x-forwarded-port": "9" * 5000}, "example.com"),
        ({"host": "good", "x-forwarded-host": "[:::]"}, "good"),
        ({"host": "[1.2.3.4]"}, None),
        ({}, None),
    ],
)
def test_the_host_is_the_one_that_was_asked(headers: dict[str, str], host: str | None):
    assert public_host(headers) == host


@pytest.mark.parametrize(
    ("headers", "arrived_as", "scheme"),
    [
        ({}, "http", "http"),
        ({}, "https", "https"),
        ({}, "wss", "https"),
        ({"x-forwarded-proto": "https"}, "http", "https"),
        ({"x-forwarded-proto": "https,http"}, "http", "https"),
        ({"forwarded": "proto=https;host=a"}, "http", "https"),
        ({"forwarded": "for=1.2.3.4", "x-forwarded-proto": "https"}, "http", "https"),
    ],
)
def test_the_scheme_is_the_one_that_was_asked(
    headers: dict[str, str], arrived_as: str, scheme: str
):
    assert public_scheme(headers, arrived_as) == scheme
