"""Reruns of page tests: which tests have one, where it is recorded, and how many a run may have."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.real_time import MAX_RERUNS

pytestmark = pytest.mark.allow_threads("Thread-")  # pytest-rerunfailures' own
PLUGINS = ("-p", "tests.support.needs", "-p", "tests.support.real_time", "-p", "no:cacheprovider")
INI = """
[pytest]
asyncio_default_fixture_loop_scope = function
markers =
    browser: needs Chromium
    external(*names): needs these
"""
UNSTEADY = """
import pathlib, pytest

@pytest.mark.parametrize("number", range({count}))
{mark}
def test_it(number):
    been = pathlib.Path(f"been-{{number}}")
    first = not been.exists()
    been.touch()
    assert not first
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable:
    """Run tests that fail the first time: `run("tests/browser", "@pytest.mark.browser", 1)`."""
    monkeypatch.setenv("FASTRTC_RERUNS", "reruns.txt")
    pytester.makeini(INI)

    def run_one(folder: str, mark: str, count: int, *arguments: str) -> pytest.RunResult:
        path = pytester.path / folder / "test_one.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(UNSTEADY.format(mark=mark, count=count))
        return pytester.runpytest_inprocess(*PLUGINS, *arguments)

    return run_one


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["one-process", "xdist"])
def test_a_page_has_one_more_run_that_is_written_down(
    run: Callable, pytester: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    result = run("tests/browser", "@pytest.mark.browser", MAX_RERUNS, *workers)
    assert result.ret == pytest.ExitCode.OK
    assert (pytester.path / "reruns.txt").read_text().splitlines() == [
        f"tests/browser/test_one.py::test_it[{number}]" for number in range(MAX_RERUNS)
    ]


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
def test_a_page_elsewhere_that_names_its_browser_has_one_too(run: Callable, browser: str) -> None:
    mark = f'@pytest.mark.external("{browser}", "haproxy")'
    assert run("tests/network", mark, 1).parseoutcomes() == {"passed": 1, "rerun": 1}


def test_more_than_the_bound_fail_the_run(run: Callable) -> None:
    result = run("tests/browser", "@pytest.mark.browser", MAX_RERUNS + 1)
    result.assert_outcomes(passed=MAX_RERUNS + 1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([f"*{MAX_RERUNS + 1} tests were run once more*reruns.txt*"])


def test_the_bound_holds_over_several_runs(run: Callable, pytester: pytest.Pytester) -> None:
    Path(pytester.path / "reruns.txt").write_text(
        "tests/browser/test_two.py::test_it\n" * MAX_RERUNS
    )
    assert run("tests/browser", "@pytest.mark.browser", 1).ret == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize("folder", ["tests/core", "tests/webrtc"])
@pytest.mark.parametrize("mark", ["", '@pytest.mark.external("haproxy")'])
def test_another_test_has_no_other_run(run: Callable, folder: str, mark: str) -> None:
    run(folder, mark, 1).assert_outcomes(failed=1)


def test_a_page_elsewhere_is_refused(run: Callable) -> None:
    result = run("tests/webrtc", "@pytest.mark.browser", 1)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*tests/webrtc/test_one.py* opens a page: it belongs into*"])


@pytest.mark.parametrize("browsers", [1, 2])
def test_pages_are_opened_in_so_many_workers(pytester: pytest.Pytester, browsers: int) -> None:
    pytester.makeini(INI)
    folder = pytester.path / "tests/browser"
    folder.mkdir(parents=True)
    for name in ("one", "two", "three"):
        (folder / f"test_{name}.py").write_text("def test_it(worker_id): print(f'in {worker_id}')")
    result = pytester.runpytest_inprocess(
        *PLUGINS, "-n", "2", "--dist", "loadgroup", "--browsers", str(browsers), "-rP"
    )
    result.assert_outcomes(passed=3)
    assert len({line for line in result.outlines if line.startswith("in gw")}) == browsers
