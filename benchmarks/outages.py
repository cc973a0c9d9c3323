"""Sessions whose network is lost, and that are resumed: `python -m benchmarks.outages [WHAT]`.

It needs root, for network namespaces. WHAT is one of:

    cuts       a Python client over each transport: 3 s and 20 s without a network, and a server
               whose address changes; prints which steps of 0.1 s were missing or heard twice
    many       200 sessions (`--count`), cut and resumed; half of the clients never return from a
               second cut. Prints tasks, threads and open files of the server before and after
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.network.outages import NAME, PORT, Outage
from tests.support.network_namespaces import network

WITHIN_S = 30.0
LISTEN_S = 6.0


def jumps(steps: list[int]) -> tuple[int, int]:
    """Return how many steps are missing, and how many were heard twice."""
    missing = twice = 0
    for one, two in zip(steps, steps[1:], strict=False):
        ahead = (two - one) % 100
        if 1 < ahead < 50:
            missing += ahead - 1
        elif ahead >= 50:
            twice += 100 - ahead + 1
    return missing, twice


def cut(transport: str, seconds: float | None) -> None:
    """Cut the network of a client for so long; None changes the server's address."""
    with tempfile.TemporaryDirectory() as folder, network(Path(folder)) as net:
        outage = Outage(net, WITHIN_S, round(10 * ((seconds or 0) + 20)))
        client = outage.connect(transport)
        time.sleep(3)
        began = time.monotonic()
        if seconds is None:
            outage.move()
        else:
            with outage.cut():
                for text in ("1", "2", "3"):
                    outage.server.ask(do="send", text=text)
                    client.ask(do="send", text=text)
                time.sleep(seconds)
                began = time.monotonic()
        resumed = client.ask(do="wait", type="reconnected", within=8.0 if seconds == 3 else 25.0)
        back_s = time.monotonic() - began
        time.sleep(LISTEN_S)
        heard, seen = client.ask(do="steps"), outage.server.ask(do="look")
        client.ask(do="close")
        outage.ended(1, within=WITHIN_S + 10)
        missing, twice = jumps(heard["steps"])
        what = "another address" if seconds is None else f"{seconds:g} s"
        back = f"resumed after {back_s:.1f} s" if resumed is not None else "not resumed"
        got = [one[1]["data"] for one in seen["happened"] if one[0] == "message"]
        texts = [one["data"] for one in heard["messages"] if one["type"] == "text"]
        print(
            f"{transport:10} {what:16} {back:22} missing {missing}, twice {twice}, "
            f"messages {texts} / {got}, handlers "
            f"{len({one[1] for one in seen['happened'] if one[0] == 'start_up'})}"
        )


def many(count: int, transport: str, within_s: float = 20.0) -> None:
    """Cut and resume many sessions; then half of the clients do not return."""
    with tempfile.TemporaryDirectory() as folder, network(Path(folder)) as net:
        outage = Outage(net, within_s, 30)
        url = f"http://{NAME}:{PORT}"

        def look() -> dict[str, Any]:
            seen: dict[str, Any] = outage.server.ask(do="look")
            print({name: seen[name] for name in ("tasks", "threads", "files", "tables")})
            return seen

        warm = outage.start_client()
        warm.ask(do="many", url=url, transport=transport, count=1)
        warm.ask(do="close")
        outage.ended(1)
        look()
        clients = [outage.start_client() for _ in range(2)]
        for client in clients:
            client.tell(do="many", url=url, transport=transport, count=count // 2)
        print("connected", [client.read() for client in clients])
        look()
        with outage.cut():
            time.sleep(10)
        time.sleep(10)
        print("after a cut of 10 s", [client.ask(do="returned") for client in clients])
        look()
        with outage.cut():
            clients[1].stop()
        began = time.monotonic()
        clients[0].ask(do="close")
        outage.ended(1 + count, within=within_s + 60)
        print(f"all ended {time.monotonic() - began:.1f} s after half of the clients vanished")
        time.sleep(2)
        seen = look()
        ends: dict[str, int] = {}
        for kind, *rest in seen["happened"]:
            if kind == "disconnected":
                ends[rest[1]] = ends.get(rest[1], 0) + 1
        print(ends)


def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", nargs="?", choices=("cuts", "many"), default="cuts")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--transport", choices=("webrtc", "websocket"))
    options = parser.parse_args()
    transports = [options.transport] if options.transport else ["webrtc", "websocket"]
    for transport in transports:
        if options.what == "many":
            many(options.count, transport)
            continue
        for seconds in (3.0, 20.0, None):
            cut(transport, seconds)


if __name__ == "__main__":
    main()
