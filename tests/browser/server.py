"""A demo server in a process of its own, and what it wrote."""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.forks import Fork
from tests.support.ports import free_port

__all__ = ["DemoServer"]

ROOT = Path(__file__).resolve().parents[2]
START_WITHIN = 100  # s: importing the media libraries takes long where nothing is cached
STOP_WITHIN = 30  # s


class DemoServer:
    """Runs a script that serves the demos on 127.0.0.1.

    Args:
        log: The file that takes what the server writes.
        script: The script, which reads its port from the environment.
        port: A port to listen on; a free one if 0.
        variables: More of its environment.
        forked: Whether it is forked from a process that has imported what takes long.
    """

    ready = "/shared/style.css"
    """What it serves as soon as it serves anything."""

    def __init__(
        self,
        log: Path,
        script: Path = ROOT / "demo" / "app.py",
        port: int = 0,
        variables: Mapping[str, str] | None = None,
        forked: bool = True,
    ) -> None:
        self.log = log
        self.script = script
        self.variables = variables or {}
        self.port = port or free_port()
        self.forked = forked
        self.process: subprocess.Popen[bytes] | Fork | None = None
        self._read = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        own = {"PORT": str(self.port), "PYTHONUNBUFFERED": "1"}
        environment = {**os.environ, **own, **self.variables}
        with self.log.open("ab") as log:
            self.process = self._run(env=environment, stdout=log, stderr=log)
        deadline = time.monotonic() + START_WITHIN
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"the demo server did not start:\n{self.log.read_text()}")
            time.sleep(0.1)

    def _run(self, **options: Any) -> subprocess.Popen[bytes] | Fork:
        if self.forked:
            return Fork([str(self.script)], **options)
        return subprocess.Popen([sys.executable, str(self.script)], **options)

    def stop(self, by: int = signal.SIGTERM) -> float:
        """End the server the polite way; return how long it took, in seconds."""
        if self.process is None or self.process.poll() is not None:
            return 0.0
        began = time.monotonic()
        self.process.send_signal(by)
        try:
            self.process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the server had not ended {STOP_WITHIN} s after {by!r}") from None
        return time.monotonic() - began

    def kill(self) -> None:
        """End the server without giving it a chance to say goodbye."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def writes(self, text: str) -> None:
        """Wait until it has written a text, which may be after its first answer."""
        deadline = time.monotonic() + START_WITHIN
        while text not in self.log.read_text():
            assert time.monotonic() < deadline, f"{text!r} is not in {self.log.read_text()!r}"
            time.sleep(0.05)

    def complaints(self) -> str:
        """What it wrote since the last call, if there is a traceback in it."""
        with self.log.open("rb") as log:
            log.seek(self._read)
            text = log.read()
        self._read += len(text)
        return text.decode(errors="replace") if b"Traceback" in text else ""

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", self.ready)
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()
