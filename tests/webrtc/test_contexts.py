"""Which connection the running code belongs to, and what its caller had set."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from typing import Any

import numpy as np
import pytest

from fastrtc import (
    AsyncAudioVideoStreamHandler,
    AudioVideoStreamHandler,
    Stream,
    get_current_context,
)
from fastrtc.utils import current_channel
from tests.support.peers import LOCAL, AudioSource, Client, VideoSource, eventually
from tests.webrtc.handlers import AsyncAudioEcho, flip, red_on_top

caller: ContextVar[str] = ContextVar("caller", default="nobody")
METHODS = {"copy", "start_up", "receive", "emit", "video_receive", "video_emit"}


class Noting:
    """Notes in which context and thread each method runs."""

    def __init__(self) -> None:
        super().__init__()
        self.noted: dict[str, set[tuple[str, Any, str, bool]]] = {}

    def note(self, method: str) -> None:
        context = get_current_context()
        on_main = threading.current_thread() is threading.main_thread()
        self.noted.setdefault(method, set()).add(
            (context.webrtc_id, context.websocket, caller.get(), on_main)
        )

    def copy(self) -> Any:
        made = type(self)()
        made.note("copy")
        return made


class Sync(Noting, AudioVideoStreamHandler):
    def start_up(self) -> None:
        self.note("start_up")

    def receive(self, frame: Any) -> None:
        self.note("receive")

    def emit(self) -> Any:
        self.note("emit")

    def video_receive(self, frame: Any) -> None:
        self.note("video_receive")

    def video_emit(self) -> Any:
        self.note("video_emit")

    def shutdown(self) -> None:
        self.note("shutdown")

    def reset(self) -> None:
        self.note("reset")
        super().reset()


class Async(Noting, AsyncAudioVideoStreamHandler):
    async def start_up(self) -> None:
        self.note("start_up")
        await asyncio.create_task(self.child())

    async def child(self) -> None:
        self.note("child")

    async def receive(self, frame: Any) -> None:
        self.note("receive")

    async def emit(self) -> Any:
        self.note("emit")

    async def video_receive(self, frame: Any) -> None:
        self.note("video_receive")

    async def video_emit(self) -> Any:
        self.note("video_emit")

    async def shutdown(self) -> None:
        self.note("shutdown")


@pytest.mark.parametrize("handler", [Sync, Async])
async def test_context_in_every_method(handler: Any) -> None:
    stream = Stream(
        handler(), modality="audio-video", server_rtc_configuration=LOCAL, concurrency_limit=2
    )
    clients = [Client(stream, audio=AudioSource(), video=VideoSource()) for _ in range(2)]
    handlers = []
    for number, client in enumerate(clients):
        caller.set(f"caller {number}")
        await client.connect()
        handlers.append(stream.handlers[client.webrtc_id])
    caller.set("somebody else")
    for mine in handlers:
        await eventually(lambda mine=mine: METHODS <= mine.noted.keys())
    for client in clients:
        await client.close()
        await client.over()
    for number, (client, mine) in enumerate(zip(clients, handlers, strict=True)):
        assert "shutdown" in mine.noted
        assert ("reset" if handler is Sync else "child") in mine.noted
        for method, noted in mine.noted.items():
            on_main = method == "shutdown" or (handler is Async and method != "copy")
            assert noted == {(client.webrtc_id, None, f"caller {number}", on_main)}, method
    with pytest.raises(RuntimeError):
        get_current_context()


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("modality", ["audio", "video"])
async def test_context_in_generators(is_async: bool, modality: str) -> None:
    noted: list[tuple[str, str]] = []

    def note() -> Any:
        noted.append((get_current_context().webrtc_id, caller.get()))
        return red_on_top() if modality == "video" else (24000, np.full(480, 5000, np.int16))

    def give() -> Iterator[Any]:
        try:
            for _ in range(5):
                yield note()
        finally:
            note()

    async def give_async() -> AsyncIterator[Any]:
        try:
            for _ in range(5):
                await asyncio.sleep(0)
                yield note()
        finally:
            note()

    handler = give_async if is_async else give
    stream = Stream(handler, modality=modality, mode="receive", server_rtc_configuration=LOCAL)
    caller.set("me")
    async with Client(stream, **{modality: "recvonly"}) as client:
        caller.set("somebody else")
        await client.state("closed")
    assert noted == [(client.webrtc_id, "me")] * 6


@pytest.mark.parametrize("is_async", [False, True])
async def test_context_in_functions(is_async: bool) -> None:
    noted: set[str] = set()

    def function(frame: np.ndarray) -> np.ndarray:
        noted.add(get_current_context().webrtc_id)
        return flip(frame)

    async def function_async(frame: np.ndarray) -> np.ndarray:
        return function(frame)

    handler = function_async if is_async else function
    stream = Stream(handler, server_rtc_configuration=LOCAL, concurrency_limit=2)
    async with (
        Client(stream, video=VideoSource()) as one,
        Client(stream, video=VideoSource()) as two,
    ):
        await eventually(lambda: noted == {one.webrtc_id, two.webrtc_id})


async def test_context_variables_of_a_connection_are_its_own() -> None:
    """What one handler sets is neither seen by another, nor by the caller."""
    seen: list[str] = []

    class Setting(Async):
        async def start_up(self) -> None:
            seen.append(caller.get())
            caller.set(get_current_context().webrtc_id)

    stream = Stream(
        Setting(), modality="audio", server_rtc_configuration=LOCAL, concurrency_limit=2
    )
    caller.set("me")
    async with (
        Client(stream, audio=AudioSource()),
        Client(stream, audio=AudioSource()),
    ):
        await eventually(lambda: len(seen) == 2)
    assert seen == ["me", "me"] and caller.get() == "me"


async def test_the_channel_is_known_where_the_code_runs() -> None:
    seen: list[Any] = []

    class Sending(AsyncAudioEcho):
        async def receive(self, frame: Any) -> None:
            seen.append(current_channel.get())
            await super().receive(frame)

    stream = Stream(Sending(), modality="audio", server_rtc_configuration=LOCAL)
    async with Client(stream, audio=AudioSource()) as client:
        await eventually(lambda: seen and seen[-1] is not None)
        assert seen[-1] is stream.data_channels[client.webrtc_id]
    assert current_channel.get() is None
