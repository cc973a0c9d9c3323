"""How connections end: by whoever ends them, once, and without holding up anybody."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiortc import RTCDtlsTransport
from fastapi import FastAPI

from fastrtc import AsyncStreamHandler, Stream, StreamHandler
from tests.support.bystander import MachineStalls
from tests.support.connections import assert_nothing_left, connections_of
from tests.support.leaks import EXECUTOR_THREAD, open_sockets
from tests.support.peers import (
    LOCAL,
    PATIENCE_S,
    AudioSource,
    Client,
    VideoSource,
    eventually,
    tone,
)
from tests.support.stalls import Stalls
from tests.webrtc.handlers import (
    AsyncAudioEcho,
    AsyncAudioVideoEcho,
    AudioEcho,
    AudioVideoEcho,
    flip,
)

WHOLE_LIFE = ["new", "live", "closing", "closed"]
Trace = dict[str, list[str]]


def stream_of(handler: Any, **options: Any) -> Stream:
    options = {"server_rtc_configuration": LOCAL, "modality": "audio", **options}
    return Stream(handler, **options)


class Ending(AudioEcho):
    def reset(self) -> None:
        super().reset()
        self.calls.append("reset")


class AsyncEnding(AsyncAudioEcho):
    def reset(self) -> None:
        super().reset()
        self.calls.append("reset")


class SyncShutdown(AsyncEnding):
    """An async handler whose `shutdown` is sync, which is allowed as well."""

    def shutdown(self) -> None:  # type: ignore[override]
        super(AsyncAudioEcho, self).shutdown()
        self.calls.append("shutdown")


class AsyncShutdown(Ending):
    async def shutdown(self) -> None:  # type: ignore[override]
        await super(AudioEcho, self).shutdown()
        await asyncio.sleep(0.01)
        self.calls.append("shutdown")


@pytest.mark.parametrize("handler", [Ending, AsyncEnding, SyncShutdown, AsyncShutdown])
@pytest.mark.parametrize("in_thread", [False, True])
async def test_clean_up(handler: Any, in_thread: bool, trace: Trace) -> None:
    stream = stream_of(handler())
    async with Client(stream, audio=AudioSource(tone(9))) as client:
        mine = stream.handlers[client.webrtc_id]
        await eventually(lambda: len(client.loud()) >= 5)
        callbacks = stream.connections[client.webrtc_id]
        if in_thread:
            removed = await asyncio.to_thread(stream.clean_up, client.webrtc_id)
            await eventually(lambda: client.webrtc_id not in stream.connections)
        else:
            removed = stream.clean_up(client.webrtc_id)
        assert removed == callbacks and len(removed) == 1
        assert_dicts_are_free_of(stream, client.webrtc_id)
        assert stream.clean_up(client.webrtc_id) == []
        assert stream.clean_up("nobody") == []
        await client.state("closed")
    assert mine.calls == ["start_up", "shutdown", "reset"]
    assert trace[client.webrtc_id] == WHOLE_LIFE
    assert_nothing_left(stream)


def assert_dicts_are_free_of(stream: Stream, webrtc_id: str) -> None:
    for by_id in (stream.pcs, stream.handlers, stream.connections, stream.connection_timeouts):
        assert webrtc_id not in by_id
    assert len(connections_of(stream).registry) == 0


HANDLERS = {
    "sync": (AudioEcho, "audio"),
    "async": (AsyncAudioEcho, "audio"),
    "audio-video": (AudioVideoEcho, "audio-video"),
    "async-audio-video": (AsyncAudioVideoEcho, "audio-video"),
    "function": (lambda: flip, "video"),
}


@pytest.mark.parametrize(("make", "modality"), HANDLERS.values(), ids=HANDLERS)
async def test_client_vanishes(make: Any, modality: str, fast_consent: None, trace: Trace) -> None:
    """No goodbye, no packet, no answer: it is noticed, and all is as after a goodbye."""
    stream = stream_of(make(), modality=modality)
    tracks: dict[str, Any] = {}
    if "audio" in modality:
        tracks["audio"] = AudioSource(tone(20))
    if "video" in modality:
        tracks["video"] = VideoSource()
    client = Client(stream, **tracks)
    await client.connect()
    mine = stream.handlers[client.webrtc_id]
    await eventually(lambda: client.packets)
    await client.vanish()
    assert client.webrtc_id in stream.pcs  # nobody knows yet
    await eventually(lambda: client.webrtc_id not in stream.pcs)
    await client.over()
    if modality != "video":
        assert mine.calls == ["start_up", "shutdown"]
    assert client.session.reason.text == "the client vanished"
    assert trace[client.webrtc_id] == WHOLE_LIFE
    assert_nothing_left(stream)


async def test_vanishing_is_abrupt() -> None:
    """The test's own tool: from one moment on no datagram at all comes to the server."""
    stream = stream_of(AsyncAudioEcho(), modality="audio")
    client = Client(stream, audio=AudioSource(tone(9)))
    await client.connect()
    await eventually(lambda: len(client.loud()) >= 5)
    transport = stream.pcs[client.webrtc_id].getTransceivers()[0].receiver.transport
    came: list[bytes] = []
    for protocol in transport.transport._connection._protocols:
        received = protocol.datagram_received

        def noted(data: bytes, address: Any, received: Any = received) -> None:
            came.append(data)
            received(data, address)

        protocol.datagram_received = noted
    await eventually(lambda: len(came) > 10)
    vanishing = asyncio.ensure_future(client.vanish())
    await asyncio.sleep(0)
    await asyncio.sleep(0.3)  # what had been sent before
    before = len(came)
    await vanishing
    await asyncio.sleep(0.3)
    assert len(came) == before and client.webrtc_id in stream.pcs
    stream.clean_up(client.webrtc_id)
    await client.over()


