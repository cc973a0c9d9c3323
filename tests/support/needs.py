"""Marks for the needs of a test: `pages`, `peers`, `slow`, or `fast` for none of them.

A test gets them by its folder, and by the functions that it, its fixtures and its helpers in
`tests`
call: a test that calls `Client` has a real peer, one that calls `subprocess` starts a program. No
    mark is written by hand, and `pytest -m fast` runs all tests that need only Python.

`pytest -m fast --fast-files PATH` writes to a file which modules have only fast tests, and a
following `pytest -m "not fast" --fast-files PATH` does not import them.
"""

import functools
import inspect
import os
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


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fast-files",
        metavar="PATH",
        help="the names of modules with only fast tests: written with `-m fast`, and not imported"
        ' with `-m "not fast"`',
    )


def pytest_configure(config: pytest.Config) -> None:
    for line in (
        "pages: opens a page in Chromium",
        "peers: talks with a real peer or server over a network",
        "slow: starts another program",
        "fast: none of these",
    ):
        config.addinivalue_line("markers", line)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Skip modules of which no test is selected, to save importing them.

    With `-m fast`, those are the folders of pages and peers; with `-m "not fast"`, the modules that
    are known to have only fast tests.
    """
    if config.option.markexpr == "fast":
        node = collection_path.relative_to(config.rootpath).as_posix() + "/"
        return node in (*PAGES, *PEERS) or None
    if config.option.markexpr == "not fast" and config.option.fast_files:
        return str(collection_path) in _lines(Path(config.option.fast_files)) or None
    return None


@functools.cache
def _lines(file: Path) -> frozenset[str]:
    return frozenset(file.read_text().splitlines()) if file.exists() else frozenset()


@pytest.hookimpl(tryfirst=True)  # before pytest selects by `-m`
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    fast, others = set(), set()
    for item in items:
        marks = sorted(_needs(item))
        for mark in marks or ["fast"]:
            item.add_marker(mark)
        (others if marks else fast).add(str(item.path))
    if config.option.fast_files and config.option.markexpr == "fast":
        written = Path(f"{config.option.fast_files}.{os.getpid()}")  # other workers write the same
        written.write_text("".join(f"{path}\n" for path in sorted(fast - others)))
        written.replace(config.option.fast_files)


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
    marks = [_marks_of_function(one, item.cls) for one in (item.function, *fixtures)]
    return set().union(_marks_of_calls(params.values(), item.cls), *marks)


@functools.cache
def _marks_of_function(function: Any, cls: type | None) -> set[str]:
    return _marks_of_calls([function], cls)


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
