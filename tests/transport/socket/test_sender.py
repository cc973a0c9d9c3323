import asyncio
from collections.abc import Callable

import pytest

from fastrtc.transport import stalled_client
from fastrtc.transport.socket.sender import SocketSender
from tests.support.virtual_time import virtual_time


class Client:
    """Takes messages for as long as it reads."""

    def __init__(self) -> None:
        self.got: list[str | bytes] = []
        self.reads = asyncio.Event()
        self.reads.set()
        self.overflows = 0
        self.sender = SocketSender(self.send, self.overflowed)

    async def send(self, message: str | bytes) -> None:
        await self.reads.wait()
        self.got.append(message)

    def overflowed(self) -> None:
        self.overflows += 1


async def end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


async def test_messages_go_in_order() -> None:
    client = Client()
    client.sender.put("before")
    running = asyncio.create_task(client.sender.run())
    client.sender.put("a")
    client.sender.put(b"b", audio=True)
    await client.sender.flush(5)
    client.sender.put("c")
    await client.sender.flush(5)
    assert client.got == ["before", "a", b"b", "c"]
    await end(running)
    client.sender.put("after its end")
    await client.sender.flush(5)
    assert client.got[-1] == "c"


async def test_dropping_audio_leaves_the_messages() -> None:
    client = Client()
    for number in range(3):
        client.sender.put(f"audio {number}", audio=True)
        client.sender.put(f"message {number}")
    client.sender.drop_audio()
    running = asyncio.create_task(client.sender.run())
    await client.sender.flush(5)
    assert client.got == ["message 0", "message 1", "message 2"]
    await end(running)


async def over(client: Client, done: Callable[[], bool]) -> None:
    """Say something every 10 s until it is done."""
    while not done():
        client.sender.put("0123456789")
        await asyncio.sleep(10)


@virtual_time
async def test_a_client_that_does_not_read_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stalled_client, "MAX_WAITING", 100)
    client = Client()
    client.reads.clear()
    running = asyncio.create_task(client.sender.run())
    await asyncio.wait_for(over(client, lambda: client.overflows > 0), 1000)
    client.sender.put("after its end")
    assert client.overflows == 1
    await client.sender.flush(5)  # does not wait for what is not sent any more
    await end(running)
    assert client.got == []


@virtual_time
async def test_much_at_once_is_for_a_client_that_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that takes a message every 60 s gets as much as may ever wait."""
    monkeypatch.setattr(stalled_client, "MAX_WAITING", 100)
    monkeypatch.setattr(stalled_client, "MAX_EVER", 1000)

    class Slow(Client):
        async def send(self, message: str | bytes) -> None:
            await asyncio.sleep(60)
            await super().send(message)

    client = Slow()
    running = asyncio.create_task(client.sender.run())
    client.sender.put("x" * 200)
    for number in range(80):
        client.sender.put(f"{number:010}")
    await client.sender.flush(10_000)
    assert [message for message in client.got if len(message) == 10] == [
        f"{number:010}" for number in range(80)
    ]
    for _ in range(100):
        client.sender.put("0123456789")
    assert client.overflows == 0
    client.sender.put("0123456789")
    client.sender.put("0123456789")
    assert client.overflows == 1
    await end(running)


async def test_what_was_sent_or_dropped_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stalled_client, "MAX_EVER", 100)
    client = Client()
    running = asyncio.create_task(client.sender.run())
    for _ in range(50):
        client.sender.put("0123456789")
        await client.sender.flush(5)
    client.reads.clear()
    for _ in range(50):
        client.sender.put(bytes(10), audio=True)
        client.sender.drop_audio()
    assert client.overflows == 0
    await end(running)


async def test_flushing_has_its_time() -> None:
    client = Client()
    client.reads.clear()
    running = asyncio.create_task(client.sender.run())
    client.sender.put("a")
    await client.sender.flush(0.01)
    assert client.got == []
    await end(running)


async def test_what_sending_raises_is_raised_and_ends_it() -> None:
    async def gone(message: str | bytes) -> None:
        raise ConnectionError

    sender = SocketSender(gone, lambda: None)
    sender.put("a")
    with pytest.raises(ConnectionError):
        await sender.run()
    await sender.flush(5)