async def test_silent_client_is_no_vanished_client(fast_consent: None) -> None:
    """One that only listens, to nothing, stays for as long as it answers."""
    stream = stream_of(AsyncAudioEcho())
    async with Client(stream, audio=AudioSource(tone(0.1), then_nothing=True)) as client:
        await asyncio.sleep(5.0)  # twice as long as a vanished one is waited for
        assert client.states == ["connecting", "connected"]
        assert client.webrtc_id in stream.pcs


async def test_same_id_again_and_again(trace: Trace) -> None:
    stream = stream_of(AsyncAudioEcho())
    for _ in range(3):
        async with Client(stream, audio=AudioSource(tone(9)), webrtc_id="again") as client:
            await eventually(lambda client=client: len(client.loud()) >= 3)
            stream.clean_up("again")  # the place is free before the client even knows
    assert trace["again"] == WHOLE_LIFE * 3


async def test_program_closes_the_connection_itself(trace: Trace) -> None:
    stream = stream_of(AsyncAudioEcho())
    async with Client(stream, audio=AudioSource()) as client:
        mine = stream.handlers[client.webrtc_id]
        await eventually(lambda: mine.calls)
        await stream.pcs[client.webrtc_id].close()
        await eventually(lambda: not stream.pcs)
        await client.over()
    assert mine.calls == ["start_up", "shutdown"]
    assert trace[client.webrtc_id] == WHOLE_LIFE


async def test_closed_at_the_moment_it_is_established(monkeypatch: pytest.MonkeyPatch) -> None:
    """aiortc then starts what it has stopped; the fixture of all tests would find its tasks."""
    stream = stream_of(AsyncAudioEcho())
    client = Client(stream, audio=AudioSource())
    original = RTCDtlsTransport.start
    closings: list[asyncio.Future[None]] = []

    async def start(self: RTCDtlsTransport, parameters: Any) -> None:
        await original(self, parameters)
        pc = stream.pcs.get(client.webrtc_id)
        if pc is not None and self is pc.getTransceivers()[0].receiver.transport:
            closings.append(asyncio.ensure_future(pc.close()))
            await asyncio.sleep(0)

    monkeypatch.setattr(RTCDtlsTransport, "start", start)
    await client.call()
    await eventually(lambda: closings and not stream.pcs)
    await asyncio.gather(*closings)
    await client.close()
    await client.over()


