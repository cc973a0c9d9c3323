"""Run tests with real peers on the event loops of asyncio and uvloop.

The two differ in ways that only a running program shows: handles without times, a clock in whole
milliseconds that does not advance within a callback, different transports. The tests in `PEERS` run
on both, except those in `SPOKEN`, each of which always runs on the same loop. With
`FASTRTC_FEWER_LOOPS`, which `.ci/run` sets for its time limit, so do those not in `BOTH`. Servers
that a test starts in a thread, or to stop them, use the loop of the test; programs use the loop
that uvicorn chooses, uvloop if it is installed.
"""

import asyncio
import importlib.util
import os
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.support.needs import PEERS

__all__ = ["loop_for_a_server", "loop_of"]

BOTH = (
    "tests/faults/test_network.py",
    "tests/faults/test_rebinding.py",
    "tests/faults/test_stopping.py",
    "tests/webrtc/test_life_cycle.py",
    "tests/webrtc/test_trickle.py",
    "tests/websocket/test_conversation.py",
)
"""Always run on both loops: what has failed on one of them, and what the other tests build on."""

SPOKEN = (
    "tests/telephone/test_demo.py",
    "tests/testing/test_agreement.py",
    "tests/testing/test_interruptions.py",
    "tests/testing/test_lines.py",
    "tests/testing/test_pausing.py",
    "tests/testing/test_spoken.py",
    "tests/webrtc/test_conversation.py",
    "tests/webrtc/test_many_turns.py",
    "tests/webrtc/test_turn_taking.py",
)
"""Conversations in real time, which a busy machine disturbs: one run is sufficient."""
UVLOOP = importlib.util.find_spec("uvloop") is not None  # not available on Windows


def _factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    factories = {"asyncio": asyncio.new_event_loop}
    if UVLOOP:
        factories["uvloop"] = _uvloop
    return factories


def _uvloop() -> asyncio.AbstractEventLoop:
    import uvloop

    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    loop.set_exception_handler(_end_at_timeout)
    return loop


def _end_at_timeout(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Cancel a test on a pytest-timeout: uvloop only logs exceptions of signal handlers."""
    loop.default_exception_handler(context)
    if isinstance(context.get("exception"), pytest.fail.Exception):
        for task in asyncio.all_tasks(loop):
            task.cancel(str(context["exception"]))


def loop_of(node: str) -> str:
    """Return the loop of a test that does not run on both, by its name without parameters."""
    name = node.partition("[")[0]
    return "uvloop" if UVLOOP and zlib.crc32(name.encode()) % 2 else "asyncio"


def loop_for_a_server() -> str:
    """Return the value for uvicorn's `loop`: the kind of loop that the test runs on.

    For a test without a loop, it is chosen by the test's name; "auto" for a program that is not a
    test.
    """
    try:
        running = asyncio.get_running_loop()
    except RuntimeError:
        test = os.environ.get("PYTEST_CURRENT_TEST")
        return loop_of(test.rpartition(" ")[0]) if test else "auto"
    return "uvloop" if type(running).__module__.startswith("uvloop") else "asyncio"


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    factories = _factories()
    both = BOTH if os.environ.get("FASTRTC_FEWER_LOOPS") else PEERS
    if item.nodeid.startswith(both) and not item.nodeid.startswith(SPOKEN):
        return factories
    chosen = loop_of(item.nodeid) if item.nodeid.startswith(PEERS) else "asyncio"
    return {chosen: factories[chosen]}
