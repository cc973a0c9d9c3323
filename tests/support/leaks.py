"""Autouse fixtures that fail a test if it leaves tasks, threads or UDP sockets behind.

The check runs after the teardown of the test's own fixtures, so a failure is reported as a teardown
error that names what was left. Whatever a fixture of a wider scope started before the test is
ignored.
"""

import asyncio
import inspect
import os
import re
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

__all__ = [
    "EXECUTOR_THREAD",
    "no_leaked_sockets",
    "no_leaked_tasks",
    "no_leaked_threads",
    "open_sockets",
    "task_check_class",
    "task_check_function",
    "task_check_module",
    "task_check_package",
    "task_check_session",
]

GRACE = 5.0  # s; tests/webrtc/test_life_cycle.py asserts 1 s, without the stalls of the machine
DESCRIPTORS = "/proc/self/fd"
EXECUTOR_THREAD = re.compile(r"(asyncio|uvloop)_\d+")  # the loop's pool, which ends with it


@pytest.fixture(autouse=True)
def no_leaked_sockets() -> Iterator[None]:
    """Fail if a UDP socket opened during the test is still open `GRACE` seconds after it.

    These are the sockets of WebRTC. Closing a loop does not close them: without this check they
    would be found by the garbage collection of a later test. Linux only.
    """
    before = open_sockets()
    yield
    deadline = time.monotonic() + GRACE
    while (left := open_sockets() - before) and (left := left & _udp_sockets()):
        if time.monotonic() > deadline:
            pytest.fail(f"{len(left)} leaked UDP socket(s)", pytrace=False)
        time.sleep(0.02)


@pytest.fixture(autouse=True)
def no_leaked_threads(request: pytest.FixtureRequest, no_leaked_sockets: None) -> Iterator[None]:
    """Fail if a thread started during the test is alive `GRACE` seconds after it."""
    allowed = tuple(
        prefix for mark in request.node.iter_markers("allow_threads") for prefix in mark.args
    )
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + GRACE
    left = []
    for thread in threading.enumerate():
        if thread in before or _is_foreign(thread) or EXECUTOR_THREAD.fullmatch(thread.name):
            continue
        if allowed and thread.name.startswith(allowed):
            continue
        thread.join(max(0.0, deadline - time.monotonic()))
        if thread.is_alive():
            left.append(thread.name + (" (daemon)" if thread.daemon else ""))
    if left:
        lines = "\n  ".join(sorted(left))
        pytest.fail(f"{len(left)} leaked thread(s):\n  {lines}", pytrace=False)


@pytest.fixture(autouse=True)
def no_leaked_tasks(request: pytest.FixtureRequest, no_leaked_threads: None) -> None:
    """Fail if a task started during the test is not done `GRACE` seconds after it.

    The check has to run on the test's own loop, so the fixture of that loop's scope runs it. It
    requires `no_leaked_threads`, which therefore runs last, when the loop has been closed.
    """
    if not _is_async(request):
        return
    mark = request.node.get_closest_marker("asyncio")
    scope = mark.kwargs.get("loop_scope") if mark else None
    scope = scope or request.config.getini("asyncio_default_test_loop_scope") or "function"
    request.getfixturevalue(f"task_check_{scope}")


def _task_check(loop_scope: str) -> Callable[..., AsyncIterator[None]]:
    """Create the fixture that checks the loop on which the tests of `loop_scope` run."""

    @pytest_asyncio.fixture(loop_scope=loop_scope)
    async def check() -> AsyncIterator[None]:
        before = asyncio.all_tasks()
        yield
        started = asyncio.all_tasks() - before - {asyncio.current_task()}
        if not started:
            return
        _, left = await asyncio.wait(started, timeout=GRACE)
        if left:
            lines = "\n  ".join(sorted(_described(task) for task in left))
            for task in left:
                task.cancel()
            await asyncio.wait(left, timeout=GRACE)
            pytest.fail(f"{len(left)} leaked task(s):\n  {lines}", pytrace=False)

    return check


task_check_function = _task_check("function")
task_check_class = _task_check("class")
task_check_module = _task_check("module")
task_check_package = _task_check("package")
task_check_session = _task_check("session")


def open_sockets() -> set[str]:
    """Return the inodes of the sockets of this process."""
    found = set()
    for descriptor in os.listdir(DESCRIPTORS) if os.path.isdir(DESCRIPTORS) else ():
        try:
            target = os.readlink(f"{DESCRIPTORS}/{descriptor}")
        except OSError:  # closed in the meantime
            continue
        if target.startswith("socket:"):
            found.add(target[len("socket:[") : -1])
    return found


def _udp_sockets() -> set[str]:
    """Return the inodes of the UDP sockets of this machine."""
    tables = (Path("/proc/net/udp"), Path("/proc/net/udp6"))
    lines = [line for table in tables if table.exists() for line in table.read_text().splitlines()]
    return {fields[9] for line in lines if len(fields := line.split()) > 9}


def _is_async(request: pytest.FixtureRequest) -> bool:
    """Return whether the item runs on a loop; Hypothesis hides its tests' coroutine functions."""
    function = getattr(request.node, "obj", None)
    function = getattr(getattr(function, "hypothesis", None), "inner_test", function)
    return inspect.iscoroutinefunction(function)


def _is_foreign(thread: threading.Thread) -> bool:
    """Return whether Python only saw the thread in a callback, and neither started nor can join
    it."""
    return type(thread).__name__ == "_DummyThread"


def _described(task: "asyncio.Task[object]") -> str:
    """Describe a task by its name, its coroutine and the line where it waits."""
    coroutine = getattr(task.get_coro(), "__qualname__", repr(task.get_coro()))
    place = "".join(f" at {f.f_code.co_filename}:{f.f_lineno}" for f in task.get_stack(limit=1))
    return f"{task.get_name()}: {coroutine}{place}"