@asynccontextmanager
async def own_lifespan(app: FastAPI) -> AsyncIterator[dict[str, int]]:
    app.state.log.append("started")
    yield {"from": 1}
    app.state.log.append("stopped")


async def test_server_that_stops_closes_its_sessions(
    trace: Trace, capsys: pytest.CaptureFixture[str]
) -> None:
    app = FastAPI(lifespan=own_lifespan)
    app.state.log = []
    stream = stream_of(AsyncAudioEcho(), concurrency_limit=3)
    stream.mount(app)
    clients = [Client(stream, audio=AudioSource(tone(9))) for _ in range(3)]
    outputs: list[Any] = []
    async with app.router.lifespan_context(app) as state:
        assert state == {"from": 1} and app.state.log == ["started"]
        for client in clients:
            await client.connect()
            await eventually(lambda client=client: client.webrtc_id in stream.data_channels)

        async def read() -> None:
            async for output in stream.output_stream(clients[0].webrtc_id):
                outputs.append(output)

        reader = asyncio.ensure_future(read())
        await asyncio.sleep(0)
        handlers = list(stream.handlers.values())
    assert_nothing_left(stream)
    assert app.state.log == ["started", "stopped"]
    assert "fastrtc" in capsys.readouterr().out
    await reader
    for client, mine in zip(clients, handlers, strict=True):
        assert mine.calls == ["start_up", "shutdown"]
        assert trace[client.webrtc_id] == WHOLE_LIFE
        assert (await client.message("end_stream"))["data"] == "The server stops"
        await client.state("closed")
        await client.close()


# --- User code that does as it likes ---------------------------------------------------------


class LongStartUp(AsyncAudioEcho):
    """Holds a connection of its own open for the whole session, and closes it in the end."""

    async def start_up(self) -> None:
        self.calls.append("open")
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)
            self.calls.append("closed")


async def test_start_up_for_the_whole_session() -> None:
    stream = stream_of(LongStartUp())
    async with Client(stream, audio=AudioSource(tone(9))) as client:
        mine = stream.handlers[client.webrtc_id]
        await eventually(lambda: len(client.loud()) >= 5)
    assert mine.calls == ["open", "closed", "shutdown"]


