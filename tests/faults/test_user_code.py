"""User code that never comes back: replies that never yield, and threads that never end."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fastrtc import ReplyOnPause, Stream
from fastrtc.handlers.abandoned import AbandonedThreads
from fastrtc.server import places
from fastrtc.session import session
from tests.faults.disk_app import Deaf
from tests.support.bystander import assert_little, bystander
from tests.support.connections import connections_of
from tests.support.peers import LOCAL, AudioSource, Client, eventually, tone
from tests.webrtc.handlers import AsyncAudioEcho, AudioEcho


def stream_of(handler: Any) -> Stream:
    return Stream(handler, modality="audio", mode="send-receive", server_rtc_configuration=LOCAL)


async def assert_it_ends(stream: Stream, client: Client) -> None:
    """The session, at once; and its place is free for another, which is served."""
    await client.close()
    await eventually(lambda: len(connections_of(stream).registry) == 0)
    await client.over()


class Endless:
    """Replies that work for ever and give nothing; the sync one until it is let go."""

    def __init__(self) -> None:
        self.began = threading.Event()
        self.let_go = threading.Event()
        self.cancelled = False

    def sync(self, audio: Any) -> Iterator[Any]:
        self.began.set()
        self.let_go.wait()
        yield from ()

    async def on_the_loop(self, audio: Any) -> AsyncIterator[Any]:
        self.began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        yield None


@pytest.mark.parametrize("kind", ["sync", "on_the_loop"])
async def test_a_reply_that_never_yields(kind: str) -> None:
    """It keeps neither its own session from ending, nor another from being heard."""
    endless = Endless()
    reply: Callable[..., Any] = getattr(endless, kind)
    stream = stream_of(ReplyOnPause(reply, model=Deaf()))
    try:
        client = Client(stream, audio=AudioSource(tone(60)))
        await client.connect()
        await eventually(lambda: client.webrtc_id in stream.data_channels)
        stream.handlers[client.webrtc_id].trigger_response()
        await eventually(endless.began.is_set)
        async with bystander() as other, other.undisturbed() as cost:
            await other.hears(20)
            await assert_it_ends(stream, client)
        assert_little(cost)
        assert endless.cancelled == (kind == "on_the_loop")
    finally:
        endless.let_go.set()


class Leaking(AudioEcho):
    """Starts a thread for each frame, and ends none."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.let_go = threading.Event()
        self.leaked: list[threading.Thread] = []

    def receive(self, frame: Any) -> None:
        super().receive(frame)
        self.leaked.append(threading.Thread(target=self.let_go.wait, daemon=True))
        self.leaked[-1].start()


async def test_threads_that_never_end() -> None:
    """They are the program's; the session, its place and its own threads are gone all the same."""
    stream = stream_of(Leaking())
    client = Client(stream, audio=AudioSource(tone(60)))
    await client.connect()
    mine: Any = stream.handlers[client.webrtc_id]
    try:
        async with bystander() as other, other.undisturbed() as cost:
            leaked = len(mine.leaked)
            await eventually(lambda: len(mine.leaked) > leaked + 30)
            await assert_it_ends(stream, client)
        assert_little(cost)
        assert mine.calls == ["start_up", "shutdown"]
        assert all(thread.is_alive() for thread in mine.leaked)
        assert not [one for one in threading.enumerate() if client.webrtc_id in one.name]
    finally:
        mine.let_go.set()


class BlocksTheLoop(AsyncAudioEcho):
    """Waits in an async method as only sync ones may."""

    async def receive(self, frame: Any) -> None:
        await super().receive(frame)
        if len(self.heard) == 10:
            threading.Event().wait(1.0)  # noqa: ASYNC251
            self.calls.append("blocked")


async def test_async_code_that_blocks_delays_all_clients_for_as_long() -> None:
    """There is no help against it but its author; but nobody is lost, and nobody stays late."""
    stream = stream_of(BlocksTheLoop())
    async with (
        Client(stream, audio=AudioSource(tone(60))) as client,
        Client(stream_of(AsyncAudioEcho()), audio=AudioSource(tone(60))) as other,
    ):
        mine: Any = stream.handlers[client.webrtc_id]
        await eventually(lambda: "blocked" in mine.calls)
        for one in (client, other):
            before = len(one.loud())
            await eventually(lambda one=one, before=before: len(one.loud()) > before + 20)
            assert one.states == ["connecting", "connected"]
            assert not one.of_type("error")


class Blocked(AudioEcho):
    """Waits in `receive` for something that does not come, and is left behind."""

    let_go = threading.Event()

    def receive(self, frame: Any) -> None:
        self.let_go.wait()

    def emit(self) -> None:
        return None


@pytest.mark.allow_threads("fastrtc-")
async def test_threads_that_stay_blocked_are_named_and_bounded(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """Each is logged with its place; with too many, others are refused until some have ended."""
    threads = AbandonedThreads(tmp_path)
    for module in (session, places):
        monkeypatch.setattr(module, "abandoned", threads)
    monkeypatch.setattr(places, "LIMIT", 1)
    monkeypatch.setattr("fastrtc.handlers.abandoned.GRACE_S", 0.1)
    monkeypatch.setattr(session, "GRACE_S", 0.1)
    monkeypatch.setattr(Blocked, "let_go", threading.Event())
    stream = stream_of(Blocked())
    try:
        async with Client(stream, audio=AudioSource(tone(60))) as client:
            await eventually(lambda: client.session.invoker.busy("receive"))
            async with bystander() as other, other.undisturbed() as cost:
                await client.close()
                await eventually(lambda: len(threads) == 1)
                await eventually(lambda: "receive is still blocked" in caplog.text)
            assert_little(cost)
        assert "test_user_code.py" in caplog.text
        refused = Client(stream, audio=AudioSource(tone(60)))
        with pytest.raises(AssertionError, match="too_many_blocked_threads"):
            await refused.connect()
        await refused.close()
    finally:
        Blocked.let_go.set()
    await eventually(lambda: len(threads) == 0)
    async with Client(stream, audio=AudioSource(tone(60))) as client:
        await eventually(lambda: client.session.invoker.busy("receive"))
