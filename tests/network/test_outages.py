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


def test_both_transports_go_on_after_a_cut(tmp_path: Path) -> None:
    with network(tmp_path) as net:
        outage = Outage(net, within_s=10.0, steps=160)
        clients = [outage.connect(transport) for transport in ("webrtc", "websocket")]
        time.sleep(1.5)
        with outage.cut():
            outage.server.ask(do="send", text="meanwhile")
            for client in clients:
                client.ask(do="send", text="from the client")
            time.sleep(CUT_S)
        for client in clients:
            assert client.ask(do="wait", type="reconnected", within=10.0) is not None
        time.sleep(2.0)
        for client in clients:
            check(client.ask(do="steps"))
        happened = outage.server.ask(do="look")["happened"]
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
        outage.ended(2, within=20.0)


def check(heard: dict[str, Any], *, again: int = 2) -> None:
    """Check that no step is missing, and that few were heard twice."""
    steps = heard["steps"]
    jumps = [(one, two) for one, two in zip(steps, steps[1:], strict=False) if two != one + 1]
    assert all(0 <= one - two <= again for one, two in jumps), json.dumps(heard)
    assert len(jumps) <= 1, json.dumps(heard)
    assert steps[0] == 0
    texts = [message["data"] for message in heard["messages"] if message["type"] == "text"]
    assert texts == ["meanwhile"]
    assert heard["error"] is None
