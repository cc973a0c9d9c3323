"""The server with all pages, in a process of its own."""

import http.client
from pathlib import Path

from tests.browser.server import DemoServer

__all__ = ["PageServer"]


class PageServer(DemoServer):
    """Runs `app.py`, with the Gradio of this environment.

    Args:
        log: The file that takes what the server writes.
    """

    def __init__(self, log: Path) -> None:
        super().__init__(log, Path(__file__).with_name("app.py"))

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/ready")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()
