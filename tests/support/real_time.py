"""Tests of pages, which run in real time: protection from a busy machine.

Pages are opened in one worker, because audio and video are late beside another browser; on an
otherwise idle machine, `--browsers 2` opens them in two. This is for pytest-xdist's `--dist
loadgroup`; because its mark `xdist_group` has no effect with pytest 9.2 and pytest-xdist 3.8, such
a test is identified by its location.

A failed test of a page is run once more, because a browser's microphone does not wait for a stalled
machine: a test with the mark `browser`, or `external` of a browser, wherever it is. The end of the
run lists these tests. `FASTRTC_RERUNS` is the path of a file that gets a line for each, also across
several runs; with more than `MAX_RERUNS` lines, the run fails.
"""

import os
from pathlib import Path

import pytest

from tests.support.needs import PAGES, PAGES_CLASS, is_of_a_page

__all__ = ["MAX_RERUNS"]

MAX_RERUNS = 2
BROWSERS = {"chromium", "firefox"}
ONE_WORKER = ("tests/network/", "tests/cluster/", "tests/testing/test_spoken.py")
"""One worker runs all tests of each of these places: those of the first share machines and
programs, those of the second start many processes, those of the third load large models."""
RERUNS = "FASTRTC_RERUNS"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--browsers", type=int, default=1, help="in how many workers pages are opened (1)"
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    from xdist.scheduler import LoadGroupScheduling

    class FewBrowsers(LoadGroupScheduling):
        files: dict[str, int] = {}

        def _split_scope(self, nodeid: str) -> str:
            for place in ONE_WORKER:
                if nodeid.startswith(place):
                    return place
            if not is_of_a_page(nodeid):
                return nodeid
            number = self.files.setdefault(nodeid.partition("::")[0], len(self.files))
            return f"pages {number % config.option.browsers}"

    return FewBrowsers(config, log) if config.getvalue("dist") == "loadgroup" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        is_marked = item.get_closest_marker("browser") is not None
        if is_marked and not is_of_a_page(item.nodeid):
            folders = ", ".join(PAGES)
            raise pytest.UsageError(
                f"{item.nodeid} opens a page: it belongs into {folders} or a class {PAGES_CLASS}"
            )
        external = {name for mark in item.iter_markers("external") for name in mark.args}
        if is_marked or external & BROWSERS:
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.hookimpl(trylast=True)  # the reporter has counted
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    name = os.environ.get(RERUNS)
    if not name or hasattr(session.config, "workerinput"):
        return
    reporter = session.config.pluginmanager.getplugin("terminalreporter")
    again = [f"{report.nodeid}\n" for report in reporter.stats.get("rerun", [])]
    with open(name, "a") as file:
        file.writelines(again)
    count = len(Path(name).read_text().splitlines())
    if again and count > MAX_RERUNS:
        reporter.write_line(f"\n{count} tests were run once more, {MAX_RERUNS} may be: {name}")
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
