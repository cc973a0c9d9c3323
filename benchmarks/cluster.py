"""Several processes behind a balancer: which requests find their connection, and what that costs.

python -m benchmarks.cluster                           # all parts
python -m benchmarks.cluster --only cost --only held --only killed  # 8 min, on a quiet machine
python -m benchmarks.cluster --only requests --clients 100 --ref-python /tmp/ref/bin/python

Needs haproxy, Chromium for the part `killed`, and Redis and root for `machines`. Results are
printed as Markdown tables.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks.client.crowd import Ceiling, Crowd, find_ceiling
from benchmarks.client.server import Server
from tests.cluster.machines import Machines
from tests.cluster.programs import ROOT, Programs, programs, wait_until_ready
from tests.support.network_namespaces import Program, network
from tests.support.ports import free_port

__all__ = ["main"]

NODES = 4
BATCH = 50
ROUNDS = 3
APP_FOLDER = ROOT / "tests" / "cluster"

SETTLE_S = 2.0
RAMP: dict[str, Any] = {"first": 24, "seconds": 5.0, "growth": 1.4, "within": 4, "most": 2000}
PACKET_EVERY_S = "0.1"
"""Interval of the packets of clients in the part `killed`, in seconds. With 0.02, a hundred of them
take two cores."""


def requests(folder: Path, clients: int, python: str, cluster: bool) -> dict[str, Any]:
    """Let clients call several processes, and count whose requests were all right.

    Args:
        folder: For logs.
        clients: Their number.
        python: The interpreter of the processes.
        cluster: Whether the processes share a directory.
    """
    ours = python == sys.executable
    with programs(folder) as run:
        nodes = [_node(run, python, cluster) for _ in range(NODES)]
        for _, port in nodes:
            _wait_for(f"http://127.0.0.1:{port}")
        url = run.balancer([port for _, port in nodes], check="/openapi.json")
        _wait_for(url)
        flag = str(int(ours))
        people = run.clients(READ_FIRST=flag, ASK_CANDIDATES=flag, OUTPUT_TIMEOUT_S="2")
        return _call_in_batches(people, url, clients, ours)


def requests_of_machines(folder: Path, clients: int) -> dict[str, Any]:
    """Do the same on two machines that share a Redis; see `requests`. Needs root."""
    with network(folder) as net:
        machines = Machines(net, folder, limit=BATCH)
        machines.wait_until_ready()
        return _call_in_batches(machines.clients, machines.url, clients, True)


def _call_in_batches(people: Program, url: str, clients: int, ours: bool) -> dict[str, Any]:
    found: Counter[str] = Counter()
    for start in range(0, clients, BATCH):
        called = people.ask(do="call", url=url, count=min(BATCH, clients - start))
        # A request that fails may be of one that succeeded otherwise: all of a client count
        sent = people.ask(do="send_inputs", rounds=ROUNDS)
        found["clients"] += called["calls"]
        found["connected"] += sum(value > 0 for value in called["connected_s"])
        if ours:
            found["candidates"] += called["right"]
        found["inputs"] += called["calls"] * ROUNDS
        found["outputs"] += len(sent["latencies_s"])
        people.ask(do="hang_up")
    return dict(found)


def cost(folder: Path, rounds: int = 1000) -> dict[str, list[float]]:
    """Return the times of requests at their owner, and at another process, in ms."""
    with programs(folder) as run:
        nodes = [run.node() for _ in range(2)]
        urls = {node.pid: f"http://127.0.0.1:{port}" for node, port in nodes}
        for url in urls.values():
            wait_until_ready(url)
        people = run.clients()
        called = people.ask(do="call", url=next(iter(urls.values())))
        (owner,) = people.ask(do="send_inputs")["owners"]
        (id,) = called["ids"]
        times: dict[str, list[float]] = {"owner": [], "other": []}
        with httpx.Client() as client:
            for _ in range(rounds):
                for pid, url in urls.items():
                    began = time.perf_counter()
                    client.get(f"{url}/candidates?webrtc_id={id}").raise_for_status()
                    took = 1000 * (time.perf_counter() - began)
                    times["owner" if pid == owner else "other"].append(took)
        return times


def held(folder: Path, processes: int) -> Ceiling:
    """Return how many talking echo sessions so many processes hold; see `find_ceiling`."""
    with programs(folder) as run:
        nodes = [run.node() for _ in range(processes)]
        for _, port in nodes:
            wait_until_ready(f"http://127.0.0.1:{port}")
        url = run.balancer([port for _, port in nodes])
        wait_until_ready(url)
        return asyncio.run(_find_ceiling(url, [node.pid for node, _ in nodes]))


async def _find_ceiling(url: str, pids: Sequence[int]) -> Ceiling:
    async with Processes(url, pids) as server, Crowd(server, "webrtc") as crowd:
        return await find_ceiling(crowd, **RAMP)


class Processes(Server):
    """Several processes behind one address."""

    def __init__(self, url: str, pids: Sequence[int]) -> None:
        super().__init__(url, pids[0])
        self._processes = [psutil.Process(pid) for pid in pids]

    def _cpu(self) -> float:
        times = [process.cpu_times() for process in self._processes]
        return sum(one.user + one.system for one in times)


def killed(folder: Path, calls: int, pages: int) -> dict[str, float]:
    """Kill one of the processes in the middle of calls.

    Args:
        folder: For logs.
        calls: Number of clients in Python, which call again after 3 s of silence.
        pages: Number of pages in Chromium with the JavaScript client.
    """
    with programs(folder) as run:
        nodes = [run.node() for _ in range(NODES)]
        for _, port in nodes:
            wait_until_ready(f"http://127.0.0.1:{port}")
        url = run.balancer([port for _, port in nodes])
        wait_until_ready(url)
        people, browser = run.clients(PACKET_EVERY_S=PACKET_EVERY_S), run.pages()
        called = people.ask(do="call", url=url, count=calls)
        assert not called["wrong"], called["wrong"]
        owners = people.ask(do="send_inputs")["owners"]
        people.ask(do="talk")
        page_owners = browser.ask(do="open", url=url, count=pages)
        time.sleep(SETTLE_S)
        for program in (people, browser):
            program.ask(do="listen")  # the gaps so far are those of connecting
        lost = Counter(page_owners).most_common(1)[0][0]
        os.kill(lost, signal.SIGKILL)
        ended = {index for index, owner in enumerate(owners) if owner == lost}
        ended_pages = {index for index, owner in enumerate(page_owners) if owner == lost}
        deadline = time.monotonic() + 60
        while True:
            heard, shown = people.ask(do="heard"), browser.ask(do="heard")
            talking = [bool(shown[index]["again_s"]) for index in ended_pages]
            again = {one["index"]: one["silent_s"] for one in heard["again"]}
            if ended <= again.keys() and all(talking):
                break
            assert time.monotonic() < deadline, (heard, shown)
            time.sleep(0.2)
        others = [gap for index, gap in enumerate(heard["gaps"]) if index not in again]
        others += [one["gap_s"] for index, one in enumerate(shown) if index not in ended_pages]
        return {
            "calls": calls + pages,
            "ended": len(ended) + len(ended_pages),
            "again_s": max((again[index] for index in ended), default=0.0),
            "others_again": len(again.keys() - ended),
            "pages": len(ended_pages),
            "pages_again_s": max(max(shown[index]["again_s"]) for index in ended_pages),
            "others_gap_ms": 1000 * max(others),
        }


def _node(run: Programs, python: str, cluster: bool) -> tuple[Program, int]:
    if cluster:
        return run.node()
    port = free_port()
    env: Mapping[str, str] = {} if python == sys.executable else {"PYTHONPATH": ""}
    options = ("--app-dir", str(APP_FOLDER), "--port", str(port), "--log-level", "warning")
    return run.start(python, "-m", "uvicorn", "app:app", *options, env=env), port


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            httpx.get(f"{url}/openapi.json", timeout=5).raise_for_status()
            return
        except httpx.HTTPError:
            assert time.monotonic() < deadline, f"{url} does not answer"
            time.sleep(0.1)


def _print_requests(folder: Path, given: argparse.Namespace) -> None:
    _print_head(f"{NODES} processes")
    rows = [("fastrtc, in a cluster", sys.executable, True), ("without", sys.executable, False)]
    if given.ref_python:
        rows.append(("FastRTC 0.0.34", given.ref_python, False))
    for title, python, cluster in rows:
        _print_row(title, requests(_new(folder), given.clients, python, cluster))


def _print_machines(folder: Path, given: argparse.Namespace) -> None:
    _print_head("2 machines")
    _print_row("fastrtc, in a cluster", requests_of_machines(_new(folder), given.clients))


def _print_head(where: str) -> None:
    print(f"| {where} | connected | candidates at the owner | inputs echoed |")
    print("|---|---|---|---|")


def _print_row(title: str, found: Mapping[str, Any]) -> None:
    connected = f"{found['connected']} of {found['clients']}"
    known = found.get("candidates", "not known")
    print(f"| {title} | {connected} | {known} | {found['outputs']} of {found['inputs']} |")


def _print_cost(folder: Path, given: argparse.Namespace) -> None:
    print("| request | p50 | p99 |\n|---|---|---|")
    for where, times in cost(_new(folder)).items():
        ordered = sorted(times)
        p50, p99 = statistics.median(ordered), ordered[int(0.99 * len(ordered))]
        print(f"| at the {where} | {p50:.1f} ms | {p99:.1f} ms |")


def _print_held(folder: Path, given: argparse.Namespace) -> None:
    print(
        "| processes | sessions held | cores of the processes | of the clients | of the machine |"
    )
    print("|---|---|---|---|---|")
    for processes in (1, 2):
        found = held(_new(folder), processes)
        cores = ["", "", ""]
        if (look := found.at) is not None:
            used = look.server.cores, look.client_cores, look.machine_cores
            cores = [f"{value:.2f}" for value in used]
        print(f"| {processes} | {found.held} | {' | '.join(cores)} |", flush=True)


def _print_killed(folder: Path, given: argparse.Namespace) -> None:
    found = killed(_new(folder), given.calls, given.pages)
    print(
        f"One of {NODES} processes with {found['calls']} calls was killed: {found['ended']} calls "
        f"ended. Clients in Python were heard again within {found['again_s']:.1f} s, the "
        f"{found['pages']} pages in Chromium within {found['pages_again_s']:.1f} s. The longest "
        f"gap of the others was {found['others_gap_ms']:.0f} ms; {found['others_again']} of them "
        "called again, too."
    )


PARTS: dict[str, Callable[[Path, argparse.Namespace], None]] = {
    "requests": _print_requests,
    "machines": _print_machines,
    "cost": _print_cost,
    "held": _print_held,
    "killed": _print_killed,
}
_folders = itertools.count()


def _new(folder: Path) -> Path:
    made = folder / str(next(_folders))
    made.mkdir()
    return made


def main() -> None:
    """Measure the selected parts, and print them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--clients", type=int, default=500)
    parser.add_argument("--calls", type=int, default=96, help="of the part `killed`")
    parser.add_argument("--pages", type=int, default=4, help="in Chromium, of the part `killed`")
    parser.add_argument("--ref-python", help="an interpreter with FastRTC 0.0.34")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in given.only or PARTS:
            PARTS[name](Path(folder), given)
            print(flush=True)


if __name__ == "__main__":
    main()
