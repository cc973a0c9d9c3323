"""User code on the event loop that does not return: ended for the sake of the others."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from typing import TypeVar

__all__ = ["Interrupted", "call_interruptibly"]

T = TypeVar("T")


class Interrupted(BaseException):
    """Raised in the code that is interrupted; no ``except Exception`` of it catches it."""


class _Watch:
    """Raises an exception in a thread, unless that was told to stop before."""

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

    CPython raises an exception between two of its instructions. A call that blocks outside of
    Python, such as ``time.sleep``, is interrupted when it returns.

    Args:
        function: The function.
        limit_s: How long it may take, in seconds.
        wanted: Asked, in another thread, whether it is to be interrupted after all.

    Raises:
        TimeoutError: If it was interrupted; its cause has the traceback.
        BaseException: What the function raises.
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
