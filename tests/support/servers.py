"""An application on a real uvicorn on 127.0.0.1, in a separate thread."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from tests.support.loops import loop_for_a_server
from tests.support.stalls import SERVERS

__all__ = ["serving"]


class _Server(uvicorn.Server):
    """A server whose event loop is watched for stalls."""

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        loop = asyncio.get_running_loop()
        SERVERS.add(loop)
        try:
            await super().serve(sockets)
        finally:
            SERVERS.discard(loop)


@contextmanager
def serving(app: Any, **options: Any) -> Iterator[str]:
    """Serve an ASGI app; yield its address, such as `http://127.0.0.1:43210`."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        options = {
            "log_level": "warning",
            "loop": loop_for_a_server(),
            "timeout_graceful_shutdown": 5,
        } | options
        server = _Server(uvicorn.Config(app, **options))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()  # early connections wait in the socket's backlog
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
