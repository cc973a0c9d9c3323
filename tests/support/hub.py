"""A local Hugging Face Hub: the requests of `huggingface_hub` for a file download."""

import hashlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

__all__ = ["Hub", "hub", "run_with_hub"]

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub:
    """Serves the files of a folder with paths `owner/name/path`, and records requests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.requests: list[str] = []
        self.delay_s = 0.0  # of each response
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self.answer()

            def do_GET(self) -> None:
                self.answer()

            def answer(self) -> None:
                path = self.path.partition("?")[0]
                hub.requests.append(f"{self.command} {path}")
                time.sleep(hub.delay_s)
                repository, _, file = path.strip("/").partition("/resolve/main/")
                found = hub.folder / repository / file
                if not file or not found.is_file():
                    self.send_response(404)
                    self.send_header("X-Error-Code", "EntryNotFound")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                data = found.read_bytes()
                self.send_response(200)
                self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
                self.send_header("X-Repo-Commit", COMMIT)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler


@contextmanager
def hub(folder: Path) -> Iterator[Hub]:
    """Serve a folder as a Hub."""
    serving = Hub(folder)
    thread = threading.Thread(target=serving.server.serve_forever, name="hub")
    thread.start()
    try:
        yield serving
    finally:
        serving.server.shutdown()
        thread.join()
        serving.server.server_close()


def run_with_hub(
    script: str, url: str, home: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a script in a separate process, because the Hub's address is read at import."""
    environment = {
        **os.environ,
        "HF_ENDPOINT": url,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_XET": "1",
        "TQDM_POSITION": "-1",  # progress bars even without a terminal
        "PYTHONPATH": os.pathsep.join(sys.path),
        **variables,
    }
    return subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
