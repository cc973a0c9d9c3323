"""User threads that are still blocked after their connection has ended.

A thread cannot be stopped from outside: an ``emit`` that blocks forever keeps its thread. Such
threads are counted, logged by name, limited in number, and reported to ``fastrtc doctor``.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType

__all__ = ["LIMIT", "Abandoned", "AbandonedThreads", "Report", "abandoned", "read_reports"]

logger = logging.getLogger(__name__)

LIMIT = 256
"""The number of blocked threads above which new connections are refused: each thread uses about 100
KB, plus what its code holds. A program with so many cannot serve further connections reliably."""

GRACE_S = 1.0
"""How long a thread may run after its connection has ended before it counts as blocked, in seconds:
most are still in their last call."""


@dataclass(frozen=True)
class Abandoned:
    """A blocked thread.

    Attributes:
        name: Name of the thread: the connection and the role.
        place: Where in the program it is blocked, as ``file:line in function``.
    """

    name: str
    place: str


@dataclass(frozen=True)
class Report:
    """The blocked threads of a process on this machine.

    Attributes:
        pid: The id of the process.
        command: Its command line.
        threads: Its blocked threads.
    """

    pid: int
    command: str
    threads: tuple[Abandoned, ...]


class AbandonedThreads:
    """Tracks the threads that outlive their connections; thread-safe.

    Args:
        folder: Where to write the report of this process; by default in the user's ``~/.cache``.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._threads: dict[threading.Thread, float] = {}
        self._told: set[threading.Thread] = set()

    def add(self, prefix: str) -> bool:
        """Record that a connection has ended.

        Args:
            prefix: Prefix of the names of its threads.

        Returns:
            Whether any of its threads are still running.
        """
        count_from = time.monotonic() + GRACE_S
        running = [one for one in threading.enumerate() if one.name.startswith(prefix)]
        with self._lock:
            self._threads |= dict.fromkeys(running, count_from)
        return bool(running)

    def __len__(self) -> int:
        """Return the number of blocked threads."""
        return len(self._blocked())

    def _blocked(self) -> list[threading.Thread]:
        now = time.monotonic()
        with self._lock:
            self._threads = {one: at for one, at in self._threads.items() if one.is_alive()}
            return [one for one, at in self._threads.items() if at <= now]

    def look(self) -> None:
        """Log the threads that have become blocked since the last call, and update the report."""
        blocked = self._blocked()
        for thread in blocked:
            if thread not in self._told:
                logger.warning(
                    "The thread %s is still blocked after its connection has ended, at %s: unblock "
                    "it in shutdown(). There are %d such threads; the limit is %d",
                    thread.name,
                    _place(thread),
                    len(blocked),
                    LIMIT,
                )
        changed = self._told != set(blocked)
        self._told = set(blocked)
        if changed:
            self._report([Abandoned(one.name, _place(one)) for one in blocked])

    def _report(self, threads: list[Abandoned]) -> None:
        with contextlib.suppress(OSError, RuntimeError):  # not writable, or no home directory
            path = (self._folder or _folder()) / f"{os.getpid()}.json"
            if not threads:
                path.unlink(missing_ok=True)
                return
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            report = Report(os.getpid(), " ".join(sys.argv), tuple(threads))
            path.write_text(json.dumps(asdict(report)), encoding="utf-8")
            atexit.register(path.unlink, missing_ok=True)


def read_reports(folder: Path | None = None) -> list[Report]:
    """Return the reports of running processes of this user on this machine."""
    reports: list[Report] = []
    try:
        paths = sorted((folder or _folder()).glob("*.json"))
    except (OSError, RuntimeError):
        return reports
    for path in paths:
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
            threads = tuple(Abandoned(**one) for one in value["threads"])
            report = Report(int(value["pid"]), str(value["command"]), threads)
        except (OSError, ValueError, KeyError, TypeError):  # incomplete, or of another program
            continue
        if _runs(report.pid):
            reports.append(report)
    return reports


def _folder() -> Path:
    return Path.home() / ".cache" / "fastrtc" / "blocked"


def _runs(pid: int) -> bool:
    if sys.platform == "win32":  # signal 0 is Ctrl-C there
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # a process of another user
        return True
    return True


def _place(thread: threading.Thread) -> str:
    """Return where a thread is: its innermost frame outside the standard library."""
    frame: FrameType | None = sys._current_frames().get(thread.ident or -1)
    standard = os.path.dirname(threading.__file__)
    innermost = frame
    while frame is not None and frame.f_code.co_filename.startswith(standard):
        if "site-packages" in frame.f_code.co_filename:
            break
        frame = frame.f_back
    frame = frame or innermost
    if frame is None:
        return "an unknown place"
    return f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"


abandoned = AbandonedThreads()
"""The blocked threads of this process."""
