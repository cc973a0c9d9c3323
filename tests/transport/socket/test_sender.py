import asyncio
from collections.abc import Callable

import pytest

from fastrtc.transport import stalled_client
from fastrtc.transport.socket.sender import MAX_DIRECT, SocketSender
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


class Direct(Client):
    """A client whose server knows whether it has sent everything."""

    def __init__(self) -> None:
        super().__init__()
        self.idle = True
        self.gone = False
        self.tasks: list[asyncio.Task[None] | None] = []
        self.sender = SocketSender(self.send, self.overflowed, lambda: self.idle)

    async def send(self, message: str | bytes) -> None:
        if self.gone:
            raise ConnectionError("gone")
        self.tasks.append(asyncio.current_task())
        await super().send(message)


async def test_audio_is_sent_at_once_if_everything_is_sent() -> None:
    client = Direct()
    running = asyncio.create_task(client.sender.run())
    await client.sender.send_audio("a")
    assert client.got == ["a"]
    client.sender.put("b")
    await client.sender.send_audio("c")
    client.idle = False
    await client.sender.flush(5)
    await client.sender.send_audio("d")
    assert client.got == ["a", "b", "c"]
    await client.sender.flush(5)
    client.idle = True
    large = "e" * (MAX_DIRECT + 1)
    await client.sender.send_audio(large)
    assert client.got == ["a", "b", "c", "d"]
    await client.sender.flush(5)
    assert client.got[4:] == [large]
    assert client.tasks == [asyncio.current_task(), *[running] * 4]
    await end(running)
    await client.sender.send_audio("after its end")
    assert len(client.got) == 5


async def test_what_comes_while_audio_is_sent_waits_for_its_turn() -> None:
    client = Direct()
    running = asyncio.create_task(client.sender.run())
    client.reads.clear()  # although the server knows of nothing unsent
    sending = asyncio.create_task(client.sender.send_audio("a"))
    await asyncio.sleep(0)
    client.sender.put("b")
    await client.sender.send_audio("c")
    await client.sender.flush(0.01)
    assert client.got == []
    client.reads.set()
    await client.sender.flush(5)
    assert client.got == ["a", "b", "c"]
    assert sending.done()
    await end(running)


async def test_flushing_waits_for_audio_that_is_being_sent() -> None:
    client = Direct()
    running = asyncio.create_task(client.sender.run())
    client.reads.clear()
    sending = asyncio.create_task(client.sender.send_audio("a"))
    await asyncio.sleep(0)
    flushing = asyncio.create_task(client.sender.flush(5))
    await asyncio.sleep(0.01)
    assert not flushing.done()
    client.reads.set()
    await flushing
    assert client.got == ["a"]
    await sending
    await end(running)


async def test_audio_that_is_cancelled_holds_up_nothing() -> None:
    client = Direct()
    running = asyncio.create_task(client.sender.run())
    client.reads.clear()
    sending = asyncio.create_task(client.sender.send_audio("a"))
    await asyncio.sleep(0)
    client.sender.put("b")
    await end(sending)
    client.reads.set()
    await client.sender.flush(5)
    assert client.got == ["b"]
    await end(running)


async def test_a_client_that_is_gone_ends_the_sending_task() -> None:
    client = Direct()
    running = asyncio.create_task(client.sender.run())
    await asyncio.sleep(0)
    client.gone = True
    await client.sender.send_audio("a")
    with pytest.raises(ConnectionError):
        await running
    await client.sender.send_audio("b")
    await client.sender.flush(5)
