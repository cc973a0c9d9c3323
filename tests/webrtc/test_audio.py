"""Audio between two peers in one process."""

import asyncio
import queue

import numpy as np
import pytest

from fastrtc import AsyncStreamHandler, Stream, StreamHandler, wait_for_item
from tests.support.peers import LOCAL, AudioSource, Client, eventually, tone

BURST = np.concatenate([np.zeros(24000, np.int16), tone(0.5), np.zeros(24000, np.int16)])


class Echo(AsyncStreamHandler):
    def __init__(self) -> None:
        super().__init__(input_sample_rate=24000)
        self.queue: asyncio.Queue = asyncio.Queue()
        self.calls: list[str] = []

    async def start_up(self) -> None:
        self.calls.append("start_up")

    async def receive(self, frame) -> None:
        self.queue.put_nowait(frame)

    async def emit(self):
        return await wait_for_item(self.queue)

    async def shutdown(self) -> None:
        self.calls.append("shutdown")

    def copy(self) -> "Echo":
        return Echo()


class SyncEcho(StreamHandler):
    """As in the documents, but that it does not wait for ever."""

    def __init__(self) -> None:
        super().__init__(input_sample_rate=24000)
        self.queue: queue.Queue = queue.Queue()
        self.calls: list[str] = []

    def start_up(self) -> None:
        self.calls.append("start_up")

    def receive(self, frame) -> None:
        self.queue.put(frame)

    def emit(self):
        try:
            return self.queue.get(timeout=0.1)
        except queue.Empty:
            return None

    def shutdown(self) -> None:
        self.calls.append("shutdown")

    def copy(self) -> "SyncEcho":
        return SyncEcho()


@pytest.mark.parametrize("handler", [Echo, SyncEcho])
async def test_speech_comes_back(handler) -> None:
    stream = Stream(
        handler(), modality="audio", mode="send-receive", server_rtc_configuration=LOCAL
    )
    source = AudioSource(BURST)
    async with Client(stream, audio=source) as client:
        mine = stream.handlers[client.webrtc_id]
        await eventually(lambda: len(client.loud()) >= 20)
        assert stream.connections[client.webrtc_id][0].event_handler is mine
        began = client.loud()[0][0]
        assert 0 < began - (source.started_at + 0.5) < 2
    await eventually(lambda: mine.calls == ["start_up", "shutdown"])
    assert client.states == ["connecting", "connected", "closed"]
    assert not stream.pcs and not stream.handlers and not stream.connections


async def test_blocked_emit_leaves_no_thread() -> None:
    """The documents' own handler waits for ever in `emit`."""

    class Blocking(SyncEcho):
        def emit(self):
            return self.queue.get()

        def copy(self) -> "Blocking":
            return Blocking()

    stream = Stream(
        Blocking(), modality="audio", mode="send-receive", server_rtc_configuration=LOCAL
    )
    async with Client(stream, audio=AudioSource(tone(1.0))) as client:
        await eventually(lambda: len(client.loud()) >= 20)
