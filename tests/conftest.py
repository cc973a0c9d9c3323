"""Settings and plugins of every test; what they do is said in the modules of `tests/support`."""

import gc
import itertools
import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

# Before anything imports them: no test asks a service how the day was.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
# librosa, which models load, compiles functions when it is first imported: no test needs fast ones.
os.environ.setdefault("NUMBA_OPT", "0")

# What a shell starts in the background ignores Ctrl-C, and so would every program of a test.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says how busy the machine is.
settings.register_profile("fastrtc", deadline=None)
settings.load_profile("fastrtc")

pytest_plugins = [
    "pytester",
    "tests.support.needs",  # before those that import it
    "tests.support.leaks",
    "tests.support.loops",
    "tests.support.programs",
    "tests.support.real_time",
]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect tests without the garbage collection, which would take a fifth of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Exempt the imported modules and collected tests from the garbage collection.

    They are nearly a million objects: a full collection would stop the process for half a second,
    in the middle of a test in real time, or because a test asks for one. The little garbage among
    them is not worth the second of CPU time that a collection takes here.
    """
    gc.freeze()


TESTS_PER_COLLECTION = 100
_finished = itertools.count(1)


def pytest_runtest_logfinish() -> None:
    """Exempt what earlier tests have left, such as their reports, now and then.

    Otherwise, a full collection takes longer with each test, and what a call over memory computes
    for more than 0.1 s counts as time.
    """
    if next(_finished) % TESTS_PER_COLLECTION == 0:
        gc.collect()
        gc.freeze()
