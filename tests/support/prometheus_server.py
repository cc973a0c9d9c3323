"""A local Prometheus, with a configuration of ours."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.support.ports import free_port
from tests.support.programs import require_program

__all__ = ["PrometheusServer", "prometheus_server"]

START_TIMEOUT_S = 30.0


class PrometheusServer:
    """A running Prometheus.

    Args:
        url: Its address.
    """

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=f"{url}/api/v1", timeout=30)

    def get(self, path: str, **parameters: str) -> Any:
        """Return the data of an answer of its API."""
        answer = self._http.get(path, params=parameters).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the series of an instant query."""
        series: list[dict[str, Any]] = self.get("/query", query=expression)["result"]
        return series

    def close(self) -> None:
        self._http.close()


@contextmanager
def prometheus_server(config: Any, folder: Path, *rules: Path) -> Iterator[PrometheusServer]:
    """Run Prometheus with a configuration, and files of rules."""
    program, port = require_program("prometheus"), free_port()
    for rule in rules:
        (folder / rule.name).write_bytes(rule.read_bytes())
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    command = [
        program,
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    url, log = f"http://127.0.0.1:{port}", folder / "prometheus.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    server = PrometheusServer(url)
    try:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not _is_ready(url):
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield server
    finally:
        server.close()
        process.terminate()
        process.wait(30)


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/-/ready", timeout=5).status_code == 200
    except httpx.TransportError:
        return False
