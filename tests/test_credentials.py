"""TURN credentials of services, each of which has a stand-in over HTTP."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient

import fastrtc
from fastrtc.core.errors import FastRTCError
from fastrtc.credentials import (
    CachedTurnCredentials,
    CredentialsMissing,
    MalformedAnswer,
    PackageMissing,
    ServiceRefused,
    ServiceUnreachable,
    get_cloudflare_turn_credentials,
    get_cloudflare_turn_credentials_async,
    get_coturn_credentials,
    get_hf_turn_credentials,
    get_hf_turn_credentials_async,
    get_turn_credentials,
    get_turn_credentials_async,
    get_twilio_turn_credentials,
    get_twilio_turn_credentials_async,
)
from fastrtc.transport.webrtc.configuration import resolve_configuration, to_aiortc_configuration
from tests.support.http_service import Service, http_service
from tests.support.peers import eventually
from tests.support.ports import free_port

ANSWER = {
    "iceServers": [
        {"urls": ["stun:stun.example.org:3478"]},
        {"urls": ["turn:turn.example.org:3478?transport=udp"], "username": "u", "credential": "c"},
    ]
}
VARIABLES = (
    *("HF_TOKEN", "CLOUDFLARE_TURN_KEY_ID", "CLOUDFLARE_TURN_KEY_API_TOKEN"),
    *("TURN_KEY_ID", "TURN_KEY_API_TOKEN", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"),
)
OF_HF = "is deprecated: use get_cloudflare_turn_credentials"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def service() -> Iterator[Service]:
    with http_service() as started:
        started.answers(200, ANSWER)
        yield started


class Redirected(TwilioHttpClient):
    """Sends to the stand-in what is meant for Twilio."""

    def __init__(self, service: Service, timeout: float | None = None) -> None:
        super().__init__(pool_connections=False, timeout=timeout)
        self.service = service

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        return super().request(method, redirected(url, self.service), *args, **kwargs)


def redirected(url: str, service: Service) -> str:
    assert url.startswith("https://api.twilio.com/")
    return urlunsplit((*urlsplit(service.url)[:2], *urlsplit(url)[2:]))


# --- the services alike: sync and async, as a program calls them ----------------------------------


def hf(service: Service, **kwargs: Any) -> dict[str, Any]:
    with pytest.warns(UserWarning, match=OF_HF):
        return get_hf_turn_credentials("token", url=service.url, **kwargs)


def hf_async(service: Service, **kwargs: Any) -> dict[str, Any]:
    with pytest.warns(UserWarning, match=OF_HF):
        return asyncio.run(get_hf_turn_credentials_async("token", url=service.url, **kwargs))


def through_hf(service: Service, **kwargs: Any) -> dict[str, Any]:
    return get_cloudflare_turn_credentials(hf_token="token", hf_url=service.url, **kwargs)


def through_hf_async(service: Service, **kwargs: Any) -> dict[str, Any]:
    return asyncio.run(
        get_cloudflare_turn_credentials_async(hf_token="token", hf_url=service.url, **kwargs)
    )


def cloudflare(service: Service, **kwargs: Any) -> dict[str, Any]:
    return get_cloudflare_turn_credentials("id", "token", cloudflare_url=service.url, **kwargs)


def cloudflare_async(service: Service, **kwargs: Any) -> dict[str, Any]:
    return asyncio.run(
        get_cloudflare_turn_credentials_async("id", "token", cloudflare_url=service.url, **kwargs)
    )


def twilio(service: Service, **kwargs: Any) -> dict[str, Any]:
    client = Redirected(service, timeout=kwargs.get("timeout"))
    return get_twilio_turn_credentials("sid", "token", http_client=client, **kwargs)


def twilio_async(service: Service, **kwargs: Any) -> dict[str, Any]:
    client = Redirected(service, timeout=kwargs.get("timeout"))
    return asyncio.run(
        get_twilio_turn_credentials_async("sid", "token", http_client=client, **kwargs)
    )


Ask = Callable[..., dict[str, Any]]
OVER_HTTP = [hf, hf_async, through_hf, through_hf_async, cloudflare, cloudflare_async]
OF_TWILIO = [twilio, twilio_async]
ALL = [*OVER_HTTP, *OF_TWILIO]


def name(ask: Ask) -> str:
    return ask.__name__


def twilio_answer(**changes: Any) -> dict[str, Any]:
    # the fields of https://www.twilio.com/docs/stun-turn/api
    return {
        "username": "u",
        "password": "c",
        "ttl": "86400",
        "date_created": "Fri, 20 Nov 2026 10:00:00 +0000",
        "date_updated": "Fri, 20 Nov 2026 10:00:00 +0000",
        "account_sid": "sid",
        "ice_servers": ANSWER["iceServers"],
        **changes,
    }


@pytest.mark.parametrize("ask", [hf, hf_async, through_hf, through_hf_async], ids=name)
def test_what_hugging_face_is_asked(service: Service, ask: Ask) -> None:
    assert ask(service, ttl=70) == ANSWER
    (request,) = service.received
    assert (request.method, request.path) == ("GET", "/?ttl=70")
    assert request.headers["authorization"] == "Bearer token"


@pytest.mark.parametrize("ask", [cloudflare, cloudflare_async], ids=name)
def test_what_cloudflare_is_asked(service: Service, ask: Ask) -> None:
    service.answers(201, ANSWER)
    assert ask(service) == ANSWER
    (request,) = service.received
    assert request.method == "POST"
    assert request.path == "/id/credentials/generate-ice-servers"
    assert request.headers["authorization"] == "Bearer token"
    assert json.loads(request.body) == {"ttl": 600}


@pytest.mark.parametrize("ask", OF_TWILIO, ids=name)
@pytest.mark.parametrize(("ttl", "body"), [(None, ""), (90, "Ttl=90")])
def test_what_twilio_is_asked(service: Service, ask: Ask, ttl: int | None, body: str) -> None:
    service.answers(201, twilio_answer())
    assert ask(service, ttl=ttl) == {**ANSWER, "iceTransportPolicy": "relay"}
    (request,) = service.received
    assert (request.method, request.body) == ("POST", body)
    assert request.path == "/2010-04-01/Accounts/sid/Tokens.json"
    login = base64.b64encode(b"sid:token").decode()
    assert request.headers["authorization"] == f"Basic {login}"


@pytest.mark.parametrize("ask", OVER_HTTP, ids=name)
def test_one_server_alone_stays_as_it_is(service: Service, ask: Ask) -> None:
    alone = {"iceServers": ANSWER["iceServers"][1]}
    service.answers(200, alone)
    assert ask(service) == alone
    assert to_aiortc_configuration(alone).iceServers[0].username == "u"
    listed = asyncio.run(resolve_configuration(lambda: alone))
    assert listed == {"iceServers": [ANSWER["iceServers"][1]]}  # for browsers


@pytest.mark.parametrize("ask", OVER_HTTP, ids=name)
def test_a_refusal(service: Service, ask: Ask) -> None:
    service.answers(401, {"error": "the token is unknown"})
    with pytest.raises(ServiceRefused, match=r"401 Unauthorized: .*the token is unknown") as caught:
        ask(service)
    assert (caught.value.status, json.loads(caught.value.answer)["error"][:3]) == (401, "the")
    assert isinstance(caught.value, FastRTCError)
    assert "Bearer" not in str(caught.value)


@pytest.mark.parametrize("ask", OVER_HTTP, ids=name)
def test_a_redirection_does_not_take_the_token_elsewhere(service: Service, ask: Ask) -> None:
    service.answers(302, "")
    with pytest.raises(ServiceRefused, match="302 Found"):
        ask(service)


@pytest.mark.parametrize("ask", OF_TWILIO, ids=name)
def test_a_refusal_of_twilio(service: Service, ask: Ask) -> None:
    service.answers(401, {"code": 20003, "message": "Authenticate", "status": 401})
    with pytest.raises(TwilioRestException, match="Authenticate") as caught:
        ask(service)
    assert (caught.value.status, caught.value.code) == (401, 20003)


MALFORMED = {
    "no JSON": ("<html>sorry</html>", "without JSON"),
    "nothing": ("", "without JSON"),
    "a list": ([], "list instead of an object"),
    "null": ("null", "NoneType instead of an object"),
    "empty": ({}, "without iceServers"),
    "no server": ({"iceServers": []}, "without iceServers"),
    "no urls": ({"iceServers": [{"credential": "hidden"}]}, "without urls"),
    "a text": ({"iceServers": "turn:a"}, "without urls"),
}


@pytest.mark.parametrize("ask", OVER_HTTP, ids=name)
@pytest.mark.parametrize("answer", MALFORMED)
def test_a_malformed_answer(service: Service, ask: Ask, answer: str) -> None:
    body, wrong = MALFORMED[answer]
    service.answers(200, body)
    with pytest.raises(MalformedAnswer, match=wrong) as caught:
        ask(service)
    assert isinstance(caught.value, ValueError)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("ask", OF_TWILIO, ids=name)
@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ("<html>", "without a JSON object"),
        ([], "without a JSON object"),
        ({}, "without iceServers"),
        (twilio_answer(ice_servers=[]), "without iceServers"),
        (twilio_answer(ice_servers=[{"credential": "hidden"}]), "without urls"),
    ],
    ids=["no JSON", "a list", "empty", "no server", "no urls"],
)
def test_a_malformed_answer_of_twilio(service: Service, ask: Ask, body: Any, wrong: str) -> None:
    service.answers(201, body)
    with pytest.raises(MalformedAnswer, match=f"Twilio responded .*{wrong}") as caught:
        ask(service)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("ask", ALL, ids=name)
def test_no_answer_in_time(service: Service, ask: Ask) -> None:
    service.silent = True
    with pytest.raises(ServiceUnreachable, match=r"no answer within 0\.2 s") as caught:
        ask(service, timeout=0.2)
    assert isinstance(caught.value, httpx.TransportError)
    assert caught.value.__suppress_context__  # httpx has nothing to add in its 60 lines
    assert len(service.received) == 1


@pytest.mark.parametrize("ask", ALL, ids=name)
def test_nobody_is_there(ask: Ask) -> None:
    with pytest.raises(ServiceUnreachable, match="cannot be reached for TURN") as caught:
        ask(Service(f"http://127.0.0.1:{free_port()}"))
    assert caught.value.__suppress_context__


def test_an_address_that_is_none() -> None:
    with pytest.raises(ServiceUnreachable, match="cannot be reached"):
        get_cloudflare_turn_credentials(hf_token="t", hf_url="http://[")


@pytest.mark.parametrize("token", ["a b", "a\nb", "tökén"])
def test_a_token_that_is_none_is_not_shown(token: str) -> None:
    with pytest.raises(CredentialsMissing, match="invalid characters") as caught:
        get_cloudflare_turn_credentials(hf_token=token)
    assert token not in str(caught.value)


# --- who is asked ---------------------------------------------------------------------------------

HF = {"HF_TOKEN": "of-hf"}
KEY = {"CLOUDFLARE_TURN_KEY_ID": "id", "CLOUDFLARE_TURN_KEY_API_TOKEN": "of-key"}
OLD_KEY = {"TURN_KEY_ID": "old", "TURN_KEY_API_TOKEN": "of-old"}


@pytest.mark.parametrize(
    ("arguments", "variables", "token"),
    [
        ({"hf_token": "arg"}, {}, "arg"),
        ({"hf_token": "arg\n"}, {}, "arg"),  # as it comes from a file
        ({"hf_token": "arg", "turn_key_id": "i", "turn_key_api_token": "key"}, HF | KEY, "arg"),
        ({"turn_key_id": "i", "turn_key_api_token": "key"}, {}, "key"),
        ({"turn_key_id": "i", "turn_key_api_token": "key"}, HF, "key"),
        ({"turn_key_id": "i"}, KEY | {"HF_TOKEN": "hf"}, "of-key"),
        ({"turn_key_id": "i"}, {"HF_TOKEN": "hf"}, "hf"),
        ({}, {"HF_TOKEN": "hf"}, "hf"),
        ({}, KEY | {"HF_TOKEN": "hf"}, "hf"),
        ({}, KEY | {"HF_TOKEN": ""}, "of-key"),
        ({}, KEY, "of-key"),
        ({}, OLD_KEY, "of-old"),
        ({}, KEY | OLD_KEY, "of-key"),
        ({"hf_token": "", "turn_key_id": ""}, KEY, "of-key"),
    ],
)
async def test_the_order(
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    arguments: dict[str, str],
    variables: dict[str, str],
    token: str,
) -> None:
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    addresses = {"hf_url": service.url, "cloudflare_url": service.url}
    await asyncio.to_thread(get_cloudflare_turn_credentials, **arguments, **addresses)
    await get_cloudflare_turn_credentials_async(**arguments, **addresses)
    asked = [request.headers["authorization"] for request in service.received]
    assert asked == [f"Bearer {token}"] * 2
    by_key = "key" in token or "old" in token
    assert {request.method for request in service.received} == {"POST" if by_key else "GET"}


def test_an_id_is_quoted(service: Service) -> None:
    get_cloudflare_turn_credentials("a/../b", "token", cloudflare_url=service.url)
    assert service.received[0].path == "/a%2F..%2Fb/credentials/generate-ice-servers"


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        ({}, "HF_TOKEN.*CLOUDFLARE_TURN_KEY_ID and CLOUDFLARE_TURN_KEY_API_TOKEN"),
        ({"turn_key_id": "id"}, "pass turn_key_api_token, or set CLOUDFLARE_TURN_KEY_API_TOKEN"),
        ({"turn_key_api_token": "t"}, "pass turn_key_id, or set CLOUDFLARE_TURN_KEY_ID"),
    ],
    ids=["all", "the token", "the key"],
)
async def test_nothing_to_identify_oneself_with(arguments: dict[str, str], missing: str) -> None:
    with pytest.raises(CredentialsMissing, match=missing) as caught:
        get_cloudflare_turn_credentials(**arguments)
    assert isinstance(caught.value, ValueError)
    with pytest.raises(ValueError, match=missing):
        await get_cloudflare_turn_credentials_async(**arguments)


async def test_no_token_for_hugging_face(service: Service, monkeypatch) -> None:
    with pytest.warns(UserWarning, match=OF_HF), pytest.raises(ValueError, match="HF_TOKEN"):
        get_hf_turn_credentials()
    with pytest.warns(UserWarning, match=OF_HF), pytest.raises(ValueError, match="HF_TOKEN"):
        await get_hf_turn_credentials_async()
    monkeypatch.setenv("HF_TOKEN", "of-hf")
    with pytest.warns(UserWarning, match=OF_HF):
        await get_hf_turn_credentials_async(url=service.url)
    assert service.received[0].headers["authorization"] == "Bearer of-hf"


async def test_no_account_at_twilio(monkeypatch) -> None:
    both = r"twilio_sid \(or set TWILIO_ACCOUNT_SID\) and twilio_token \(or set TWILIO_AUTH_TOKEN\)"
    with pytest.raises(CredentialsMissing, match=both):
        get_twilio_turn_credentials()
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "sid")
    with pytest.raises(ValueError, match=r"need twilio_token \(or"):
        await get_twilio_turn_credentials_async()


def test_the_account_at_twilio_from_the_environment(service: Service, monkeypatch) -> None:
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "from")
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "there")
    service.answers(201, twilio_answer())
    get_turn_credentials("twilio", http_client=Redirected(service))
    login = base64.b64encode(b"from:there").decode()
    assert service.received[0].headers["authorization"] == f"Basic {login}"


async def test_twilio_is_not_installed(monkeypatch) -> None:
    for module in [name for name in sys.modules if name.split(".")[0] == "twilio"]:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(PackageMissing, match=r'pip install "fastrtc\[phone\]"') as caught:
        get_twilio_turn_credentials("sid", "token")
    assert isinstance(caught.value, ImportError)
    with pytest.raises(ImportError, match="pip install"):
        await get_twilio_turn_credentials_async("sid", "token")


async def test_a_client_made_for_one_call_is_closed(service: Service, monkeypatch) -> None:
    """An open connection would warn of it, which is an error here."""
    service.answers(201, twilio_answer())
    request = TwilioHttpClient.request

    def redirected_request(self: Any, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        assert self.timeout == 5
        return request(self, method, redirected(url, service), *args, **kwargs)

    monkeypatch.setattr(TwilioHttpClient, "request", redirected_request)
    await get_twilio_turn_credentials_async("sid", "token", timeout=5)
    assert len(service.received) == 1


# --- clients, loops -------------------------------------------------------------------------------


async def test_a_client_is_used_again_and_stays_open(service: Service) -> None:
    async with httpx.AsyncClient(headers={"X-Program": "mine"}) as client:
        for _ in range(3):
            await get_cloudflare_turn_credentials_async(
                hf_token="t", client=client, hf_url=service.url
            )
        await get_turn_credentials_async(
            "cloudflare",
            turn_key_id="id",
            turn_key_api_token="t",
            client=client,
            cloudflare_url=service.url,
        )
        assert not client.is_closed
    assert service.connections == 1
    assert {request.headers["x-program"] for request in service.received} == {"mine"}


async def test_the_loop_goes_on_while_a_sync_one_is_asked(service: Service) -> None:
    service.silent = True
    asking = asyncio.ensure_future(
        resolve_configuration(
            lambda: get_cloudflare_turn_credentials(hf_token="t", hf_url=service.url, timeout=20)
        )
    )
    await eventually(lambda: service.received)
    assert not asking.done()
    service.over.set()  # it hangs up
    with pytest.raises(ServiceUnreachable):
        await asking


# --- get_turn_credentials -------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [{}, {"method": "cloudflare"}])
async def test_cloudflare_by_its_name(service: Service, arguments: dict[str, Any]) -> None:
    arguments |= {"hf_token": "t", "hf_url": service.url, "ttl": 5}
    assert await asyncio.to_thread(get_turn_credentials, **arguments) == ANSWER
    assert await get_turn_credentials_async(**arguments) == ANSWER
    assert [request.path for request in service.received] == ["/?ttl=5"] * 2


async def test_hf_by_its_name(service: Service) -> None:
    with pytest.warns(UserWarning, match=OF_HF):
        assert await get_turn_credentials_async("hf", token="t", url=service.url) == ANSWER
    with pytest.warns(UserWarning, match=OF_HF):
        assert get_turn_credentials("hf", token="t", url=service.url) == ANSWER


async def test_twilio_by_its_name(service: Service) -> None:
    service.answers(201, twilio_answer())
    answer = await get_turn_credentials_async(
        "twilio", twilio_sid="s", twilio_token="t", http_client=Redirected(service)
    )
    assert answer["iceTransportPolicy"] == "relay"


@pytest.mark.parametrize("method", ["coturn", "", None])
async def test_another_method(method: Any) -> None:
    with pytest.raises(ValueError, match="method must be 'cloudflare', 'twilio' or 'hf'"):
        get_turn_credentials(method)
    with pytest.raises(ValueError, match="method must be"):
        await get_turn_credentials_async(method)


# --- get_coturn_credentials -----------------------------------------------------------------------


@pytest.mark.parametrize(("user", "ending"), [("", ""), ("anna", ":anna")])
def test_the_time_limited_scheme(monkeypatch, user: str, ending: str) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_800_000_000.9)
    made = get_coturn_credentials("north", "turn:turn.example.org", ttl=60, user=user)
    (server,) = made["iceServers"]
    assert server["urls"] == ["turn:turn.example.org"]
    assert server["username"] == f"1800000060{ending}"
    digest = hmac.digest(b"north", server["username"].encode(), hashlib.sha1)
    assert server["credential"] == base64.b64encode(digest).decode()
    to_aiortc_configuration(made)


def test_what_another_program_makes_of_it(monkeypatch) -> None:
    # printf 1433895918:user | openssl dgst -sha1 -hmac north -binary | base64
    monkeypatch.setattr(time, "time", lambda: 1433895318.0)
    made = get_coturn_credentials("north", ["turn:a", "turns:b"], user="user")
    (server,) = made["iceServers"]
    assert server["urls"] == ["turn:a", "turns:b"]
    assert server["username"] == "1433895918:user"
    assert server["credential"] == "/gk4t5tUc08OpM3NjrVjHSFVNmY="


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (("", "turn:a"), "static-auth-secret, which is empty"),
        (("s", "turn:a", 0), "ttl must be positive"),
        (("s", "stun:a"), "TURN server addresses"),
        (("s", []), "TURN server addresses"),
    ],
)
def test_what_coturn_credentials_cannot_be_made_of(arguments: Any, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        get_coturn_credentials(*arguments)


# --- CachedTurnCredentials ------------------------------------------------------------------------


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def cached(service: Service, clock: Clock, **kwargs: Any) -> CachedTurnCredentials:
    return CachedTurnCredentials(
        clock=clock, hf_token="t", hf_url=service.url, **{"ttl": 100, **kwargs}
    )


def test_they_are_renewed_when_half_their_time_is_over(service: Service) -> None:
    clock = Clock()
    credentials = cached(service, clock)
    for clock.now, asked in [(0, 1), (1, 1), (49, 1), (50, 2), (99, 2), (100, 3)]:
        assert credentials() == ANSWER
        assert len(service.received) == asked, clock.now
    assert service.received[0].path == "/?ttl=100"


def test_each_gets_a_copy(service: Service) -> None:
    credentials = cached(service, Clock())
    credentials()["iceServers"].clear()
    assert credentials() == ANSWER


def test_the_old_ones_serve_while_there_are_no_new_ones(service: Service, caplog) -> None:
    clock = Clock()
    credentials = cached(service, clock)
    credentials()
    service.answers(503, "busy")
    with caplog.at_level(logging.WARNING, "fastrtc.credentials.cache"):
        # asked at 0, 50, and 30 s later: 80
        for clock.now, asked in [(50, 2), (79, 2), (80, 3), (99, 3)]:
            assert credentials() == ANSWER
            assert len(service.received) == asked, clock.now
    assert "another 50 s, were not renewed: Hugging Face refused TURN credentials" in caplog.text
    for clock.now, asked in [(100, 4), (102, 4), (103, 5)]:
        with pytest.raises(ServiceRefused, match="busy"):
            credentials()
        assert len(service.received) == asked, clock.now
    service.answers(200, ANSWER)
    clock.now = 106
    assert credentials() == ANSWER


async def test_many_connections_ask_once(service: Service) -> None:
    credentials = cached(service, Clock())
    given = await asyncio.gather(*(resolve_configuration(credentials) for _ in range(10)))
    assert given == [ANSWER] * 10
    assert len(service.received) == 1


async def test_a_failure_is_for_all_that_waited_for_it(service: Service) -> None:
    service.silent = True
    clock = Clock()
    credentials = cached(service, clock, timeout=30)
    waiting = [asyncio.ensure_future(resolve_configuration(credentials)) for _ in range(10)]
    await eventually(lambda: service.received)
    clock.now = 20  # it took so long to fail
    service.over.set()  # it hangs up
    errors = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(error) for error in errors} == {ServiceUnreachable}
    assert len(service.received) == 1
    service.silent = False
    with pytest.raises(ServiceUnreachable):  # for a short time
        credentials()
    clock.now = 23
    assert credentials() == ANSWER


def test_a_failure_that_is_raised_often_does_not_grow(service: Service) -> None:
    service.answers(503, "busy")
    credentials = cached(service, Clock())
    depths = []
    for _ in range(5):
        with pytest.raises(ServiceRefused) as caught:
            credentials()
        depths.append(len(caught.traceback))
    assert depths[1:] == [depths[1]] * 4
    assert len(service.received) == 1


def test_it_belongs_to_no_loop(service: Service) -> None:
    credentials = cached(service, Clock())
    results: list[Any] = []
    threads = [
        threading.Thread(
            target=lambda: results.append(asyncio.run(resolve_configuration(credentials)))
        )
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [ANSWER] * 3
    assert len(service.received) == 1


def test_a_time_that_is_none() -> None:
    with pytest.raises(ValueError, match="ttl must be positive"):
        CachedTurnCredentials(ttl=0)


# --- names ----------------------------------------------------------------------------------------


def test_the_public_names() -> None:
    from fastrtc import credentials

    exported = {name for name in credentials.__all__ if name.startswith("get_")}
    assert exported <= set(fastrtc.__all__)
    assert fastrtc.CachedTurnCredentials is CachedTurnCredentials
