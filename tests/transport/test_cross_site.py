"""Whose pages may use a server, and under which names: requests as browsers send them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastrtc.transport.cross_site import (
    CorsGrant,
    SitePolicy,
    is_origin,
    is_own_host,
    refuse_request,
)

EVIL = "https://evil.example"
LOCAL = "127.0.0.1:8000"
PUBLIC = "voice.example.org"
OURS = f"https://{PUBLIC}"
DEFAULT = SitePolicy()
LISTED = SitePolicy(origins=["https://app.example.net"])
ALL = SitePolicy(origins=["*"])
GRANT = CorsGrant(credentials=True, authorization=True)
BARE = CorsGrant(credentials=False, authorization=False)
BEARER = CorsGrant(credentials=False, authorization=True)


def sent(host: str | None, origin: str | None, site: str | None = None, **more: str) -> Any:
    told = {"host": host, "origin": origin, "sec-fetch-site": site, **more}
    return {name.replace("_", "-"): value for name, value in told.items() if value is not None}


def forwarded(host: str) -> dict[str, str]:
    return {"x_forwarded_host": host}


COOKIE = {"cookie": "session=1"}
TOKEN = {"authorization": "Bearer t"}
BASIC = {"authorization": "Basic dTpw"}

MAY = [
    # the server's own pages
    sent(LOCAL, "http://127.0.0.1:8000", "same-origin", **COOKIE),
    sent(LOCAL, "http://127.0.0.1:8000", **COOKIE),
    sent(PUBLIC, OURS, **COOKIE, **TOKEN),
    sent("voice.example.org:8443", "https://voice.example.org:8443", **COOKIE),
    sent("[::1]:8000", "http://[::1]:8000", **COOKIE),
    sent("192.168.0.5:7860", "http://192.168.0.5:7860", **COOKIE),
    sent("raspberrypi:7860", "http://raspberrypi:7860"),
    # behind a proxy that replaces Host
    sent(LOCAL, OURS, "same-origin", **COOKIE),
    sent(LOCAL, OURS, **forwarded(PUBLIC), **COOKIE),
    sent("app:8000", OURS, forwarded=f"for=1.2.3.4;host={PUBLIC};proto=https", **COOKIE),
    # a share link, a Space, a page in a frame of another site
    sent("abc.gradio.live", "https://abc.gradio.live", "same-origin", **COOKIE),
    sent("me-voice.hf.space", "https://me-voice.hf.space", "same-origin", **COOKIE),
    sent("10.0.0.7:7860", "https://me-voice.hf.space", **forwarded("me-voice.hf.space")),
    # pages of the same site
    sent(PUBLIC, "https://app.example.org", "same-site", **COOKIE),
    sent(PUBLIC, "https://app.example.org", **COOKIE),
    sent(PUBLIC, "https://example.org", **COOKIE),
    sent("voice.example.co.uk", "https://app.example.co.uk", **COOKIE),
    sent("192.168.0.5:8000", "http://192.168.0.5:3000", **COOKIE),
    # a development server
    sent("localhost:8000", "http://localhost:5173", "same-site", **COOKIE),
    sent(LOCAL, "http://localhost:5173", "cross-site", **COOKIE),
    sent("localhost:8000", "http://127.0.0.1:3000"),
    sent("0.0.0.0:8000", "http://[::1]:3000"),
    sent("app.localhost:8000", "http://localhost:3000", "cross-site"),
    sent("192.168.0.5:8000", "http://localhost:5173"),
    # no browser, or the page within an app
    sent(LOCAL, None),
    sent(PUBLIC, None, **COOKIE, **TOKEN),
    sent(LOCAL, None, "none"),
    sent(LOCAL, "capacitor://localhost"),
    sent("192.168.0.5:8000", "chrome-extension://abcdef", "cross-site"),
    # a public server gives everyone the same
    sent(PUBLIC, EVIL, "cross-site"),
    sent(PUBLIC, EVIL),
    sent(PUBLIC, "null"),
    sent("203.0.113.5:8000", EVIL),
    sent("abc.gradio.live", "https://huggingface.co", "cross-site"),
]

MAY_NOT = [
    # loopback and private hosts
    sent(LOCAL, EVIL, "cross-site"),
    sent(LOCAL, EVIL),
    sent("localhost:8000", EVIL),
    sent("[::1]:8000", EVIL),
    sent("0.0.0.0:8000", EVIL),
    sent("app.localhost", EVIL),
    sent("192.168.0.5:7860", EVIL),
    sent("10.1.2.3", "http://evil.example"),
    sent("100.101.102.103", EVIL),
    sent("[fd00::1]:8000", EVIL),
    sent("[::ffff:192.168.0.5]:8000", EVIL),
    sent("raspberrypi:7860", EVIL),
    sent("nas.local:7860", "http://tv.local"),
    sent("192.168.0.5:7860", "http://192.168.0.66"),
    sent(LOCAL, "http://192.168.0.66"),
    sent(LOCAL, "http://localhost.evil.example:8000"),
    sent(LOCAL, "http://127.0.0.1.evil.example"),
    sent(LOCAL, "null"),
    sent(LOCAL, "null", "cross-site"),
    sent(LOCAL, None, "cross-site"),
    sent(LOCAL, "https://"),
    sent(LOCAL, "https://127.0.0.1:8000@evil.example"),
    sent(None, EVIL),
    sent(LOCAL, EVIL, "no-such-word"),
    # what goes by credentials
    sent(PUBLIC, EVIL, "cross-site", **COOKIE),
    sent(PUBLIC, EVIL, **COOKIE),
    sent(PUBLIC, EVIL, **TOKEN),
    sent(PUBLIC, EVIL, **BASIC),
    sent(PUBLIC, "null", **COOKIE),
    sent(PUBLIC, "https://voice.example.org.evil.example", **COOKIE),
    sent(PUBLIC, "https://evilexample.org", **COOKIE),
    sent(LOCAL, EVIL, **forwarded(PUBLIC), **COOKIE),
    # other owners below a shared domain
    sent("voice.co.uk", "https://evil.co.uk", **COOKIE),
    sent("me-voice.hf.space", "https://evil.hf.space", **COOKIE),
    sent("a.ngrok-free.app", "https://b.ngrok-free.app", **COOKIE),
    sent("192.168.0.5", "http://localhost:5173", **COOKIE),
]


@pytest.mark.parametrize("headers", MAY, ids=str)
def test_let_in_without_a_setting(headers: Any) -> None:
    assert refuse_request(headers, DEFAULT) is None


@pytest.mark.parametrize("headers", MAY_NOT, ids=str)
def test_refused_without_a_setting(headers: Any) -> None:
    refused = refuse_request(headers, DEFAULT)
    assert refused is not None and refused[0] == "cross_site"
    assert refuse_request(headers, ALL) is None


@pytest.mark.parametrize(
    ("policy", "cors", "headers", "let_in"),
    [
        (LISTED, None, sent(LOCAL, "https://app.example.net", "cross-site"), True),
        (LISTED, None, sent(PUBLIC, "https://app.example.net", **COOKIE), True),
        (LISTED, None, sent(LOCAL, "HTTPS://APP.example.net:443"), True),
        (LISTED, None, sent(PUBLIC, "https://app.example.net:8443"), False),
        (LISTED, None, sent(PUBLIC, "http://app.example.net"), False),
        (LISTED, None, sent(PUBLIC, EVIL), False),
        (LISTED, None, sent(PUBLIC, "https://app.example.org", "same-site"), False),
        (LISTED, None, sent(LOCAL, "http://localhost:5173", "cross-site"), False),
        (LISTED, None, sent(LOCAL, None, "cross-site"), False),
        (LISTED, None, sent(LOCAL, "null"), False),
        (LISTED, None, sent(PUBLIC, OURS, **COOKIE), True),
        (LISTED, None, sent(LOCAL, OURS, "same-origin", **COOKIE), True),
        (LISTED, None, sent(PUBLIC, None), True),
        (LISTED, GRANT, sent(PUBLIC, EVIL), False),
        (SitePolicy(origins=["null"]), None, sent(LOCAL, "null"), True),
        (SitePolicy(origins=[]), None, sent(PUBLIC, EVIL), False),
        (DEFAULT, BARE, sent(LOCAL, EVIL, "cross-site"), True),
        (DEFAULT, BARE, sent(LOCAL, EVIL, **COOKIE), False),
        (DEFAULT, BARE, sent(PUBLIC, EVIL, **TOKEN), False),
        (DEFAULT, BEARER, sent(PUBLIC, EVIL, **TOKEN), True),
        (DEFAULT, BEARER, sent(PUBLIC, EVIL, **BASIC), False),
        (DEFAULT, BEARER, sent(PUBLIC, EVIL, **TOKEN, **COOKIE), False),
        (DEFAULT, GRANT, sent(LOCAL, EVIL, **COOKIE, **BASIC), True),
    ],
    ids=str,
)
def test_with_settings(policy: Any, cors: Any, headers: Any, let_in: bool) -> None:
    assert (refuse_request(headers, policy, cors) is None) is let_in


NAMED = SitePolicy(hosts=["voice.example.org", "*.example.net"])
MACHINE = SitePolicy(local=True, machine={"laptop", "laptop.local", "abc.gradio.live"})


@pytest.mark.parametrize(
    ("policy", "headers", "own"),
    [
        (DEFAULT, sent("evil.example", None), True),
        (NAMED, sent("voice.example.org", None), True),
        (NAMED, sent("Voice.Example.org:8443", None), True),
        (NAMED, sent("a.example.net", None), True),
        (NAMED, sent("example.net", None), False),
        (NAMED, sent("evilexample.net", None), False),
        (NAMED, sent("evil.example", None), False),
        (NAMED, sent("localhost", None), False),
        (NAMED, sent(None, None), False),
        (NAMED, sent("evil.example", None, **forwarded("voice.example.org")), False),
        (SitePolicy(hosts=["*"]), sent("evil.example", None), True),
        (MACHINE, sent("localhost:7860", None), True),
        (MACHINE, sent("127.0.0.1:7860", None), True),
        (MACHINE, sent("[::1]:7860", None), True),
        (MACHINE, sent("LAPTOP:7860", None), True),
        (MACHINE, sent("laptop.local:7860", None), True),
        (MACHINE, sent("abc.gradio.live", None), True),
        (MACHINE, sent("evil.example:7860", None), False),
        (MACHINE, sent("evil.example:7860", "http://evil.example:7860"), False),
        (MACHINE, sent("evil.example:7860", "http://evil.example:7860", "same-origin"), False),
        (MACHINE, sent("evil.example", None, **forwarded("localhost")), False),
        (MACHINE, sent("localhost.evil.example", None), False),
        (MACHINE, sent(None, None), False),
        # through a tunnel of the user's own, which has a certificate for the name
        (MACHINE, sent("mine.ngrok.app", "https://mine.ngrok.app"), True),
        (MACHINE, sent("mine.ngrok.app", None, "none"), True),
        (MACHINE, sent("mine.ngrok.app", "https://evil.example"), False),
        (
            SitePolicy(local=True, hosts=["voice.example.org"]),
            sent("voice.example.org", None),
            True,
        ),
    ],
    ids=lambda value: "policy" if isinstance(value, SitePolicy) else str(value),
)
def test_names_of_the_server(policy: SitePolicy, headers: Any, own: bool) -> None:
    assert is_own_host(headers, policy) is own
    refused = refuse_request(headers, policy)
    assert own or (refused is not None and refused[0] == "unknown_host")


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        ("https://app.example.org", True),
        ("http://localhost:3000", True),
        ("http://[::1]:3000", True),
        ("capacitor://localhost", True),
        ("null", True),
        ("*", True),
        ("app.example.org", False),
        ("https://app.example.org/", False),
        ("https://*.example.org", False),
        ("https://app.example.org:99999", False),
        ("", False),
    ],
)
def test_origins(value: str, is_one: bool) -> None:
    assert is_origin(value) is is_one


def test_a_reason_says_who_was_refused_and_what_would_let_them_in() -> None:
    assert refuse_request(sent(LOCAL, EVIL), DEFAULT) == (
        "cross_site",
        "Pages of 'https://evil.example' may not do this (see allowed_origins)",
    )
    assert refuse_request(sent("evil.example", None), NAMED) == (
        "unknown_host",
        "This server is not called 'evil.example' (see allowed_hosts)",
    )


# What strangers may write into headers

LABELS = st.lists(
    st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1), min_size=1, max_size=4
)
NAMES = ("host", "origin", "sec-fetch-site", "cookie", "authorization", "x-forwarded-host")
HEADERS = st.dictionaries(st.sampled_from([*NAMES, "forwarded"]), st.text())


@given(HEADERS)
def test_no_header_is_an_error(headers: dict[str, str]) -> None:
    for policy in (DEFAULT, LISTED, ALL, NAMED, MACHINE):
        refuse_request(headers, policy)
        refuse_request(headers, policy, BEARER)


@given(LABELS, st.sampled_from(["http", "https"]), st.sampled_from([None, "cross-site", "?"]))
def test_no_name_below_another_site_is_local(
    labels: list[str], scheme: str, site: str | None
) -> None:
    origin = f"{scheme}://{'.'.join(labels)}.evil.example"
    for host in (LOCAL, "localhost:8000", "192.168.0.5"):
        assert refuse_request(sent(host, origin, site), DEFAULT) is not None
    assert not is_own_host(
        sent(origin.partition("//")[2], origin.replace("https", "http")), MACHINE
    )
