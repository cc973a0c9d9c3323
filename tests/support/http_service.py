"""A stand-in for an internet service, over real HTTP."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

__all__ = ["Service", "http_service"]


class Received(NamedTuple):
    """A received request; `body` is unchanged."""

    method: str
    path: str
    headers: dict[str, str]
    body: str


class Service:
    """Sends the same response to every request.

    Attributes:
        url: Its address, without a trailing slash.
        status: The status of the response.
        body: The body of the response; a string, or a value to encode as JSON.
        silent: Whether to accept requests without responding until the end of the test.
        received: The requests, and the connection of each.
        connections: The number of connections made to it.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.status = 200
        self.body: Any = {}
        self.silent = False
        self.received: list[Received] = []
        self.connections = 0
        self.over = threading.Event()

    def answers(self, status: int, body: Any) -> None:
        self.status, self.body = status, body


@contextmanager
def http_service() -> Iterator[Service]:
    """Serve on 127.0.0.1."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        timeout = 30

        def setup(self) -> None:
            super().setup()
            service.connections += 1

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(length).decode()
            service.received.append(Received(self.command, self.path, headers, body))
            if service.silent:
                service.over.wait()
                self.close_connection = True
                return
            text = service.body if isinstance(service.body, str) else json.dumps(service.body)
            self.send_response(service.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = answer

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        service = Service(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield service
        finally:
            service.over.set()
            server.shutdown()
            thread.join()
