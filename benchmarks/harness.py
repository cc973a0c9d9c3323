"""Starts the server and the client of each case as processes of their own, and collects figures."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO

from benchmarks import quiet
from benchmarks.environments import AIORTC, OURS, REPOSITORY, Environment, Failed
from benchmarks.workloads.base import Case, Sample, Workload

#: Of a case that does not say how many it has.
ROUNDS = 2
#: A server that needs longer than this to listen has failed (the reference imports for 3 s).
START_LIMIT = 60.0
#: After SIGTERM; then SIGKILL. The reference does not end while a handler blocks.
STOP_LIMIT = 1.0


@dataclass(frozen=True)
class Job:
    """One case of one workload."""

    workload: Workload
    case: Case
    #: Added to the process environment of the client.
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Result:
    """All that was measured for a job: by environment, one sample per round."""

    job: Job
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    #: Cores that other processes took during each of the samples.
    others: dict[str, list[float]] = field(default_factory=dict)
    #: How long each of the samples took, in seconds.
    took: dict[str, list[float]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


def run(
    jobs: list[Job],
    environments: list[Environment],
    *,
    rounds: int | None,
    loop: str,
    patience: float,
) -> list[Result]:
    """Runs every job in every environment, environments in turn.

    Each has `rounds` rounds, or as many as its case says, which is `ROUNDS` if it says nothing.
    """
    results = []
    shared: dict[tuple[str, str | None, str, str, int], tuple[Sample, float]] = {}
    for job in jobs:
        result = Result(job)
        results.append(result)
        served_on = job.case.loop or loop
        for turn in range(rounds or job.case.rounds or ROUNDS):
            for environment in environments:
                if environment.name in result.errors or not _applies(job, environment):
                    continue
                # Cases of a workload share aiortc's figures when it would do the same for both.
                same = (job.workload.name, job.case.baseline, repr(job.case.options))
                key = (*same, served_on, turn)
                _say(f"{job.workload.name}/{job.case.name} [{turn + 1}] {environment.name} ... ")
                began = time.monotonic()
                try:
                    if environment.name == AIORTC and key in shared:
                        sample, others = shared[key]
                    else:
                        sample, others = _measure_quietly(job, environment, served_on, patience)
                    if environment.name == AIORTC:
                        shared[key] = sample, others
                except Failed as failure:
                    result.errors[environment.name] = str(failure)
                    _say(f"failed: {failure}\n")
                    continue
                result.samples.setdefault(environment.name, []).append(sample)
                result.others.setdefault(environment.name, []).append(others)
                shown = ", ".join(f"{name} {value:.3f}" for name, value in sample.items())
                took = time.monotonic() - began
                result.took.setdefault(environment.name, []).append(took)
                _say(f"{shown} ({took:.0f} s; others {others:.2f} cores)\n")
    return results


def _say(text: str) -> None:
    print(text, end="", file=sys.stderr, flush=True)


def _applies(job: Job, environment: Environment) -> bool:
    if job.case.only_ours:
        return environment.name == OURS
    return environment.name != AIORTC or job.case.baseline is not None


def _measure_quietly(
    job: Job, environment: Environment, loop: str, patience: float
) -> tuple[Sample, float]:
    """Measures, again for as long as patience lasts if others disturb it; keeps the best."""
    deadline = time.monotonic() + patience
    best: tuple[Sample, float] | None = None
    while True:
        quiet.wait_for_quiet(deadline - time.monotonic())
        watch = quiet.Watch()
        sample = _measure(job, environment, loop)
        others = watch.others()
        if best is None or others < best[1]:
            best = sample, others
        if best[1] <= quiet.QUIET or time.monotonic() >= deadline:
            return best


def _measure(job: Job, environment: Environment, loop: str) -> Sample:
    if job.workload.local is not None:
        return job.workload.local(environment, job.case)
    handler = job.case.baseline if environment.name == AIORTC else job.case.handler
    assert handler is not None
    with _server(environment, handler, loop) as (pid, url):
        return _client(job, pid, url)


@contextlib.contextmanager
def _server(environment: Environment, handler: str, loop: str) -> Iterator[tuple[int, str]]:
    """A server process on a free port of 127.0.0.1, ended by its own id."""
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            environment.server_command(handler, loop),
            env=environment.variables(),
            cwd=tempfile.gettempdir(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            port = _wait_for_port(process)
            if port is None:
                raise Failed(f"server {handler} did not start: {_tail(log)}")
            try:
                yield process.pid, f"http://127.0.0.1:{port}"
            except Failed as failure:
                raise Failed(f"{failure}; server's log: {_tail(log)}") from None
        finally:
            _end(process)


def _wait_for_port(process: subprocess.Popen[str]) -> int | None:
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        deadline = time.monotonic() + START_LIMIT
        while selector.select(max(0.0, deadline - time.monotonic())):
            line = process.stdout.readline()
            if not line:
                return None
            if line.startswith("listening on "):
                return int(line.split()[-1])
    return None


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _client(job: Job, pid: int, url: str) -> Sample:
    options = json.dumps(dict(job.case.options))
    command = [sys.executable, "-m", "benchmarks.client", job.workload.name, options]
    limit = job.workload.limit + 60 * job.case.options.get("minutes", 0)
    variables = dict(os.environ, PYTHONPATH=str(REPOSITORY), **job.variables)
    with tempfile.TemporaryFile("w+") as log:
        try:
            done = subprocess.run(
                [*command, "--url", url, "--pid", str(pid)],
                env=variables,
                cwd=REPOSITORY,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                timeout=limit,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Failed(f"client gave up after {limit:.0f} s") from None
        if done.returncode:
            raise Failed(f"client: {_tail(log)}")
    sample: Sample = json.loads(done.stdout.splitlines()[-1])
    return sample


def _tail(log: IO[str], lines: int = 6) -> str:
    log.seek(0)
    text = log.read()
    return " | ".join(line.strip() for line in text.splitlines()[-lines:]) or "nothing said"
