"""Interruption of user code that blocks the event loop."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from typing import TypeVar

__all__ = ["Interrupted", "call_interruptibly"]

T = TypeVar("T")


class Interrupted(BaseException):
    """Raised in the interrupted code; not an ``Exception``, so that user code does not catch it."""


class _Watch:
    """Raise an exception in a thread unless stopped earlier."""

    def __init__(self, wanted: Callable[[], bool]) -> None:
        self._wanted = wanted
        self._thread_id = threading.get_ident()
        self._lock = threading.Lock()
        self._running = True
        self.interrupted = False

    def interrupt(self) -> None:
        with self._lock:
            if self._running and self._wanted():
                self.interrupted = True
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(self._thread_id), ctypes.py_object(Interrupted)
                )

    def stop(self) -> None:
        """Interrupt no more; an interruption that is under way is raised before this returns."""
        with self._lock:
            self._running = False
        for _ in range(1000 if self.interrupted else 0):  # raised after a few instructions
            pass


def call_interruptibly(
    function: Callable[[], T], limit_s: float, wanted: Callable[[], bool] = lambda: True
) -> T:
    """Call a function in the calling thread, and interrupt it when it takes too long.

    CPython raises an exception between two bytecode instructions. A call that blocks outside of
    Python, such as ``time.sleep``, is interrupted when it returns.

    Args:
        function: The function.
        limit_s: Time limit in seconds.
        wanted: Called in another thread at the limit; returns whether to interrupt.

    Raises:
        TimeoutError: If the call was interrupted; its cause has the traceback.
        BaseException: Exceptions of the function.
    """
    watch = _Watch(wanted)
    timer = threading.Timer(limit_s, watch.interrupt)
    timer.name, timer.daemon = "fastrtc-watch", True
    try:
        try:
            timer.start()
            result = function()
        except Interrupted:
            raise
        except BaseException:
            watch.stop()
            raise
        watch.stop()
        return result
    except Interrupted as error:
        raise TimeoutError(f"It took more than {limit_s:.0f} s and was interrupted") from error
    finally:
        timer.cancel()
        timer.join()
