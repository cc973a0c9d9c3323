"""What a program leaves running when a call has ended."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import traceback
from collections.abc import Callable, Collection, Coroutine
from types import FrameType
from typing import Any
from weakref import WeakKeyDictionary

from ..core.context import current_context
from .errors import CallFailed

__all__ = ["CALLER", "Leaks", "TaskOwners", "place_of_thread"]

CALLER = "fastrtc-caller"
"""Prefix of the names of tasks of the caller, which do not belong to the program."""

LIBRARY_THREADS = {"tqdm_monitor"}
"""Names of daemon threads that a library starts once and keeps for the process."""

ENDS_TIMEOUT_S = 1.0
"""How long tasks and threads may take to end after the connection, in seconds on the loop's
clock."""

POLL_S = 0.05
"""Interval at which to look, in seconds."""


class TaskOwners:
    """Record for which connection each task of an event loop was created."""

    def __init__(self) -> None:
        self._ids: WeakKeyDictionary[asyncio.Task[Any], str] = WeakKeyDictionary()

    def create_task(
        self,
        loop: asyncio.AbstractEventLoop,
        coroutine: Coroutine[Any, Any, Any],
        **options: Any,
    ) -> asyncio.Task[Any]:
        """Create a task; a task factory."""
        task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=loop, **options)
        given = options.get("context")
        connection = current_context.get() if given is None else given.get(current_context)
        if connection is not None:
            self._ids[task] = connection.webrtc_id
        return task

    def id_of(self, task: asyncio.Task[Any]) -> str | None:
        """Return the id of the connection of a task; None if it was created for no connection."""
        return self._ids.get(task)


class Leaks:
    """Find the tasks and threads that a program starts during a call and does not end.

    Args:
        threads: Returns the running threads of the call.
        belongs: Returns whether a task may be of the call, if others have tasks on the same loop.
    """

    def __init__(
        self,
        threads: Callable[[], Collection[threading.Thread]] = tuple,
        belongs: Callable[[asyncio.Task[Any]], bool] = lambda task: True,
    ) -> None:
        self._threads = threads
        self._belongs = belongs
        self._before: set[asyncio.Task[object]] = set()

    def begin(self) -> None:
        """Record the tasks of the running loop, which do not count."""
        self._before = set(asyncio.all_tasks())

    async def check(self) -> None:
        """Wait until all tasks since ``begin``, and the threads, have ended.

        Raises:
            CallFailed: If one does not end within a second; the message names it and the line at
                which it waits.
        """
        loop = asyncio.get_running_loop()
        ends = loop.time() + ENDS_TIMEOUT_S
        left = self._left()
        while left and loop.time() < ends:  # nothing tells when a thread has ended
            await asyncio.sleep(POLL_S)  # noqa: ASYNC110
            left = self._left()
        if left:
            what = "\n".join(f"  {one}" for one in left)
            raise CallFailed(
                "The program left something running when the call had ended. "
                f"End it in shutdown():\n{what}"
            )

    def _left(self) -> list[str]:
        tasks = asyncio.all_tasks() - self._before - {asyncio.current_task()}
        left = [
            f"task {task.get_name()} of {_coroutine(task)}, at {_task_place(task)}"
            for task in tasks
            if self._belongs(task) and not task.get_name().startswith(CALLER)
        ]
        left += [
            f"thread {one.name}, at {place_of_thread(one)}"
            for one in self._threads()
            if one.name not in LIBRARY_THREADS
        ]
        return sorted(left)


def place_of_thread(thread: threading.Thread) -> str:
    """Return the file and line at which a thread is, as far as it is of the program."""
    return _place(sys._current_frames().get(thread.ident or 0))


def _coroutine(task: asyncio.Task[object]) -> str:
    coroutine = task.get_coro()
    return str(getattr(coroutine, "__qualname__", coroutine))


def _task_place(task: asyncio.Task[object]) -> str:
    stack = task.get_stack()
    return _place(stack[-1] if stack else None)


def _place(frame: FrameType | None) -> str:
    """Return the innermost line that is not of the standard library."""
    if frame is None:
        return "its start"
    stack = traceback.extract_stack(frame)
    here = os.path.dirname(__file__)
    others = [entry for entry in stack if not entry.filename.startswith(here)]
    own = [entry for entry in others if "/lib/python" not in entry.filename]
    if not own and any(entry.name == "_worker" for entry in others):
        return "no work: shut its executor down"
    entry = (own or others or stack)[-1]
    return f"{entry.filename}:{entry.lineno}"
