"""Marks for the needs of a test: `pages`, `peers`, `slow`, or `fast` for none of them.

A test gets them by its folder, and by the functions that it, its fixtures and its helpers in
`tests`
call: a test that calls `Client` has a real peer, one that calls `subprocess` starts a program. No
    mark is written by hand, and `pytest -m fast` runs all tests that need only Python.
"""

import functools
import inspect
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

__all__ = ["PAGES", "PEERS", "is_of_a_page"]

PAGES = ("tests/browser/", "tests/demos/", "tests/gradio/", "tests/packages/")
PAGES_CLASS = "TestPages"
WITHOUT_PAGES = (
    "tests/demos/stand_ins/",
    "tests/demos/test_keyed_replies.py",
    "tests/demos/test_modes.py",
    "tests/packages/test_builds.py",
    "tests/packages/test_node.py",
)
PEERS = (
    "tests/abuse/",
    "tests/client/test_client.py",
    "tests/client/test_web_socket.py",
    "tests/client/test_webrtc.py",
    "tests/faults/",
    "tests/network/",
    "tests/protocols/rtvi/test_clients.py",
    "tests/protocols/test_cluster.py",
    "tests/protocols/whip/test_clients.py",
    "tests/telephone/",
    "tests/testing/test_agreement.py",
    "tests/testing/test_interruptions.py",
    "tests/testing/test_lines.py",
    "tests/testing/test_local_server.py",
    "tests/testing/test_pausing.py",
    "tests/testing/test_spoken.py",
    "tests/testing/test_trouble.py",
    "tests/webrtc/",
    "tests/websocket/",
)

LIVE = ("webrtc", "websocket", "twilio")
"""Values of the parameter `over` of a test that calls a server: see `fastrtc.testing.Call`."""

CALLS = {
    "_pytest.pytester.pytester": "slow",
    "http.server.ThreadingHTTPServer": "peers",
    "subprocess": "slow",
    "tests.support.http_service.http_service": "peers",
    "tests.support.peers.Client": "peers",
    "tests.support.programs.require_program": "slow",
    "tests.support.servers.serving": "peers",
    "tests.test_cli_talk.talk": "peers",
    "tests.support.turn.turn_server": "slow",
    "tests.websocket.served.serve": "peers",
    "uvicorn": "peers",
    "websockets.asyncio.client.connect": "peers",
    "websockets.sync.client.connect": "peers",
}
"""The mark for a test that calls this, or calls a function of `tests` or `benchmarks` that does."""


def is_of_a_page(node: str) -> bool:
    """Return whether a test is where the tests of pages are."""
    if node.startswith(PAGES):
        return not node.startswith(WITHOUT_PAGES)
    return f"::{PAGES_CLASS}::" in node


def pytest_configure(config: pytest.Config) -> None:
    for line in (
        "pages: opens a page in Chromium",
        "peers: talks with a real peer or server over a network",
        "slow: starts another program",
        "fast: none of these",
    ):
        config.addinivalue_line("markers", line)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Skip the folders of pages and peers for `-m fast`, to save importing them."""
    if config.option.markexpr != "fast":
        return None
    node = collection_path.relative_to(config.rootpath).as_posix() + "/"
    return node in (*PAGES, *PEERS) or None


@pytest.hookimpl(tryfirst=True)  # before pytest selects by `-m`
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for mark in sorted(_needs(item)) or ["fast"]:
            item.add_marker(mark)


def _needs(item: pytest.Item) -> set[str]:
    if item.get_closest_marker("browser"):
        return {"pages"}
    if item.nodeid.startswith(PEERS):
        return {"peers"}
    if item.get_closest_marker("external") or item.nodeid.startswith(PAGES):
        return {"slow"}
    if not isinstance(item, pytest.Function):
        return set()
    fixtures = [one.func for defs in item._fixtureinfo.name2fixturedefs.values() for one in defs]
    params = item.callspec.params if hasattr(item, "callspec") else {}
    if params.get("over") in LIVE:
        return {"peers"}
    given = params.values()
    return _marks_of_calls([item.obj, *fixtures, *given], item.cls)


def _marks_of_calls(callers: Iterable[Any], cls: type | None) -> set[str]:
    """Follow the calls of our own functions, and return their marks from `CALLS`."""
    marks, seen, ahead = set(), set(), list(callers)
    while ahead:
        called = ahead.pop()
        name = _name(called)
        if name in CALLS:
            marks.add(CALLS[name])
        elif name.startswith(("tests.", "benchmarks.")) and id(called) not in seen:
            seen.add(id(called))
            ahead += _called_by(called, cls)
    return marks


def _name(called: Any) -> str:
    if isinstance(called, ModuleType):
        return called.__name__
    return f"{getattr(called, '__module__', '')}.{getattr(called, '__qualname__', '')}"


def _called_by(caller: Any, cls: type | None) -> Iterator[Any]:
    """Yield the names used by a function of the class *cls*, or by each method of a class."""
    if isinstance(caller, type):
        yield from caller.__bases__
        for member in vars(caller).values():
            yield getattr(member, "fget", None) or getattr(member, "__func__", member)
        return
    caller = getattr(getattr(caller, "hypothesis", None), "inner_test", caller)
    caller = inspect.unwrap(getattr(caller, "__func__", caller))
    if not isinstance(caller, FunctionType):
        return
    for cell in caller.__closure__ or ():
        yield cell.cell_contents
    for name in _names(caller.__code__):
        if name in caller.__globals__:
            yield caller.__globals__[name]
        elif hasattr(cls, name):
            yield getattr(cls, name)


@functools.cache
def _names(code: CodeType) -> frozenset[str]:
    inner = [_names(one) for one in code.co_consts if isinstance(one, CodeType)]
    return frozenset(code.co_names).union(*inner)
