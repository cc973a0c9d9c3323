"""Open WebSockets whose clients have not started: without a server."""

import re
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from starlette.websockets import WebSocket, WebSocketState

from fastrtc.client.web_socket import FULL_PAUSES_S
from fastrtc.server.starting_sockets import STARTING_S, StartingSockets

SOCKET_LINK = Path(__file__).parents[2] / "frontend" / "client" / "socket_link.ts"


def socket() -> WebSocket:
    async def unused(*_: Any) -> Any:
        raise AssertionError

    return WebSocket({"type": "websocket"}, unused, unused)


def test_sockets_count_until_they_start_close_or_are_gone() -> None:
    starting, sockets = StartingSockets(), [socket() for _ in range(4)]
    for one in sockets:
        starting.add(one)
    assert len(starting) == 4
    starting.discard(sockets[0])
    starting.discard(sockets[0])
    assert len(starting) == 3
    sockets[1].client_state = WebSocketState.DISCONNECTED
    assert len(starting) == 2
    del one, sockets[2:]
    assert len(starting) == 0


def test_sockets_that_never_start_count_for_a_short_time(monkeypatch: pytest.MonkeyPatch) -> None:
    starting, idle = StartingSockets(), socket()
    starting.add(idle)
    now = time.monotonic()
    monkeypatch.setattr("fastrtc.server.starting_sockets.time.monotonic", lambda: now + STARTING_S)
    assert len(starting) == 0


def test_sockets_of_other_event_loops_may_come_while_they_are_counted() -> None:
    starting, sockets = StartingSockets(), [socket() for _ in range(300)]
    for one in sockets:
        starting.add(one)
    ended = threading.Event()

    def come_and_go() -> None:
        while not ended.is_set():
            other = socket()
            starting.add(other)
            starting.discard(other)

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        until, old_at = time.process_time() + 0.5, time.monotonic() + STARTING_S / 2
        while time.process_time() < until and time.monotonic() < old_at:
            assert len(starting) in (300, 301)
    finally:
        ended.set()
        thread.join()


def test_clients_that_are_refused_try_for_longer_than_a_socket_counts() -> None:
    found = re.search(r"FULL_WAITS = \[([\d, ]+)\]", SOCKET_LINK.read_text(encoding="utf-8"))
    assert found is not None
    waits_s = [int(wait) / 1000 for wait in found[1].split(",")]
    for pauses in (waits_s, FULL_PAUSES_S):
        assert sum(pauses) > STARTING_S + 0.2
