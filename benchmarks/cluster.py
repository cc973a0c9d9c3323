"""Several processes behind a balancer: which requests find their connection, and what that costs.

python -m benchmarks.cluster                       # all parts: about ten minutes
python -m benchmarks.cluster --only requests --clients 100 --ref-python /tmp/ref/bin/python

Needs haproxy, and Chromium for the part `killed`. Results are printed as Markdown tables.
"""

from __future__ import annotations

import argparse
import itertools
import os
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.cluster.programs import ROOT, Programs, programs, wait_until_ready
from tests.support.network_namespaces import Program
from tests.support.turn import free_port

__all__ = ["main"]

NODES = 4
BATCH = 50
ROUNDS = 3
APP_FOLDER = ROOT / "tests" / "cluster"

SETTLE_S = 2.0
MEASURE_S = 20.0
SESSIONS = 20
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


def held(folder: Path, workers: int) -> dict[str, float]:
    """Return the CPU time of talking sessions on *workers* processes, in cores."""
    with programs(folder) as run:
        port = free_port()
        limit = SESSIONS // workers
        server = run.serve(port, "--workers", str(workers), CONCURRENCY_LIMIT=str(limit))
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(url)
        time.sleep(SETTLE_S)
        people = run.clients()
        called = people.ask(do="call", url=url, count=SESSIONS, check=False)
        assert not called["wrong"], called["wrong"]
        people.ask(do="talk")
        time.sleep(SETTLE_S)
        pids = [server.pid, *_children(server.pid)]
        before, began = [sum(map(_cpu_s, pids)), people.cpu_s()], time.monotonic()
        time.sleep(MEASURE_S)
        took = time.monotonic() - began
        after = [sum(map(_cpu_s, pids)), people.cpu_s()]
        gaps = people.ask(do="heard")["gaps"]
        cores, clients = ((b - a) / took for a, b in zip(before, after, strict=True))
        return {"server": cores, "clients": clients, "gap": max(gaps)}


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
            if len(heard["again"]) >= len(ended) and all(talking):
                break
            assert time.monotonic() < deadline, (heard, shown)
            time.sleep(0.2)
        others = [gap for index, gap in enumerate(heard["gaps"]) if index not in ended]
        others += [one["gap_s"] for index, one in enumerate(shown) if index not in ended_pages]
        return {
            "calls": calls + pages,
            "ended": len(ended) + len(ended_pages),
            "again_s": max((one["silent_s"] for one in heard["again"]), default=0.0),
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


def _children(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [one for child in map(int, children) for one in (child, *_children(child))]


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _print_requests(folder: Path, given: argparse.Namespace) -> None:
    print(f"| {NODES} processes | connected | candidates at the owner | inputs echoed |")
    print("|---|---|---|---|")
    rows = [("fastrtc, in a cluster", sys.executable, True), ("without", sys.executable, False)]
    if given.ref_python:
        rows.append(("FastRTC 0.0.34", given.ref_python, False))
    for title, python, cluster in rows:
        found = requests(_new(folder), given.clients, python, cluster)
        of, known = found["clients"], found.get("candidates", "not known")
        connected = f"{found['connected']} of {of}"
        print(f"| {title} | {connected} | {known} | {found['outputs']} of {found['inputs']} |")


def _print_cost(folder: Path, given: argparse.Namespace) -> None:
    print("| request | p50 | p99 |\n|---|---|---|")
    for where, times in cost(_new(folder)).items():
        ordered = sorted(times)
        p50, p99 = statistics.median(ordered), ordered[int(0.99 * len(ordered))]
        print(f"| at the {where} | {p50:.1f} ms | {p99:.1f} ms |")


def _print_held(folder: Path, given: argparse.Namespace) -> None:
    print("| workers | CPU of the server | of the clients | longest gap |\n|---|---|---|---|")
    for workers in (1, 2):
        found = held(_new(folder), workers)
        server, clients = (100 * found[name] / SESSIONS for name in ("server", "clients"))
        gap = f"{1000 * found['gap']:.0f} ms"
        print(f"| {workers} | {server:.2f}% of a core per session | {clients:.2f}% | {gap} |")


def _print_killed(folder: Path, given: argparse.Namespace) -> None:
    found = killed(_new(folder), given.calls, given.pages)
    print(
        f"One of {NODES} processes with {found['calls']} calls was killed: {found['ended']} calls "
        f"ended. Clients in Python were heard again within {found['again_s']:.1f} s, the "
        f"{found['pages']} pages in Chromium within {found['pages_again_s']:.1f} s. The longest "
        f"gap of the others was {found['others_gap_ms']:.0f} ms."
    )


PARTS: dict[str, Callable[[Path, argparse.Namespace], None]] = {
    "requests": _print_requests,
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
