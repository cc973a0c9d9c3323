"""Tests of pages, marked `browser`: what a busy machine may not do to them.

They run in one worker, for beside another browser sound and pictures come late. That is for
pytest-xdist's `--dist loadgroup`; as its mark `xdist_group` has no effect with pytest 9.2 and
pytest-xdist 3.8, such a test is known by its place.

One that fails is run once more, which the end of the run tells: a fake microphone does not wait for
a machine that stood still.
"""

import pytest

__all__: list[str] = []

FOLDERS = ("tests/browser/", "tests/demos/", "tests/gradio/")
CLASS = "TestPages"


def _is_in_place(node: str) -> bool:
    return node.startswith(FOLDERS) or f"::{CLASS}::" in node


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    from xdist.scheduler import LoadGroupScheduling

    class OneBrowser(LoadGroupScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "pages" if _is_in_place(nodeid) else nodeid

    return OneBrowser(config, log) if config.getvalue("dist") == "loadgroup" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("browser") is None:
            continue
        if not _is_in_place(item.nodeid):
            folders = ", ".join(FOLDERS)
            raise pytest.UsageError(
                f"{item.nodeid} opens a page: it belongs into {folders} or a class {CLASS}"
            )
        item.add_marker(pytest.mark.flaky(reruns=1))
