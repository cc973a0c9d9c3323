"""All pages in one worker: beside another browser, sound and pictures come late.

With pytest-xdist and `--dist loadgroup`. The mark `xdist_group` has no effect with pytest 9.2 and
pytest-xdist 3.8, so a page's test is known by its place.
"""

import pytest

__all__: list[str] = []

FOLDERS = ("tests/browser/", "tests/demos/", "tests/gradio/")
CLASS = "::TestPages::"


def _is_of_a_page(node: str) -> bool:
    return node.startswith(FOLDERS) or CLASS in node


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    from xdist.scheduler import LoadGroupScheduling

    class OneBrowser(LoadGroupScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "pages" if _is_of_a_page(nodeid) else nodeid

    return OneBrowser(config, log) if config.getvalue("dist") == "loadgroup" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("browser") and not _is_of_a_page(item.nodeid):
            raise pytest.UsageError(
                f"{item.nodeid} opens a page, so it belongs into one of {', '.join(FOLDERS)} or "
                f"into a class TestPages: see {__name__}"
            )
