"""An application on a real uvicorn on 127.0.0.1, in a separate thread."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from tests.support.loops import loop_for_a_server

__all__ = ["serving"]


@contextmanager
def serving(app: Any, **options: Any) -> Iterator[str]:
    """Serve an ASGI app; yield its address, such as `http://127.0.0.1:43210`."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        options = {
            "log_level": "warning",
            "loop": loop_for_a_server(),
            "timeout_graceful_shutdown": 5,
        } | options
        server = uvicorn.Server(uvicorn.Config(app, **options))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()  # early connections wait in the socket's backlog
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
