"""Python clients whose network is cut: the reply goes on where it stopped, and nothing is lost.

`benchmarks/outages.py` does the same for longer, and with many clients.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from tests.network.outages import Outage
from tests.support.network_namespaces import network

CUT_S = 8.0
"""Longer than the clients wait before they resume."""
MORE_STEPS = 10
"""How many steps of 0.1 s are to be heard after the clients are back."""


def test_both_transports_go_on_after_a_cut(tmp_path: Path) -> None:
    with network(tmp_path) as net:
        outage = Outage(net, within_s=30.0, steps=250)
        clients = [outage.connect(transport) for transport in ("webrtc", "websocket")]
        time.sleep(1.5)
        with outage.cut():
            outage.server.ask(do="send", text="meanwhile")
            for client in clients:
                client.ask(do="send", text="from the client")
            time.sleep(CUT_S)
        for client in clients:
            assert client.ask(do="wait", type="reconnected", within=30.0) is not None
        for client in clients:
            wait_until_heard(client)
            check(client.ask(do="steps"))
        happened = wait_until_happened(outage.server, 6)
        for client in clients:
            client.ask(do="close")
        assert sorted(kind for kind, *_ in happened) == [
            "message",
            "message",
            "reconnected",
            "reconnected",
            "start_up",
            "start_up",
        ]
        outage.ended(2, within=40.0)


def wait_until_heard(client: Any) -> None:
    """Wait until a client has the message, and has heard more of the reply."""
    after = MORE_STEPS + client.ask(do="steps")["steps"][-1]
    deadline = time.monotonic() + 30
    while True:
        heard = client.ask(do="steps")
        texts = [message for message in heard["messages"] if message["type"] == "text"]
        if texts and heard["steps"][-1] >= after:
            break
        assert time.monotonic() < deadline, json.dumps(heard)
        time.sleep(0.5)


def wait_until_happened(server: Any, count: int) -> list[Any]:
    """Wait until so much has happened at the server, and return it."""
    deadline = time.monotonic() + 30
    while len(happened := server.ask(do="look")["happened"]) < count:
        assert time.monotonic() < deadline, happened
        time.sleep(0.1)
    return happened


def check(heard: dict[str, Any], *, again: int = 2) -> None:
    """Check that no steps are missing, and that few were heard twice.

    A stall of the machine where audio begins again may make one step unrecognizable.
    """
    steps = heard["steps"]
    jumps = [(one, two) for one, two in zip(steps, steps[1:], strict=False) if two != one + 1]
    assert all(-2 <= one - two <= again for one, two in jumps), json.dumps(heard)
    assert len(jumps) <= 1, json.dumps(heard)
    assert steps[0] == 0
    texts = [message["data"] for message in heard["messages"] if message["type"] == "text"]
    assert texts == ["meanwhile"]
    assert heard["error"] is None
