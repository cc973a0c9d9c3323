"""The table, and the same as JSON."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.environments import AIORTC, NAMES, OURS, REFERENCE, Environment
from benchmarks.harness import Job, Result
from benchmarks.quiet import QUIET
from benchmarks.workloads import WORKLOADS
from benchmarks.workloads.base import Metric

_HEADINGS = ("", "", "row", "fastrtc", "reference", "aiortc alone", "/ref", "/aiortc", "goal", "")
#: Columns that hold figures, and are aligned to the right.
_FIGURES = range(2, 8)


def facts(
    environments: Sequence[Environment],
    results: Sequence[Result],
    *,
    loop: str,
    minutes: float,
) -> dict[str, Any]:
    """The machine, the versions and the date: what a figure means nothing without."""
    loops = sorted({result.job.case.loop or loop for result in results}) or [loop]
    others = [cores for result in results for found in result.others.values() for cores in found]
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": _machine(),
        "others": {"median": median(others), "max": max(others)} if others else {},
        "minutes": round(minutes, 1),
        "rounds": max((len(took) for found in results for took in found.took.values()), default=0),
        "loop": " and ".join(loops),
        "versions": {environment.title: environment.versions() for environment in environments},
    }


def _machine() -> str:
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.release()}"


def table(facts: dict[str, Any], results: Sequence[Result]) -> str:
    """Plain text, aligned: medians (ranges), ratios, and whether the goal is reached."""
    rows = [_HEADINGS]
    headings: dict[int, str] = {}
    notes = []
    for result in results:
        workload = result.job.workload
        if f"{workload.name}: {workload.summary}" not in headings.values():
            headings[len(rows)] = f"{workload.name}: {workload.summary}"
        name = f"  {result.job.case.name}"
        for metric in workload.metrics:
            row = _row(result, metric)
            if row is not None:
                rows.append((name, *row))
                name = ""
        for environment, error in result.errors.items():
            rows.append((name, "failed", "", *_failed(environment)))
            name = ""
            notes.append(f"{workload.name}/{result.job.case.name}, {environment}: {error}")
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    lines = [f"{facts['date']}, {facts['machine']}"]
    if facts["others"]:
        lines.append(
            "cores taken by other processes meanwhile: "
            "median {median:.2f}, at most {max:.2f}".format(**facts["others"])
        )
    lines += [
        f"{title}: " + ", ".join(f"{name} {version}" for name, version in versions.items())
        for title, versions in facts["versions"].items()
    ]
    lines.append(
        f"median (range) of at most {facts['rounds']} rounds, {facts['loop']} event loop"
        + (f", {facts['minutes']:.0f} minutes in all" if "minutes" in facts else "")
    )
    lines.append("")
    for index, row in enumerate(rows):
        if index in headings:
            lines += ["", headings[index]]
        cells = [
            cell.rjust(width) if column in _FIGURES else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join([*lines, *([""] if notes else []), *notes])


def _failed(environment: str) -> tuple[str, ...]:
    cells = ["failed" if environment == name else "" for name in NAMES]
    return (*cells, "", "", "", "")


def _row(result: Result, metric: Metric) -> tuple[str, ...] | None:
    values = {name: _values(result, name, metric) for name in NAMES}
    if not any(values.values()):
        return None
    middle = {name: median(found) for name, found in values.items() if found}
    ours = middle.get(OURS)
    ratios = tuple(
        _ratio(ours, middle.get(other)) if metric.ratio else "" for other in (REFERENCE, AIORTC)
    )
    goal = result.job.case.goals.get(metric.name)
    verdict = ""
    if goal is not None and ours is not None:
        verdict = goal.verdict(ours, aiortc=middle.get(AIORTC), reference=middle.get(REFERENCE))
    if any(cores > QUIET for found in result.others.values() for cores in found):
        verdict = f"{verdict} (disturbed)".strip()
    return (
        f"{metric.name}, {metric.unit}",
        "" if metric.row is None else str(metric.row),
        *(_cell(values[name], metric) for name in NAMES),
        *ratios,
        goal.text(metric.digits) if goal else "",
        verdict,
    )


def _values(result: Result, environment: str, metric: Metric) -> list[float]:
    samples = result.samples.get(environment, [])
    return [sample[metric.name] for sample in samples if metric.name in sample]


def _cell(values: list[float], metric: Metric) -> str:
    if not values:
        return "-"
    text = f"{median(values):.{metric.digits}f}"
    if len(values) > 1:
        text += f" ({min(values):.{metric.digits}f}-{max(values):.{metric.digits}f})"
    return text


def _ratio(ours: float | None, other: float | None) -> str:
    if ours is None or not other:
        return ""
    ratio = ours / other
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.4f}"


def as_json(facts: dict[str, Any], results: Sequence[Result]) -> dict[str, Any]:
    """Everything that was measured, round by round."""
    return {
        **facts,
        "results": [
            {
                "workload": result.job.workload.name,
                "case": result.job.case.name,
                "units": {metric.name: metric.unit for metric in result.job.workload.metrics},
                "rows": {
                    metric.name: metric.row
                    for metric in result.job.workload.metrics
                    if metric.row is not None
                },
                "samples": result.samples,
                "others": result.others,
                "took": result.took,
                "errors": result.errors,
            }
            for result in results
        ],
    }


def from_json(written: dict[str, Any]) -> tuple[dict[str, Any], list[Result]]:
    """The facts and results that `as_json` wrote; cases that are gone since are left out."""
    results = []
    there = {
        (workload.name, case.name): Job(workload, case)
        for workload in WORKLOADS
        for case in workload.cases
    }
    for entry in written["results"]:
        if job := there.get((entry["workload"], entry["case"])):
            # Files of before it was noted have no `took`.
            found = (entry["samples"], entry["others"], entry.get("took", {}), entry["errors"])
            results.append(Result(job, *found))
    return {name: value for name, value in written.items() if name != "results"}, results
