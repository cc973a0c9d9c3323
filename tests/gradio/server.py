"""The servers of pages, each in a process of its own, with the Gradio of this environment."""

from pathlib import Path

from tests.browser.server import DemoServer

__all__ = ["LaunchedServer", "LayoutServer", "MountedServer", "OwnPageServer", "PageServer"]

HERE = Path(__file__).parent


class PageServer(DemoServer):
    """Runs `app.py`.

    Args:
        log: The file that takes what the server writes.
    """

    ready = "/ready"

    def __init__(self, log: Path) -> None:
        super().__init__(log, HERE / "app.py")


class LayoutServer(DemoServer):
    """Runs `layout_app.py`.

    Args:
        log: The file that takes what the server writes.
    """

    ready = "/ready"

    def __init__(self, log: Path) -> None:
        super().__init__(log, HERE / "layout_app.py")


class LaunchedServer(DemoServer):
    """Runs `launched.py`.

    Args:
        log: The file that takes what the server writes.
        ssr_mode: Whether the page is rendered by the server, with Node.
    """

    ready = "/"

    def __init__(self, log: Path, *, ssr_mode: bool = False) -> None:
        variables = {"GRADIO_SSR_MODE": str(ssr_mode)}
        super().__init__(log, HERE / "launched.py", variables=variables)


class MountedServer(DemoServer):
    """Runs `mounted.py`.

    Args:
        log: The file that takes what the server writes.
    """

    ready = "/"

    def __init__(self, log: Path) -> None:
        super().__init__(log, HERE / "mounted.py")


class OwnPageServer(DemoServer):
    """Runs `own_page.py`.

    Args:
        log: The file that takes what the server writes.
        mounted: Whether the page is part of a FastAPI app.
    """

    ready = "/"

    def __init__(self, log: Path, *, mounted: bool) -> None:
        variables = {"MOUNTED": "1"} if mounted else {}
        super().__init__(log, HERE / "own_page.py", variables=variables, forked=False)
