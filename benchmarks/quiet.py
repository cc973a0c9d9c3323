"""How much of the machine other processes take while something is measured."""

from __future__ import annotations

import resource
import time

import psutil

#: Cores that others may take without spoiling a measurement.
QUIET = 0.25
_CALM = 3.0


class Watch:
    """CPU time of everything but this process and its children, since the watch began.

    Children count once they have been waited for.
    """

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._busy = busy_seconds()
        self._own = _own()

    def others(self) -> float:
        """Mean number of cores that other processes took."""
        foreign = (busy_seconds() - self._busy) - (_own() - self._own)
        return max(0.0, foreign / (time.monotonic() - self._began))


def busy_seconds() -> float:
    """CPU time that all processes of the machine took since it started."""
    times = psutil.cpu_times()
    idle: float = times.idle + getattr(times, "iowait", 0.0)
    return sum(times) - idle - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)


def _own() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def wait_for_quiet(limit: float) -> None:
    """Returns when others have been quiet for 3 s, or after `limit` s."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        watch = Watch()
        time.sleep(_CALM)
        if watch.others() <= QUIET:
            return
