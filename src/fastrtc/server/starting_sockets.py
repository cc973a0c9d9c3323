"""The open WebSockets of an endpoint whose clients may start at any moment."""

from __future__ import annotations

import threading
import time
from weakref import WeakKeyDictionary

from fastapi import WebSocket

from .web_socket import StarletteSocket

__all__ = ["STARTING_S", "StartingSockets"]

STARTING_S = 2.0
"""How long an open socket that has not started counts like an occupied place, in seconds. Sockets
whose clients never start make the process look full for no longer than this."""


class StartingSockets:
    """Count the accepted WebSockets that have not started, on the event loops of any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._accepted: WeakKeyDictionary[WebSocket, float] = WeakKeyDictionary()  # when

    def add(self, websocket: WebSocket) -> None:
        """Add a socket that is accepted."""
        with self._lock:
            self._accepted[websocket] = time.monotonic()

    def discard(self, websocket: WebSocket) -> None:
        """Remove a socket whose client has started; further calls do nothing."""
        with self._lock:
            self._accepted.pop(websocket, None)

    def __len__(self) -> int:
        """Return the number of those that are open, and were accepted a short time ago."""
        since = time.monotonic() - STARTING_S
        with self._lock:
            return sum(
                accepted_at > since and not StarletteSocket(websocket).is_closed
                for websocket, accepted_at in self._accepted.items()
            )
