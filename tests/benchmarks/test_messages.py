"""What a WebSocket message costs: the echoes that are compared do the same work."""

import base64
import contextlib
import json
from pathlib import Path

import pytest

from benchmarks import messages
from benchmarks.client.load import taken
from benchmarks.messages import PARTS, SERVERS, run, written
from benchmarks.packets import VirtualLoop, shares

LOOP = "main (benchmarks/messages.py:1);BaseEventLoop._run_once (asyncio/base_events.py:1922)"


@pytest.mark.parametrize("server", SERVERS)
def test_each_echo_answers_each_message(server, monkeypatch):
    monkeypatch.setattr(messages, "WARM_UP", 0.2)
    monkeypatch.setattr(messages, "WINDOW", 0.4)
    loop = VirtualLoop()
    try:
        app = SERVERS[server]("echo-async")
        used, sent = loop.run_until_complete(run(app, 2, contextlib.nullcontext))
    finally:
        loop.close()
    assert used > 0
    assert sent == 2 * 20


def test_a_client_sends_a_second_in_50_messages():
    sizes = []
    for message in written():
        opcode, payload = taken(bytearray(message[:1]) + unmasked(message))
        assert opcode == 1
        sizes.append(len(base64.b64decode(json.loads(payload)["media"]["payload"])))
    assert sizes == [480] * 50


def unmasked(message: bytes) -> bytes:
    """The rest of a frame without its mask, which is all zeros, as a server writes it."""
    return bytes([message[1] & 127]) + message[2:4] + message[8:]


def test_the_parts_of_a_message(tmp_path: Path) -> None:
    file = tmp_path / "stacks"
    read = "WebSocketsSansIOProtocol.handle_text (uvicorn/protocols/websockets/x.py:1)"
    write = "_SelectorSocketTransport.write (asyncio/selector_events.py:1)"
    file.write_text(
        f"{LOOP};{read} 30\n{LOOP};{read};{write} 20\n"
        f"{LOOP};BrowserMessages.receive (fastrtc/transport/socket/messages.py:1) 10\n"
        f"{LOOP};SocketSender.put (fastrtc/transport/socket/sender.py:1) 40\n"
        f"{LOOP};sampling (benchmarks/packets.py:1) 100\n"
    )
    assert shares(file, PARTS) == {
        "limits and queue of the socket": 0.4,
        "uvicorn and websockets": 0.3,
        "uvicorn: system calls": 0.2,
        "JSON and base64": 0.1,
    }
