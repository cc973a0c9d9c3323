"""The table of threads in docs/handlers.md: on which each callback runs."""

import asyncio
import re
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from fastrtc import (
    AdditionalOutputs,
    AsyncAudioVideoStreamHandler,
    AudioVideoStreamHandler,
    ReplyOnPause,
)
from fastrtc.core.context import Call
from fastrtc.reply_on_pause import _conversation
from fastrtc.server.authorization import refusal_of
from fastrtc.transport.socket.connection import end_call
from fastrtc.transport.socket.keys import Keys
from fastrtc.transport.telephony.twilio import Twilio
from fastrtc.transport.webrtc.configuration import resolve_configuration
from fastrtc.ui.outputs import OutputsEvent
from tests.faults.in_process import CHUNK, LOUD, PICTURE, Ears, Rig, connected
from tests.support.peers import LOCAL, AudioSource, Client, eventually
from tests.webrtc.handlers import AsyncAudioEcho

PAGE = Path(__file__).parents[2] / "docs" / "handlers.md"
ROWS = {
    cells[0]: cells[2]
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if len(cells := [cell.strip() for cell in line.strip("|").split("|")]) == 3
    and re.search(r"event loop|thread|`set_input`", cells[2])
}


class Places:
    """Where functions were called: on the event loop, or in a thread."""

    def __init__(self) -> None:
        self.of: dict[str, set[str]] = {}

    def note(self, name: str) -> None:
        try:
            asyncio.get_running_loop()
            running = True
        except RuntimeError:
            running = False
        on_loop = threading.current_thread() is threading.main_thread()
        assert running == on_loop
        self.of.setdefault(name, set()).add("event loop" if on_loop else "thread")

    def check(self, row: str, *names: str) -> None:
        """Compare what was noted with a row of the table."""
        documented = re.match("event loop|thread|another thread", ROWS.pop(row))
        assert documented is not None
        expected = documented[0].removeprefix("another ")
        assert {name: self.of.get(name) for name in names} == {name: {expected} for name in names}


METHODS = ("start_up", "receive", "emit", "video_receive", "video_emit")


def noting(places: Places, is_async: bool) -> Any:
    def sync_method(name: str) -> Any:
        return lambda self, *args: places.note(name)

    def async_method(name: str) -> Any:
        async def method(self: Any, *args: Any) -> None:
            places.note(name)

        return method

    make = async_method if is_async else sync_method
    body = {name: make(name) for name in (*METHODS, "shutdown", "receive_dtmf")}
    body |= {"reset": sync_method("reset")}

    def copy(self: Any) -> Any:
        places.note("copy")
        return type(self)()

    base = AsyncAudioVideoStreamHandler if is_async else AudioVideoStreamHandler
    return type("Noting", (base,), {**body, "copy": copy})()


async def all_called(places: Places, *names: str) -> None:
    await eventually(lambda: all(name in places.of for name in names))


async def test_the_table_of_threads() -> None:
    assert len(ROWS) == 21
    await methods()
    await ends()
    await functions()
    await replies()
    await what_webrtc_calls()
    await telephone()
    await the_program()
    assert ROWS == {}, "these rows are not checked"


async def methods() -> None:
    sync, on_loop = Places(), Places()
    for places in (sync, on_loop):
        async with connected(noting(places, places is on_loop), "audio-video"):
            await all_called(places, *METHODS)
    sync.check("`start_up`, `receive`, `emit`, sync", "start_up", "receive", "emit")
    sync.check("`video_receive`, `video_emit`, sync", "video_receive", "video_emit")
    on_loop.check("`start_up`, `receive`, `emit`, `video_receive`, `video_emit`, async", *METHODS)
    sync.check("`copy`", "copy")

    class NeedsTheLoop(type(noting(sync, False))):  # type: ignore[misc]
        def copy(self) -> Any:
            asyncio.get_running_loop()
            return super().copy()

    sync.of.clear()
    async with connected(NeedsTheLoop(), "audio-video"):
        assert sync.of["copy"] == {"event loop"}


async def ends() -> None:
    places = Places()
    for is_async in (False, True):
        async with connected(noting(places, is_async), "audio-video"):
            pass
    places.check("`shutdown`, sync or async", "shutdown")
    places.check("`reset`, after `shutdown`", "reset")


async def functions() -> None:
    places = Places()

    def paint(picture: Any) -> Any:
        places.note("function")
        return picture

    async def paint_async(picture: Any) -> Any:
        places.note("async function")
        return picture

    def film() -> Any:
        places.note("generator of video")
        yield PICTURE

    async def film_async() -> Any:
        places.note("async generator of video")
        yield PICTURE

    def talk() -> Any:
        places.note("generator of audio")
        yield 48000, CHUNK

    async def talk_async() -> Any:
        places.note("async generator of audio")
        yield 48000, CHUNK

    for function in (paint, paint_async):
        before = len(places.of)
        async with connected(function, "video"):
            await eventually(lambda before=before: len(places.of) > before)
    for generator in (film, film_async, talk, talk_async):
        modality = "video" if generator in (film, film_async) else "audio"
        async with connected(generator, modality, "receive") as rig:
            await rig.session.closed.wait()
    places.check("a function or generator of video, sync", "function", "generator of video")
    places.check("a generator of audio, sync", "generator of audio")
    places.check(
        "a function or generator, async",
        "async function",
        "async generator of video",
        "async generator of audio",
    )


