"""Several processes of one machine, and a balancer that gives them requests at random."""

from __future__ import annotations

import json
import os
import signal
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.cluster.programs import Programs, programs, wait_until_ready
from tests.support.network_namespaces import Program

NODES = 4
CLIENTS = 40
CALLS = 12
ROUNDS = 3
GAP_S = 2.0
"""A longest time without a packet that a busy machine does not cause, but for stalls."""
AGAIN_S = 45.0
"""More than four times the 10 s of an idle machine: after 3 s of silence a client calls again, and
the places of the process that died are free after 5 s at the latest."""


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Programs]:
    with programs(tmp_path) as made:
        yield made


def cluster(run: Programs, **env: str) -> tuple[dict[int, Program], str]:
    """Start nodes behind a balancer; return them by process id, and its address."""
    nodes = [run.node(**env) for _ in range(NODES)]
    for _, port in nodes:
        wait_until_ready(f"http://127.0.0.1:{port}")
    url = run.balancer([port for _, port in nodes])
    wait_until_ready(url)
    return {node.pid: node for node, _ in nodes}, url


def test_each_request_finds_the_owner_of_its_connection(run: Programs) -> None:
    nodes, url = cluster(run, CONCURRENCY_LIMIT=str(CLIENTS // NODES))
    clients = run.clients()
    called = clients.ask(do="call", url=url, count=CLIENTS)
    assert not called["wrong"]
    sent = clients.ask(do="send_inputs", rounds=ROUNDS)
    assert not sent["wrong"] and not sent["reopened"]
    assert Counter(sent["owners"]) == dict.fromkeys(nodes, CLIENTS // NODES)
    refused = clients.ask(do="call", url=url)["wrong"]
    assert any("concurrency_limit_reached" in one for one in refused)


def test_a_process_that_is_killed_ends_its_own_calls_only(run: Programs) -> None:
    nodes, url = cluster(run, TOTAL_LIMIT=str(CALLS))
    clients = run.clients()
    assert not clients.ask(do="call", url=url, count=CALLS)["wrong"]
    owners = clients.ask(do="send_inputs")["owners"]
    full = run.clients()
    refused = full.ask(do="call", url=url)["wrong"]
    assert any("concurrency_limit_reached" in one for one in refused)
    clients.ask(do="talk")
    lost = Counter(owners).most_common(1)[0][0]
    os.kill(lost, signal.SIGKILL)

    ended = {index for index, owner in enumerate(owners) if owner == lost}
    deadline = time.monotonic() + 60
    while len((heard := clients.ask(do="heard"))["again"]) < len(ended):
        assert time.monotonic() < deadline, heard
        time.sleep(0.2)
    assert {one["index"] for one in heard["again"]} == ended
    assert max(one["silent_s"] for one in heard["again"]) < AGAIN_S
    others = [gap for index, gap in enumerate(heard["gaps"]) if index not in ended]
    assert max(others) < GAP_S + heard["stalled_s"], heard
    sent = clients.ask(do="send_inputs")
    assert not sent["wrong"]
    assert lost not in sent["owners"]


def test_a_balancer_sends_sockets_to_a_process_with_places(run: Programs) -> None:
    nodes = [run.node(CONCURRENCY_LIMIT="2") for _ in range(2)]
    urls = [f"http://127.0.0.1:{port}" for _, port in nodes]
    for url in urls:
        wait_until_ready(url)
    balancer = run.balancer([port for _, port in nodes])
    wait_until_ready(balancer)
    sockets = ExitStack()
    with sockets:

        def start(url: str) -> ClientConnection:
            socket = sockets.enter_context(connect(f"{url.replace('http', 'ws')}/websocket/offer"))
            socket.send(json.dumps({"event": "start", "websocket_id": uuid.uuid4().hex}))
            with suppress(ConnectionClosed):  # it was refused, and recv returns the reason
                socket.send('{"event": "ping"}')
            return socket

        for _ in range(2):
            assert "pong" in str(start(urls[0]).recv())
        with pytest.raises(InvalidStatus, match="503"):
            start(urls[0])
        for _ in range(2):
            assert "pong" in str(start(balancer).recv())
        deadline = time.monotonic() + 60
        while True:  # until the processes know of each other that they are full
            with suppress(InvalidStatus):
                assert "concurrency_limit_reached" in str(start(balancer).recv())
                break
            assert time.monotonic() < deadline
