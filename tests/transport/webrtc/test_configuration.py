from __future__ import annotations

import asyncio
import functools
import sys
import threading
from contextvars import ContextVar

import pytest
from aiortc import RTCConfiguration, RTCIceServer

from fastrtc.transport.webrtc.configuration import (
    GIVEN_TIMEOUT_S,
    resolve_configuration,
    to_aiortc_configuration,
)
from tests.support.virtual_time import virtual_time

STUN = {"iceServers": [{"urls": "stun:stun.example.org:3478"}]}
TURN = {
    "urls": ["turn:turn.example.org:3478?transport=udp", "turns:turn.example.org"],
    "username": "user",
    "credential": "secret",
}

# --- resolve_configuration -----------------------------------------------------------------------


def give():
    return STUN


async def give_async():
    return STUN


def give_of(configuration):
    return configuration


async def give_async_of(configuration):
    return configuration


class Giver:
    def __call__(self):
        return STUN

    async def later(self):
        return STUN

    @classmethod
    def by_class(cls):
        return STUN

    @staticmethod
    async def static():
        return STUN


@functools.wraps(give_async)
def decorated(*args, **kwargs):
    return give_async(*args, **kwargs)


class AsyncGiver:
    async def __call__(self):
        return STUN


@pytest.mark.parametrize(
    "configuration",
    [
        STUN,
        give,
        give_async,
        functools.partial(give_of, STUN),
        functools.partial(give_async_of, STUN),
        functools.partial(functools.partial(give_async_of), STUN),
        Giver(),
        Giver().later,
        Giver.by_class,
        Giver.static,
        decorated,
        AsyncGiver(),
        lambda: STUN,
        lambda: give_async(),
        functools.partial(AsyncGiver()),
    ],
    ids=[
        "dict", "sync", "async", "partial", "async partial", "partial of partial", "object",
        "method", "class method", "static method", "decorated", "async object",
        "lambda", "lambda of async", "partial of object",
    ],
)  # fmt: skip
async def test_a_configuration_or_what_gives_one(configuration):
    assert await resolve_configuration(configuration) == STUN


@pytest.mark.parametrize(
    "configuration", [None, lambda: None, functools.partial(give_async_of, None)]
)
async def test_none(configuration):
    assert await resolve_configuration(configuration) is None


async def test_it_is_asked_for_every_time():
    calls = iter(range(3))
    for k in range(3):
        assert await resolve_configuration(lambda: {"call": next(calls)}) == {"call": k}


async def test_it_is_a_copy():
    given = {"iceServers": []}
    resolved = await resolve_configuration(given)
    resolved["more"] = 1
    assert given == {"iceServers": []}


async def test_a_sync_function_does_not_hold_the_loop():
    threads = []
    await resolve_configuration(lambda: threads.append(threading.current_thread()))
    assert threads != [threading.current_thread()]


@pytest.mark.parametrize("given", [TURN, [TURN], (TURN,), [STUN, TURN], []])
async def test_one_server_becomes_a_list_for_browsers(given):
    servers = (await resolve_configuration({"iceServers": given}))["iceServers"]
    assert servers == ([given] if given is TURN else given)


async def test_functions_know_for_whom_they_are_called():
    of_connection: ContextVar[str] = ContextVar("of_connection")
    of_connection.set("mine")

    async def give_async():
        return {"for": of_connection.get()}

    assert await resolve_configuration(give_async) == {"for": "mine"}
    assert await resolve_configuration(lambda: {"for": of_connection.get()}) == {"for": "mine"}


@virtual_time
async def test_a_function_that_never_comes_to_an_end():
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(TimeoutError, match="did not finish within 30 s"):
        await resolve_configuration(asyncio.Event().wait)
    assert loop.time() - began == pytest.approx(GIVEN_TIMEOUT_S)


async def test_a_sync_function_that_never_comes_to_an_end(monkeypatch):
    monkeypatch.setattr("fastrtc.transport.webrtc.configuration.GIVEN_TIMEOUT_S", 0.1)
    ever = threading.Event()
    with pytest.raises(TimeoutError, match="did not finish within"):
        await resolve_configuration(ever.wait)
    ever.set()


async def test_a_function_that_ran_into_its_own_limit():
    async def give():
        raise TimeoutError("the server of credentials is slow")

    with pytest.raises(TimeoutError, match="is slow"):
        await resolve_configuration(give)


@pytest.mark.parametrize(
    ("configuration", "name"),
    [
        (5, "int"),
        ("stun:stun.example.org", "str"),
        ([STUN], "list"),
        (lambda: 5, "int"),
        (functools.partial(give_async_of, "text"), "str"),
        (lambda: [], "list"),
    ],
    ids=["number", "text", "list", "gives a number", "gives a text", "gives a list"],
)
async def test_anything_else_is_a_mistake(configuration, name):
    with pytest.raises(TypeError, match=f"rtc_configuration must be .* not {name}"):
        await resolve_configuration(configuration)


async def test_what_the_function_raises_comes_out():
    def fail():
        raise ConnectionError("the server of credentials is down")

    with pytest.raises(ConnectionError, match="is down"):
        await resolve_configuration(fail)


# --- to_aiortc_configuration ---------------------------------------------------------------------