async def replies() -> None:
    places = Places()
    speech = (24000, np.full((1, 24000 * 30), 100, np.int16))

    class Deciding(ReplyOnPause):
        def determine_pause(self, *args: Any) -> bool:
            places.note("determine_pause")
            return super().determine_pause(*args)

        def process_audio(self, *args: Any) -> None:
            places.note("process_audio")
            super().process_audio(*args)

    def reply(audio: Any) -> Any:
        places.note("fn")
        yield speech

    async def reply_async(audio: Any) -> Any:
        places.note("async fn")
        yield speech

    def begin() -> Any:
        places.note("startup_fn")
        yield AdditionalOutputs()

    async def begin_async() -> Any:
        places.note("async startup_fn")
        yield AdditionalOutputs()

    ears = Ears(lambda: places.note("vad"))
    for fn, startup_fn in ((reply, begin), (reply_async, begin_async)):
        handler = Deciding(
            fn, startup_fn, model=ears, on_interrupt=lambda played_s: places.note("on_interrupt")
        )
        async with connected(handler, "audio") as rig:
            await all_called(places, "startup_fn" if fn is reply else "async startup_fn")
            conversation = _conversation(rig.session.handler)

            def is_played(rig: Rig = rig, conversation: Any = conversation) -> bool:
                return conversation.speaking and rig.media.audio_out.playout.has_audio  # type: ignore[union-attr]

            # or the trigger would interrupt the reply of `startup_fn`
            await eventually(lambda conversation=conversation: not conversation.speaking)
            rig.session.handler.trigger_response()
            await eventually(is_played)
            places.of.pop("on_interrupt", None)
            rig.session.handler.trigger_response()
            assert places.of.pop("on_interrupt") == {"event loop"}
            await eventually(is_played)
            rig.samples = LOUD
            await all_called(places, "on_interrupt", "vad")
    rows = "the function and `startup_fn` of `ReplyOnPause`"
    places.check(f"{rows}, sync", "fn", "startup_fn")
    places.check(f"{rows}, async", "async fn", "async startup_fn")
    places.check(
        "`determine_pause`, `process_audio`, the `vad` of a model",
        *("determine_pause", "process_audio", "vad"),
    )
    places.check("`on_interrupt`", "on_interrupt")


async def what_webrtc_calls() -> None:
    places = Places()

    class Set(AsyncAudioEcho):
        def set_channel(self, channel: Any) -> None:
            super().set_channel(channel)
            places.note("set_channel")

        def set_args(self, args: list[Any]) -> None:
            super().set_args(args)
            places.note("set_args")

        async def emit(self) -> Any:
            await asyncio.sleep(0.01)
            return AdditionalOutputs()

    from fastrtc import Stream

    stream = Stream(Set(), modality="audio", server_rtc_configuration=LOCAL)
    stream.set_additional_outputs = lambda id: lambda outputs: places.note("set_outputs")  # type: ignore[method-assign,assignment]
    async with Client(stream, audio=AudioSource()) as client:
        await all_called(places, "set_channel", "set_outputs")
        stream.set_input(client.webrtc_id, 1)
        assert places.of.pop("set_args") == {"event loop"}
        await asyncio.to_thread(stream.set_input, client.webrtc_id, 1)
        assert places.of.pop("set_args") == {"thread"}
    assert ROWS.pop("`set_args`") == "where `set_input` is called"
    places.check("`set_channel`", "set_channel")
    places.check("the `set_outputs` callback of `handle_offer`", "set_outputs")


async def telephone() -> None:
    sync, on_loop = Places(), Places()
    for places in (sync, on_loop):
        async with connected(noting(places, places is on_loop), "audio") as rig:
            keys = Keys(rig.session, lambda text: None)
            rig.session.run("keys", keys.run())
            keys.press("1")
            await all_called(places, "receive_dtmf")

    class Provider(Twilio):
        async def hang_up(self, call: Call) -> None:
            on_loop.note("hang_up")

    await end_call(Provider(), Call("twilio"), "a")
    sync.check("`receive_dtmf`, sync", "receive_dtmf")
    on_loop.check("`receive_dtmf`, async; `hang_up` of a provider", "receive_dtmf", "hang_up")


async def the_program() -> None:
    places = Places()

    def configuration() -> Any:
        places.note("configuration")
        return LOCAL

    async def configuration_async() -> Any:
        places.note("async configuration")
        return LOCAL

    def authorize(request: Any) -> None:
        places.note("authorize")

    async def authorize_async(request: Any) -> None:
        places.note("async authorize")

    def take(*args: Any) -> None:
        places.note("handler")

    async def take_async(*args: Any) -> None:
        places.note("async handler")

    for function in (configuration, configuration_async):
        await resolve_configuration(function)
    request: Any = SimpleNamespace()
    for decide in (authorize, authorize_async):
        assert await refusal_of(decide, request) is None
    for handler in (take, take_async):
        event = OutputsEvent(handler, None, None)
        event.put("page", AdditionalOutputs())
        await event._run(SimpleNamespace(session_hash="page"), "page")
    functions = "`rtc_configuration`, `server_rtc_configuration`, `authorize`"
    places.check(f"{functions}, sync", "configuration", "authorize")
    places.check("`additional_outputs_handler`, sync", "handler")
    places.check(
        f"{functions}, `additional_outputs_handler`, async",
        *("async configuration", "async authorize", "async handler"),
    )
