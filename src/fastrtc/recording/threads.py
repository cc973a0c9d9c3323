"""The threads that write: recordings on the same disk share one."""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Callable

__all__ = ["WritingThread"]

logger = logging.getLogger(__name__)

BEHIND_S = 0.2
"""How long work may wait in a thread, in seconds, before further recordings get another one: half
the time between two batches. Those of 8 calls take 6 ms on a fast disk."""


class WritingThread:
    """Run the work of recordings, one after another.

    A thread that wakes finds its caches cold, which costs as much as encoding half a second of
    speech, and all recordings are written at the same moments: so one thread writes them, and a
    further one if the disk is so slow that it is behind. It runs while there is a recording.

    Args:
        key: What the recordings that share it have in common, such as their folder.
    """

    _lock = threading.Lock()
    _running: dict[str, WritingThread] = {}

    def __init__(self, key: str) -> None:
        self._key = key
        self._count = 0
        self._work: queue.SimpleQueue[tuple[float, Callable[[], None]] | None] = queue.SimpleQueue()
        self._since_s: float | None = None  # when what is being done was asked for
        self._waited_s = 0.0  # from that until what was done last was complete

    @classmethod
    def join(cls, key: str) -> WritingThread:
        """Return the thread for a recording; it starts if none with this key has time.

        Raises:
            RuntimeError: If no thread can be started.
        """
        with cls._lock:
            thread = cls._running.get(key)
            if thread is None or thread._is_behind():
                thread = cls(key)
                threading.Thread(target=thread._run, name="fastrtc-recording", daemon=True).start()
                cls._running[key] = thread
            thread._count += 1
            return thread

    def leave(self) -> None:
        """End one recording; after the last one, the thread ends."""
        with self._lock:
            self._count -= 1
            if not self._count:
                if self._running.get(self._key) is self:  # it is the newest one
                    del self._running[self._key]
                self._work.put(None)

    def call(self, function: Callable[[], None]) -> None:
        """Call a function in the thread; an exception is logged."""
        self._work.put((time.monotonic(), function))

    def _is_behind(self) -> bool:
        since_s = self._since_s
        waits_s = 0.0 if since_s is None else time.monotonic() - since_s
        return max(waits_s, self._waited_s) > BEHIND_S

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            since_s, function = work
            self._since_s = since_s
            try:
                function()
            except Exception:  # the other recordings go on
                logger.exception("The thread that writes recordings")
            self._waited_s, self._since_s = time.monotonic() - since_s, None
            del work, function  # they refer to a recording, which may have ended

    @classmethod
    def _reset(cls) -> None:
        """Forget the threads of the parent process, which a fork does not have."""
        cls._lock = threading.Lock()
        cls._running = {}


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=WritingThread._reset)
