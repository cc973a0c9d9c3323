"""Runs the workloads in turn (A B A B) and prints the table: `python -m benchmarks --help`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

if __package__ in (None, ""):  # started as `python benchmarks/run.py`
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import environments, harness, report
from benchmarks.workloads import WORKLOADS
from benchmarks.workloads.base import Case


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--rounds", type=int, help="rounds of each case (default 2, or 1 for what takes long)"
    )
    parser.add_argument(
        "--only", action="append", metavar="NAME", help="one workload, or workload/case; repeatable"
    )
    parser.add_argument("--full", action="store_true", help="the long cases too")
    parser.add_argument(
        "--minutes", type=float, help="how long each soak goes on (default 10; see --only soak)"
    )
    parser.add_argument(
        "--sessions", type=int, help="how many each soak holds (default 80%% of the ceiling)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there too")
    parser.add_argument("--show", type=Path, metavar="FILE", help="print the table of a --json run")
    parser.add_argument("--list", action="store_true", help="name the workloads and stop")
    parser.add_argument(
        "--loop",
        choices=("asyncio", "uvloop"),
        default="asyncio",
        help="event loop of the servers (default asyncio, the one that all three have)",
    )
    parser.add_argument(
        "--patience",
        type=float,
        default=0.0,
        metavar="S",
        help="wait so long per measurement for a quiet machine, and repeat what others disturbed",
    )
    parser.add_argument("--envs", type=Path, default=environments.CACHE, metavar="DIR")
    parser.add_argument("--python", type=Path, help="an interpreter that has our dependencies")
    parser.add_argument("--ref-python", type=Path, help="an interpreter that has the reference")
    parser.add_argument("--aiortc-python", type=Path, help="one that has aiortc, fastapi, uvicorn")
    parser.add_argument(
        "--recognizer-python", type=Path, help="one that has faster-whisper and the recordings"
    )
    parser.add_argument(
        "--skip",
        action="append",
        default=[],
        choices=environments.NAMES,
        help="leave an environment out; repeatable",
    )
    return parser.parse_args(arguments)


def choose(
    only: list[str] | None, full: bool, lasting: Mapping[str, float | None] | None = None
) -> list[harness.Job]:
    """The cases to run, in the order of the table.

    A workload that is named runs without its long cases, unless it has no others; a case that is
    named runs in any event.
    """
    chosen = []
    unknown = set(only or ())
    for workload in WORKLOADS:
        only_long = all(case.long for case in workload.cases)
        for case in workload.cases:
            here = {workload.name, f"{workload.name}/{case.name}"}
            unknown -= here
            wanted = full or not case.long
            if only:
                wanted = f"{workload.name}/{case.name}" in only or (
                    workload.name in only and (wanted or only_long)
                )
            if wanted:
                chosen.append(harness.Job(workload, _lasting(case, lasting or {})))
    if unknown:
        names = ", ".join(workload.name for workload in WORKLOADS)
        raise SystemExit(f"--only {', '.join(sorted(unknown))}: there are {names}; see --list")
    return chosen


def _lasting(case: Case, lasting: Mapping[str, float | None]) -> Case:
    if "minutes" not in case.options:
        return case
    given = {name: value for name, value in lasting.items() if value is not None}
    return replace(case, options={**case.options, **given})


def with_recognizer(jobs: list[harness.Job], cache: Path, python: Path | None) -> list[harness.Job]:
    """Lets the clients that need it know the recognizer; without one their cases are left out."""
    if not any(job.workload.needs_recognizer for job in jobs):
        return jobs
    try:
        recognizer = environments.prepare_recognizer(cache, python)
    except environments.Failed as missing:
        left_out = sorted({job.workload.name for job in jobs if job.workload.needs_recognizer})
        print(f"left out: {', '.join(left_out)}: {missing}", file=sys.stderr)
        return [job for job in jobs if not job.workload.needs_recognizer]
    variables = {environments.RECOGNIZER_VARIABLE: str(recognizer.python)}
    return [
        replace(job, variables=variables) if job.workload.needs_recognizer else job for job in jobs
    ]


def main(arguments: list[str] | None = None) -> int:
    """Runs the benchmarks; returns the exit status."""
    options = parse(arguments)
    if options.list:
        for workload in WORKLOADS:
            print(f"{workload.name:<10} {workload.summary}")
            for case in workload.cases:
                print(f"             {case.name}{'  (--full)' if case.long else ''}")
        return 0
    if options.show:
        print(report.table(*report.from_json(json.loads(options.show.read_text()))))
        return 0
    jobs = with_recognizer(
        choose(
            options.only,
            options.full,
            {"minutes": options.minutes, "sessions": options.sessions},
        ),
        options.envs,
        options.recognizer_python,
    )
    given = {
        environments.OURS: options.python,
        environments.REFERENCE: options.ref_python,
        environments.AIORTC: options.aiortc_python,
    }
    chosen = [
        environments.prepare(name, options.envs, given[name])
        for name in environments.NAMES
        if name not in options.skip
    ]
    began = time.monotonic()
    results = harness.run(
        jobs, chosen, rounds=options.rounds, loop=options.loop, patience=options.patience
    )
    facts = report.facts(
        chosen,
        results,
        loop=options.loop,
        minutes=(time.monotonic() - began) / 60,
    )
    print(report.table(facts, results))
    if options.json:
        options.json.write_text(json.dumps(report.as_json(facts, results), indent=2) + "\n")
    return 1 if any(result.errors.get(environments.OURS) for result in results) else 0


if __name__ == "__main__":
    raise SystemExit(main())
