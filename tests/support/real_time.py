"""Tests with real peers, which happen in real time: what a busy machine may not do to them.

Pages, marked `browser`, are opened in one worker, for beside another browser sound and pictures
come late. That is for pytest-xdist's `--dist loadgroup`; as its mark `xdist_group` has no effect
with pytest 9.2 and pytest-xdist 3.8, such a test is known by its place.

A test with a page or another real peer that fails is run once more, which the end of the run tells:
neither a fake microphone nor a network waits for a machine that stood still.
"""

import pytest

__all__: list[str] = []

PAGES = ("tests/browser/", "tests/demos/", "tests/gradio/")
PAGES_CLASS = "TestPages"
PEERS = ("tests/abuse/", "tests/faults/", "tests/telephone/", "tests/webrtc/", "tests/websocket/")


def _is_of_a_page(node: str) -> bool:
    return node.startswith(PAGES) or f"::{PAGES_CLASS}::" in node


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    from xdist.scheduler import LoadGroupScheduling

    class OneBrowser(LoadGroupScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "pages" if _is_of_a_page(nodeid) else nodeid

    return OneBrowser(config, log) if config.getvalue("dist") == "loadgroup" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        opens_a_page = item.get_closest_marker("browser") is not None
        if opens_a_page and not _is_of_a_page(item.nodeid):
            folders = ", ".join(PAGES)
            raise pytest.UsageError(
                f"{item.nodeid} opens a page: it belongs into {folders} or a class {PAGES_CLASS}"
            )
        if opens_a_page or item.nodeid.startswith(PEERS):
            item.add_marker(pytest.mark.flaky(reruns=1))