def test_servers():
    servers = to_aiortc_configuration({"iceServers": [*STUN["iceServers"], TURN]}).iceServers
    assert [server.urls for server in servers] == ["stun:stun.example.org:3478", TURN["urls"]]
    assert (servers[0].username, servers[0].credential) == (None, None)
    assert (servers[1].username, servers[1].credential) == ("user", "secret")


def test_one_server_without_a_list():
    (server,) = to_aiortc_configuration({"iceServers": TURN}).iceServers
    assert server.urls == TURN["urls"]


def test_the_old_name_of_urls():
    (server,) = to_aiortc_configuration({"iceServers": [{"url": "stun:a"}]}).iceServers
    assert server.urls == "stun:a"


def test_lists_may_be_tuples():
    configuration = {"iceServers": ({"urls": ("stun:a", "stun:b")},)}
    (server,) = to_aiortc_configuration(configuration).iceServers
    assert server.urls == ["stun:a", "stun:b"]


def test_servers_of_aiortc():
    server = RTCIceServer("stun:a")
    assert to_aiortc_configuration({"iceServers": [server]}).iceServers == [server]


@pytest.mark.parametrize("configuration", [None, {}, {"iceServers": None}])
def test_without_servers_aiortc_chooses(configuration):
    assert to_aiortc_configuration(configuration).iceServers is None


def test_an_empty_list_is_no_server():
    assert to_aiortc_configuration({"iceServers": []}).iceServers == []


def test_a_configuration_of_aiortc_stays():
    configuration = RTCConfiguration(iceServers=[])
    assert to_aiortc_configuration(configuration) is configuration


@pytest.mark.parametrize(
    "policy", [{}, {"iceTransportPolicy": "all"}, {"iceTransportPolicy": None}]
)
def test_the_policy_is_all(policy):
    assert "RELAY" not in repr(to_aiortc_configuration({**STUN, **policy}))


def test_the_policy_relay():
    if not hasattr(RTCConfiguration(), "iceTransportPolicy"):
        pytest.skip("aiortc 1.15 has no relay policy")
    configuration = to_aiortc_configuration({"iceServers": [TURN], "iceTransportPolicy": "relay"})
    assert configuration.iceTransportPolicy.value == "relay"
    assert configuration.iceServers[0].username == "user"


def test_the_policy_relay_with_an_older_aiortc(monkeypatch):
    import aiortc.rtcconfiguration

    monkeypatch.delattr(aiortc.rtcconfiguration, "RTCIceTransportPolicy", raising=False)
    with pytest.raises(ValueError, match="needs aiortc 1.16 or newer"):
        to_aiortc_configuration({"iceServers": [TURN], "iceTransportPolicy": "relay"})
    assert sys.modules["aiortc.rtcconfiguration"] is aiortc.rtcconfiguration


def test_what_else_browsers_know_is_let_pass():
    to_aiortc_configuration({**STUN, "bundlePolicy": "max-bundle", "iceCandidatePoolSize": 2})


@pytest.mark.parametrize(
    ("configuration", "what"),
    [
        (5, "must be a dict or None, not int"),
        ("stun:a", "must be a dict or None, not str"),
        ([TURN], "must be a dict or None, not list"),
        ([], "must be a dict or None, not list"),
        ({"iceTransportPolicy": "public"}, "iceTransportPolicy must be 'all' or 'relay'"),
        ({"iceTransportPolicy": ["relay"]}, "iceTransportPolicy must be 'all' or 'relay'"),
        ({"iceServers": "stun:a"}, "iceServers must be a list, not str"),
        ({"iceServers": 5}, "iceServers must be a list, not int"),
        ({"iceServers": ["stun:a"]}, "must be a dict with urls: not str"),
        ({"iceServers": [None]}, "must be a dict with urls: not NoneType"),
        ({"iceServers": [{}]}, "must be a dict with urls"),
        ({"iceServers": {}}, "must be a dict with urls"),
        ({"iceServers": [{"urls": None}]}, "must be a dict with urls"),
        ({"iceServers": [{"urls": []}]}, "must be a dict with urls"),
        ({"iceServers": [{"urls": 5}]}, "must be a dict with urls"),
        ({"iceServers": [{"urls": "http://a"}]}, "not a STUN or TURN URL: 'http://a'"),
        ({"iceServers": [{"urls": "stun:"}]}, "not a STUN or TURN URL"),
        ({"iceServers": [{"urls": ["stun:a", ""]}]}, "not a STUN or TURN URL: ''"),
        ({"iceServers": [{"urls": ["stun:a", 5]}]}, "not a STUN or TURN URL: 5"),
        ({"iceServers": [{"urls": [b"stun:a"]}]}, "not a STUN or TURN URL"),
        ({"iceServers": [{"urls": ["stun:a", None]}]}, "not a STUN or TURN URL"),
        ({"iceServers": [{"urls": "stun:a?transport=udp"}]}, "not a STUN or TURN URL"),
        ({"iceServers": [{**TURN, "username": 5}]}, "username .* must be a string"),
        ({"iceServers": [{**TURN, "credential": b"x"}]}, "credential .* must be a string"),
    ],
    ids=str,
)
def test_malformed_configurations_are_said(configuration, what):
    with pytest.raises(ValueError, match=what):
        to_aiortc_configuration(configuration)


def test_messages_hold_no_secrets():
    with pytest.raises(ValueError) as caught:
        to_aiortc_configuration({"iceServers": [{"credential": "secret"}]})
    assert "secret" not in str(caught.value)
