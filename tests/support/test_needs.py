"""The marks of a small suite: by folder, by mark, and by the calls of tests, fixtures and
helpers."""

import pytest

import tests.support.peers  # noqa: F401  NumPy is not imported again by the suite below

PLUGINS = ("--import-mode=importlib", "-p", "tests.support.needs", "-p", "no:rerunfailures")
INI = """
[pytest]
asyncio_default_fixture_loop_scope = function
markers =
    external(*names): needs these
    browser: needs Chromium
"""
SOURCE = """
import functools
import subprocess

import pytest
from tests.support.peers import Client, tone


def call():
    return Client("stream")

class Program:
    def start(self):
        subprocess.run(["true"])

def started():
    return [Program().start() for _ in range(2)]

def twice(function):
    @functools.wraps(function)
    def run():
        function()
    return run

@pytest.fixture
def peer():
    yield call()

def test_logic():
    assert tone(1.0).any()

def test_peer():
    call()

def test_peer_of_a_fixture(peer): ...

def test_peer_inside_a_function():
    assert lambda: call()

@twice
def test_peer_below_a_decorator():
    call()

@pytest.mark.parametrize("function", [call, started])
def test_parameter(function): ...

def test_program():
    started()

@pytest.mark.external("sox")
def test_sox(): ...

@pytest.mark.browser
def test_page(): ...

class TestMethods:
    def test_helper_of_the_class(self):
        self.connect()

    def connect(self):
        call()
"""

EXPECTED = {
    "fast": {"test_logic"},
    "peers": {
        "test_peer",
        "test_peer_of_a_fixture",
        "test_peer_inside_a_function",
        "test_peer_below_a_decorator",
        "test_parameter[call]",
        "test_helper_of_the_class",
    },
    "slow": {"test_parameter[started]", "test_program", "test_sox"},
    "pages": {"test_page"},
}


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeini(INI)
    add(pytester, "tests/core/test_small.py", SOURCE)
    return pytester


def add(suite: pytest.Pytester, path: str, source: str = "def test_it(): ...") -> None:
    (suite.path / path).parent.mkdir(parents=True, exist_ok=True)
    (suite.path / path).write_text(source)


def selected(suite: pytest.Pytester, *arguments: str) -> set[str]:
    result = suite.runpytest_inprocess(*PLUGINS, "--collect-only", "-q", *arguments)
    return {line.rpartition("::")[2] for line in result.outlines if "::" in line}


@pytest.mark.parametrize("mark", EXPECTED)
def test_each_test_has_the_mark_of_what_it_needs(suite: pytest.Pytester, mark: str) -> None:
    assert selected(suite, "-m", mark) == EXPECTED[mark]


@pytest.mark.parametrize(
    ("folder", "mark"),
    [("webrtc", "peers"), ("demos", "slow"), ("demos/stand_ins", "slow"), ("turns", "fast")],
)
def test_a_folder_gives_its_mark(suite: pytest.Pytester, folder: str, mark: str) -> None:
    add(suite, f"tests/{folder}/test_it.py")
    assert selected(suite, "-m", mark, f"tests/{folder}") == {"test_it"}


def test_folders_without_fast_tests_are_not_imported(suite: pytest.Pytester) -> None:
    for folder in ("abuse", "gradio"):
        add(suite, f"tests/{folder}/test_bad.py", "1 / 0")
    assert selected(suite, "-m", "fast", "tests") == EXPECTED["fast"]


def test_modules_with_only_fast_tests_are_not_imported_again(suite: pytest.Pytester) -> None:
    option = f"--fast-files={suite.path / 'fast_files'}"
    add(suite, "tests/core/test_fast.py")
    fast = selected(suite, "-m", "fast", "tests", option)
    add(suite, "tests/core/test_fast.py", "1 / 0")
    others = selected(suite, "-m", "not fast", "tests", option)
    assert fast == EXPECTED["fast"] | {"test_it"}
    assert others == EXPECTED["peers"] | EXPECTED["slow"] | EXPECTED["pages"]
