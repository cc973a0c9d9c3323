"""Readers of ``AdditionalOutputs``, which may start before their connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, MutableMapping

from ..core.outputs import AdditionalOutputs
from ..session.outputs import OutputQueue

__all__ = ["NO_SESSION_TIMEOUT_S", "OutputReaders"]

NO_SESSION_TIMEOUT_S = 30.0
"""How long a reader of outputs waits for its connection, in seconds."""


class OutputReaders:
    """The output queues of an endpoint, by connection id.

    Args:
        queues: Returns the mapping of the queues, which creates missing ones.
        limit: Returns the maximum number of ids whose readers may wait for a connection.
    """

    def __init__(
        self,
        queues: Callable[[], MutableMapping[str, OutputQueue]],
        limit: Callable[[], int],
    ) -> None:
        self._queues = queues
        self._limit = limit

    def queue(self, webrtc_id: str) -> OutputQueue:
        """Return the queue of a connection, which need not exist yet."""
        return self._queues()[webrtc_id]

    def end(self, webrtc_id: str) -> None:
        """End the readers of a closed connection."""
        queue = self._queues().pop(webrtc_id, None)
        if queue is not None:
            queue.end()

    def expire(self, webrtc_id: str) -> None:
        """End the readers of an id whose connection does not exist here yet."""
        queue = self._queues().get(webrtc_id)
        if queue is not None:
            self._expire(webrtc_id, queue)

    def expire_all(self) -> None:
        """End all readers whose connection does not exist yet."""
        for webrtc_id, queue in list(self._queues().items()):
            self._expire(webrtc_id, queue)

    async def read(self, webrtc_id: str) -> AsyncGenerator[AdditionalOutputs, None]:
        """Yield the outputs of a connection until it ends.

        Readers end after 30 s if there is no connection by then.
        """
        self._make_room(webrtc_id)
        queue = self.queue(webrtc_id)
        expiry = asyncio.get_running_loop().call_later(
            NO_SESSION_TIMEOUT_S, self._expire, webrtc_id, queue
        )
        try:
            while (outputs := await queue.get()) is not None:
                yield outputs
        finally:
            expiry.cancel()
            if not queue.begun and not queue.being_read:
                self._expire(webrtc_id, queue)

    def _make_room(self, webrtc_id: str) -> None:
        """Evict the oldest pending reader if too many are pending."""
        queues = self._queues()
        if webrtc_id in queues:
            return
        waiting = [(id, queue) for id, queue in queues.items() if not queue.begun]
        if len(waiting) >= self._limit():
            self._expire(*waiting[0])

    def _expire(self, webrtc_id: str, queue: OutputQueue) -> None:
        if not queue.begun and self._queues().get(webrtc_id) is queue:
            del self._queues()[webrtc_id]
            queue.end()
