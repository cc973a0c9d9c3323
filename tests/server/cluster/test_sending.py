"""Inputs on an event loop that wait for another process: in order, and bounded."""

import asyncio

import pytest
from anyio import to_thread

from fastrtc.server.cluster import sending
from fastrtc.server.cluster.sending import Sender, Senders
from tests.support.virtual_time import virtual_time


class SlowProcess:
    """A process that takes 1 s for each input."""

    def __init__(self) -> None:
        self.got: list[tuple[str, bytes]] = []
        self.sender = Sender(asyncio.get_running_loop(), self.deliver)

    async def deliver(self, id: str, name: str, body: bytes) -> None:
        await asyncio.sleep(1)
        self.got.append((id, body))


@virtual_time
async def test_a_slow_process_costs_the_oldest_inputs_of_its_connection(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(sending, "MAX_UNSENT", 3)
    slow = SlowProcess()
    slow.sender.send("a", "set_input", b"0")
    await asyncio.sleep(0.5)  # it is being sent
    for number in range(1, 10):
        slow.sender.send("a", "set_input", b"%d" % number)
    slow.sender.send("b", "set_input", b"0")
    await asyncio.sleep(10)
    assert [body for id, body in slow.got if id == "a"] == [b"0", b"7", b"8", b"9"]
    assert ("b", b"0") in slow.got


@virtual_time
async def test_the_memory_of_inputs_that_wait_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sending, "MAX_UNSENT_BYTES", 1000)
    slow = SlowProcess()
    for number in range(50):
        slow.sender.send(f"{number % 2}", "set_input", bytes([number]) * 100)
    assert slow.sender._unsent_bytes == 1000
    await asyncio.sleep(20)
    assert len(slow.got) == 10 and slow.sender._unsent_bytes == 0
    slow.sender.send("0", "set_input", bytes(1000))
    await asyncio.sleep(2)
    assert len(slow.got) == 11


@virtual_time
async def test_connections_that_inputs_wait_for_are_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sending, "MAX_SENDING", 2)
    slow = SlowProcess()
    for id in "abcab":
        slow.sender.send(id, "set_input", b"")
    await asyncio.sleep(5)
    assert sorted(id for id, _ in slow.got) == ["a", "a", "b", "b"]
    await slow.sender.flush()


@virtual_time
async def test_what_is_not_sent_in_time_is_dropped_at_the_end():
    slow = SlowProcess()
    for _ in range(3):
        slow.sender.send("a", "set_input", bytes(10))
    await slow.sender.flush()
    await asyncio.sleep(10)
    assert len(slow.got) <= 1 and slow.sender._unsent_bytes == 0


async def test_inputs_in_a_thread_of_the_server_are_sent_before_there_is_a_node():
    got: list[tuple[str, bytes]] = []

    async def deliver(id: str, name: str, body: bytes) -> None:
        got.append((id, body))

    senders = Senders(list, deliver)

    def set_input(value: bytes) -> None:
        sender = senders.current()
        if sender is not None:
            sender.send("a", "set_input", value)

    await to_thread.run_sync(set_input, b"as FastAPI and Gradio do")
    await asyncio.to_thread(set_input, b"in a thread of the program")
    assert got == [("a", b"as FastAPI and Gradio do")]
