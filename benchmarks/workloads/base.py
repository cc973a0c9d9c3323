"""What a workload is: cases to serve, metrics to show, and the client's half."""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.client.server import Server
    from benchmarks.environments import Environment

Sample = dict[str, float]


@dataclass(frozen=True)
class Metric:
    """A row of the table."""

    name: str
    unit: str
    #: Digits after the point.
    digits: int = 1
    #: Whether a ratio between two environments says anything (not for counts that should be 0).
    ratio: bool = True
    #: The row of `quality.md` that it answers, if any.
    row: int | None = None


@dataclass(frozen=True)
class Goal:
    """What the project asks of itself: at most (or at least) `limit`, or so many times another's.

    With both, `limit` holds on the machine that the factor was derived from; another machine is
    scaled by what aiortc alone or the reference takes on it in the same run.
    """

    limit: float | None = None
    times_aiortc: float | None = None
    times_reference: float | None = None
    at_least: bool = False

    def text(self, digits: int) -> str:
        """As shown in the table."""
        parts = []
        if self.limit is not None:
            parts.append(f"{self.limit:.{digits}f}")
        if self.times_aiortc is not None:
            parts.append(f"{self.times_aiortc:g} x aiortc")
        if self.times_reference is not None:
            parts.append(f"{self.times_reference:g} x ref")
        return f"{'>=' if self.at_least else '<='} {' or '.join(parts)}"

    def verdict(self, value: float, *, aiortc: float | None, reference: float | None) -> str:
        """`ok`, `ok, scaled` or `MISSED`; empty when there is nothing to compare with."""
        if self.limit is not None and self._within(value, self.limit):
            return "ok"
        scaled = [
            factor * other
            for factor, other in ((self.times_aiortc, aiortc), (self.times_reference, reference))
            if factor is not None and other is not None
        ]
        if any(self._within(value, limit) for limit in scaled):
            return "ok" if self.limit is None else "ok, scaled"
        return "MISSED" if scaled or self.limit is not None else ""

    def _within(self, value: float, limit: float) -> bool:
        return value >= limit if self.at_least else value <= limit


@dataclass(frozen=True)
class Case:
    """One handler under one load."""

    name: str
    #: Key into `HANDLERS` of `servers/fastrtc_server.py`.
    handler: str
    #: Key into `HANDLERS` of `servers/aiortc_server.py`: the same service without fastrtc.
    baseline: str | None = None
    options: Mapping[str, float] = field(default_factory=dict)
    goals: Mapping[str, Goal] = field(default_factory=dict)
    #: Fewer rounds than others have, for what takes long or varies little.
    rounds: int | None = None
    #: Only with `--full` (or when named).
    long: bool = False
    #: The others are not measured: they have no such thing, or it says nothing about us.
    only_ours: bool = False
    #: The servers' event loop; that of the command line if None.
    loop: str | None = None


@dataclass(frozen=True)
class Workload:
    """A group of rows measured in the same way."""

    name: str
    summary: str
    cases: tuple[Case, ...]
    metrics: tuple[Metric, ...]
    #: Runs in the client's process against a live server.
    client: Callable[[Server, Mapping[str, float]], Awaitable[Sample]] | None = None
    #: For workloads without a server: runs in the harness.
    local: Callable[[Environment, Case], Sample] | None = None
    #: After so many seconds the client is given up; minutes that a case asks for come on top.
    limit: float = 120.0
    #: The client finds the interpreter of the recognizer's environment in `RECOGNIZER_VARIABLE`.
    needs_recognizer: bool = False


def find(name: str) -> Workload:
    """The workload called `name`."""
    workload: Workload = importlib.import_module(f"benchmarks.workloads.{name}").WORKLOAD
    return workload
