"""The metrics of several processes, in the multiprocess mode of ``prometheus_client``."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

__all__ = ["collector_of"]

LIVE_GAUGE = re.compile(r"gauge_live\w*_(\d+)\.db")
"""The file with the gauges of a process that count only while it runs."""


def collector_of(folder: str) -> CollectorRegistry:
    """Return a registry with the values of all processes.

    Args:
        folder: The folder of ``PROMETHEUS_MULTIPROC_DIR``.

    Raises:
        ValueError: If the folder does not exist.
    """
    registry = CollectorRegistry()
    registry.register(_Processes(folder))
    return registry


class _Processes(Collector):
    """Collect the values of all processes; without the gauges of those that have ended.

    Nothing notifies a process that another one was killed: its connections would stay for ever.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._collector: Any = MultiProcessCollector(None, folder)  # type: ignore[no-untyped-call]

    def collect(self) -> Iterable[Metric]:
        """Return the metrics."""
        for path in Path(self._folder).glob("gauge_live*.db"):
            match = LIVE_GAUGE.fullmatch(path.name)
            if match is not None and not _runs(int(match[1])):
                mark_process_dead(int(match[1]), self._folder)  # type: ignore[no-untyped-call]
        found: Iterable[Metric] = self._collector.collect()
        return found


def _runs(pid: int) -> bool:
    if os.name == "nt":  # where this would end it
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