class Stubborn(AsyncStreamHandler):
    """Forgets that it was cancelled, as `asyncio.wait_for` sometimes does (Python < 3.12)."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = self.forgot = 0

    def copy(self) -> "Stubborn":
        return Stubborn()

    async def start_up(self) -> None:
        await self.forget()

    async def receive(self, frame: Any) -> None:
        await self.forget()

    async def emit(self) -> Any:
        self.asked += 1
        await self.forget()

    async def forget(self) -> None:
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            self.forgot += 1


async def test_forgotten_cancellation() -> None:
    stream = stream_of(Stubborn())
    async with Client(stream, audio=AudioSource()) as client:
        mine = stream.handlers[client.webrtc_id]
        await eventually(lambda: mine.asked == 1)
    assert mine.asked == 1 and 2 <= mine.forgot <= 3


class Blocked(StreamHandler):
    """Waits in one of its methods until it is let go."""

    let_go = threading.Event()

    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where
        self.waiting: set[str] = set()
        self.calls: list[str] = []

    def copy(self) -> "Blocked":
        return Blocked(self.where)

    def stop(self, method: str) -> None:
        if method == self.where:
            self.waiting.add(method)
            self.let_go.wait()

    def start_up(self) -> None:
        self.stop("start_up")

    def receive(self, frame: Any) -> None:
        self.stop("receive")

    def emit(self) -> Any:
        self.stop("emit")

    def shutdown(self) -> None:
        self.calls.append("shutdown")


async def test_blocked_methods_hold_up_no_other_session() -> None:
    """Row 3: not one of them, nor all together, and not the end of their own sessions."""
    Blocked.let_go.clear()
    wheres = ["start_up", "receive", "emit"] * 4
    streams = [stream_of(Blocked(where)) for where in wheres]
    clients = [Client(stream, audio=AudioSource()) for stream in streams]
    stalls = Stalls()
    stalls.watch()
    try:
        for client in clients:
            await client.connect()
        handlers = [s.handlers[c.webrtc_id] for s, c in zip(streams, clients, strict=True)]
        await eventually(lambda: all(h.waiting == {h.where} for h in handlers))
        for handler in (AudioEcho, AsyncAudioEcho):
            async with Client(stream_of(handler()), audio=AudioSource(tone(9))) as client:
                await eventually(lambda client=client: len(client.loud()) >= 20)
                first, last = client.loud()[0][0], client.loud()[19][0]
                # 0.4 s on a machine that has nothing else to do
                assert last - first < 2.0 + stalls.longest(first, last)
        for client in clients:
            await client.close()
        for client in clients:
            await client.over()
        assert all(handler.calls == ["shutdown"] for handler in handlers)
    finally:
        stalls.end()
        Blocked.let_go.set()


def alive() -> set[Any]:
    """Return the tasks and threads that there are, and the inodes of the sockets."""
    threads = [t for t in threading.enumerate() if not EXECUTOR_THREAD.fullmatch(t.name)]
    return {*asyncio.all_tasks(), *threads, *open_sockets()}


@pytest.mark.parametrize("make", [AudioVideoEcho, AsyncAudioVideoEcho])
async def test_what_a_session_has_begun_is_gone_within_a_second_of_its_end(make: Any) -> None:
    """Row 7: tasks, threads and sockets."""
    before = alive()
    stream = stream_of(make(), modality="audio-video")
    async with Client(stream, audio=AudioSource(tone(60)), video=VideoSource()) as client:
        await eventually(lambda: len(client.loud()) > 3 and len(client.video_frames) > 3)
        assert alive() > before
    stalls, ended = MachineStalls(), time.monotonic()
    while left := alive() - before:
        assert time.monotonic() < ended + 1.0 + stalls.so_far(), left
        await asyncio.sleep(0.02)


class Hanging(AsyncAudioEcho):
    """Does not come to the end of its shutdown."""

    let_go: asyncio.Event

    async def shutdown(self) -> None:
        await self.let_go.wait()


async def test_a_shutdown_that_hangs_keeps_no_place() -> None:
    Hanging.let_go = asyncio.Event()
    stream = stream_of(Hanging())
    first = Client(stream, audio=AudioSource())
    await first.connect()
    await first.close()
    await eventually(lambda: len(connections_of(stream).registry) == 0)
    second = Client(stream, audio=AudioSource())
    await second.connect()
    assert not first.session.closed.is_set()
    Hanging.let_go.set()
    for client in (first, second):
        await client.close()
        await client.over()


REPLIES = 24


class Thinking(StreamHandler):
    """Replies when all others do, blocking its thread until then."""

    together: threading.Barrier

    def __init__(self) -> None:
        super().__init__()
        self.done = threading.Event()

    def copy(self) -> "Thinking":
        return Thinking()

    def receive(self, frame: Any) -> None:
        pass

    def emit(self) -> Any:
        if self.done.is_set():
            self.done.wait()
            time.sleep(0.05)
            return None
        self.together.wait(2 * PATIENCE_S)
        self.done.set()
        return 24000, tone(0.5)[::2]


async def test_blocking_replies_overlap() -> None:
    """Row 3: 24 replies that block until all of them do."""
    Thinking.together = threading.Barrier(REPLIES)
    stream = stream_of(Thinking(), concurrency_limit=REPLIES)
    clients = [
        Client(stream, audio=AudioSource(tone(0.02), then_nothing=True)) for _ in range(REPLIES)
    ]
    try:
        await asyncio.gather(*(client.connect() for client in clients))
        await eventually(lambda: all(client.loud() for client in clients), 2 * PATIENCE_S)
    finally:
        Thinking.together.abort()
        await asyncio.gather(*(client.close() for client in clients))
        await asyncio.gather(*(client.over() for client in clients))
    assert_nothing_left(stream)
