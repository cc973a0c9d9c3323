"""The pytest plugin: the fixture ``call`` makes calls, and a test that fails leaves their audio.

It is loaded in every run of pytest where fastrtc is installed, so it imports nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .testing import Call

__all__ = ["call"]

OPTION = "--call-results"
FOLDER = "test-results"

_calls = pytest.StashKey["list[Call]"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option for the folder of recordings."""
    parser.getgroup("fastrtc").addoption(
        OPTION,
        metavar="DIR",
        help="folder for the recordings of calls of failed tests; by default that of the JUnit "
        f"report, or {FOLDER}",
    )


@pytest.fixture
def call(request: pytest.FixtureRequest) -> Callable[..., Call]:
    """Create the calls of a test, as ``testing.Call`` does.

    If the test fails, the recording and the timeline of each call are written to files, and named
    in the report.
    """
    from .testing import Call

    calls = request.node.stash.setdefault(_calls, [])

    def make(*args: Any, **options: Any) -> Call:
        made = Call(*args, **options)
        calls.append(made)
        return made

    return make


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Write the calls of a test that has failed, and add them to its report."""
    report = yield
    if report.failed:
        folder = _folder(item.config)
        calls = item.stash.setdefault(_calls, [])
        for number, made in enumerate(calls, 1):
            name = f"{_file_name(item.nodeid)}-{number}"
            report.sections.append((f"call {number}", _written(made, folder / name)))
        calls.clear()  # written once
    return report


def _folder(config: pytest.Config) -> Path:
    chosen = config.getoption(OPTION)
    if chosen is not None:
        return Path(chosen)
    junit = config.getoption("xmlpath", None)
    return config.rootpath / FOLDER if junit is None else Path(junit).absolute().parent


def _file_name(node: str) -> str:
    return re.sub(r"[^\w.-]+", "-", node)[-150:].strip("-")


def _written(made: Call, path: Path) -> str:
    """Write the recording and the timeline of a call; return the text for the report."""
    timeline = made.timeline()
    wav, text = path.with_name(f"{path.name}.wav"), path.with_name(f"{path.name}.txt")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        made.save(wav)
        text.write_text(timeline, encoding="utf-8")
    except OSError as error:
        return f"{timeline}The recording could not be written: {error}\n"
    return f"{timeline}Recording (caller left, program right): {wav}\nTimeline: {text}\n"
