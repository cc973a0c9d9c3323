"""Every callback, and every kind of exception: what it costs, and that it costs nothing else."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fastrtc import (
    AdditionalOutputs,
    AsyncAudioVideoStreamHandler,
    AudioVideoStreamHandler,
    ReplyOnPause,
)
from fastrtc.core.close_reason import INTERNAL_ERROR
from fastrtc.core.context import Call
from fastrtc.core.errors import HandlerExited
from fastrtc.server.authorization import refusal_of
from fastrtc.session.session import State
from fastrtc.transport.socket.connection import end_call
from fastrtc.transport.socket.keys import Keys
from fastrtc.transport.telephony.twilio import Twilio
from fastrtc.transport.webrtc.configuration import resolve_configuration
from tests.faults.in_process import CHUNK, LOUD, PICTURE, Ears, Rig, connected
from tests.support.bystander import assert_little, bystander
from tests.support.peers import eventually


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("there is no text")


EXCEPTIONS = [
    Unprintable,
    ValueError,
    RecursionError,
    MemoryError,
    StopIteration,
    StopAsyncIteration,
    TimeoutError,
]
EXITS = [SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError]
KINDS = [*EXCEPTIONS, *EXITS]


def fail(kind: type[BaseException]) -> None:
    """Raise an exception, as user code comes to it."""
    if kind is RecursionError:
        fail(kind)
    raise kind("boom")


async def assert_it_ends(rig: Rig, records: list[logging.LogRecord]) -> None:
    """With one record, which has the traceback, and one message."""
    await asyncio.wait_for(rig.session.closed.wait(), 20)
    assert rig.session.reason.code == INTERNAL_ERROR
    (record,) = records
    assert record.exc_info is not None
    assert len(rig.told) == 1


@pytest.fixture
def records(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """The errors that are logged."""

    class Records(list):  # type: ignore[type-arg]
        def __iter__(self) -> Iterator[logging.LogRecord]:
            return iter([r for r in caplog.records if r.levelno >= logging.ERROR])

    return Records()


# --- The methods of handlers -----------------------------------------------------------------


def noting(where: str, kind: type[BaseException], is_async: bool) -> Any:
    """A handler that counts its calls, and fails in the second of one method."""
    calls: dict[str, int] = {}

    def note(name: str) -> None:
        calls[name] = calls.get(name, 0) + 1
        once = name in ("start_up", "copy", "shutdown", "reset")
        if name == where and calls[name] == (1 if once else 2):
            fail(kind)

    methods = ("receive", "emit", "video_receive", "video_emit", "start_up", "shutdown")

    def sync_method(name: str) -> Callable[..., Any]:
        return lambda self, *args: note(name)

    def async_method(name: str) -> Callable[..., Any]:
        async def method(self: Any, *args: Any) -> None:
            note(name)

        return method

    make = async_method if is_async else sync_method
    base = AsyncAudioVideoStreamHandler if is_async else AudioVideoStreamHandler

    def copy(self: Any) -> Any:
        note("copy")
        return type(self)()

    def reset(self: Any) -> None:
        note("reset")

    body = {name: make(name) for name in methods}
    kind_of = type("Noting", (base,), {**body, "copy": copy, "reset": reset, "calls": calls})
    return kind_of()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("where", ["receive", "emit", "video_receive", "video_emit", "start_up"])
async def test_methods(where: str, is_async: bool, kind: Any, records: Any) -> None:
    handler = noting(where, kind, is_async)
    async with connected(handler, "audio-video") as rig:
        if kind in EXITS:
            await assert_it_ends(rig, records)
            assert f"{where} raised {kind.__name__}" in rig.told[0]
            return
        others = ("receive", "emit", "video_receive", "video_emit")
        await eventually(lambda: all(handler.calls.get(name, 0) > 4 for name in others))
        await eventually(lambda: rig.told)
        assert rig.session.state is State.LIVE
        assert len(rig.told) == len(list(records)) == 1


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
async def test_another_client_hears_nothing_of_it(is_async: bool, records: Any) -> None:
    async with bystander() as other, other.undisturbed() as cost:
        for kind in EXITS:
            async with connected(noting("receive", kind, is_async), "audio-video") as rig:
                await eventually(rig.session.closed.is_set)
        await other.hears()
    assert_little(cost)
    assert len(list(records)) == len(EXITS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("where", ["shutdown", "reset"])
async def test_methods_of_the_end(where: str, is_async: bool, kind: Any, records: Any) -> None:
    handler = noting(where, kind, is_async)
    async with connected(handler, "audio-video") as rig:
        await eventually(lambda: handler.calls.get("emit"))
    assert handler.calls["shutdown"] == handler.calls["reset"] == 1
    (record,) = records
    assert f"{where}()" in record.getMessage()
    assert rig.told == []


@pytest.mark.parametrize("kind", KINDS)
async def test_copy(kind: Any) -> None:
    """The exception is that of the offer, and no more than one."""
    with pytest.raises(HandlerExited if kind in EXITS else (kind, RuntimeError)):
        async with connected(noting("copy", kind, False), "audio-video"):
            pass


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
async def test_receive_dtmf(is_async: bool, kind: Any, records: Any) -> None:
    keys: list[str] = []

    def press(key: str) -> None:
        keys.append(key)
        if len(keys) == 2:
            fail(kind)

    class Pressed(type(noting("", kind, is_async))):  # type: ignore[misc]
        if is_async:

            async def receive_dtmf(self, key: str) -> None:
                press(key)
        else:

            def receive_dtmf(self, key: str) -> None:
                press(key)

    async with connected(Pressed(), "audio") as rig:
        waiting = Keys(rig.session, lambda text: None)
        rig.session.run("keys", waiting.run())
        for key in "1234":
            waiting.press(key)
        if kind in EXITS:
            await assert_it_ends(rig, records)
            return
        await eventually(lambda: keys == [*"1234"])
        assert rig.session.state is State.LIVE
        assert len(rig.told) == len(list(records)) == 1


# --- Functions and generators ----------------------------------------------------------------


def functions(kind: type[BaseException], calls: list[int]) -> dict[str, Callable[..., Any]]:
    """Functions of a picture; each fails with its second."""

    def paint(picture: Any) -> Any:
        calls.append(len(calls))
        if len(calls) == 2:
            fail(kind)
        return picture

    async def paint_async(picture: Any) -> Any:
        return paint(picture)

    def generate(picture: Any) -> Any:
        yield paint(picture)

    async def generate_async(picture: Any) -> Any:
        yield paint(picture)

    return {
        "sync": paint,
        "async": paint_async,
        "generator": generate,
        "async-generator": generate_async,
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("which", ["sync", "async", "generator", "async-generator"])
async def test_functions_of_video(which: str, kind: Any, records: Any) -> None:
    calls: list[int] = []
    async with connected(functions(kind, calls)[which], "video") as rig:
        if kind in EXITS:
            await assert_it_ends(rig, records)
            return
        await eventually(lambda: len(calls) > 4)
        assert rig.session.state is State.LIVE
        assert len(rig.told) == len(list(records)) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("modality", ["audio", "video"])
async def test_generators_that_are_received(
    modality: Any, is_async: bool, kind: Any, records: Any
) -> None:
    """What raised has ended, and with it the connection."""

    def generate() -> Any:
        yield PICTURE if modality == "video" else (48000, CHUNK)
        fail(kind)

    async def generate_async() -> Any:
        yield PICTURE if modality == "video" else (48000, CHUNK)
        fail(kind)

    handler = generate_async if is_async else generate
    async with connected(handler, modality, "receive") as rig:
        await assert_it_ends(rig, records)


# --- ReplyOnPause ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("where", ["fn", "startup_fn"])
async def test_replies(where: str, is_async: bool, kind: Any, records: Any) -> None:
    """A turn is lost; the next one is answered."""
    turns = 0

    def reply(name: str) -> Iterator[Any]:
        nonlocal turns
        turns += 1
        if name == where and turns == 1:
            fail(kind)
        yield AdditionalOutputs(turns)

    def reply_sync(*args: Any) -> Any:
        yield from reply("fn")

    async def reply_async(*args: Any) -> Any:
        for item in reply("fn"):
            yield item

    def start_sync() -> Any:
        yield from reply("startup_fn")

    async def start_async() -> Any:
        for item in reply("startup_fn"):
            yield item

    fn, begin = (reply_async, start_async) if is_async else (reply_sync, start_sync)
    startup_fn = begin if where == "startup_fn" else None
    async with connected(ReplyOnPause(fn, startup_fn, model=Ears()), "audio") as rig:
        handler = rig.session.handler
        if where == "fn":
            handler.trigger_response()
        if kind in EXITS:
            await assert_it_ends(rig, records)
            return
        await eventually(lambda: rig.told)
        handler.trigger_response()
        await eventually(lambda: turns >= 2)
        assert rig.session.state is State.LIVE
        assert len(rig.told) == len(list(records)) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("where", ["vad", "determine_pause", "on_interrupt"])
async def test_what_listens(where: str, kind: Any, records: Any) -> None:
    calls = 0

    def count() -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            fail(kind)

    class Deciding(ReplyOnPause):
        def determine_pause(self, *args: Any) -> bool:
            if where == "determine_pause":
                count()
            return super().determine_pause(*args)

    def reply(audio: Any) -> Any:
        yield 24000, np.full((1, 24000 * 30), 100, np.int16)

    ears = Ears(count if where == "vad" else lambda: None)
    interrupted = (lambda played_s: count()) if where == "on_interrupt" else None
    async with connected(Deciding(reply, model=ears, on_interrupt=interrupted), "audio") as rig:
        if where == "on_interrupt":
            rig.session.handler.trigger_response()
            await eventually(lambda: rig.media.audio_out.playout.has_audio)  # type: ignore[union-attr]
            rig.samples = LOUD
        if kind in EXITS:
            await assert_it_ends(rig, records)
            return
        await eventually(lambda: rig.told)
        before = ears.heard
        await eventually(lambda: ears.heard > before)
        assert rig.session.state is State.LIVE
        assert len(rig.told) == len(list(records)) == 1


# --- Functions of the program ----------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
async def test_set_outputs(kind: Any, records: Any) -> None:
    given = 0

    class Giving(type(noting("", kind, True))):  # type: ignore[misc]
        async def emit(self) -> Any:
            await asyncio.sleep(0.01)
            return AdditionalOutputs()

    def take(outputs: AdditionalOutputs) -> None:
        nonlocal given
        given += 1
        if given == 2:
            fail(kind)

    async with connected(Giving(), "audio", deliver=take) as rig:
        if kind in EXITS:
            await assert_it_ends(rig, records)
            return
        await eventually(lambda: given > 4)
        assert rig.session.state is State.LIVE
        assert len(rig.told) == len(list(records)) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
async def test_authorize(is_async: bool, kind: Any) -> None:
    """A request that it cannot decide on is refused."""

    def authorize(request: Any) -> None:
        fail(kind)

    async def authorize_async(request: Any) -> None:
        fail(kind)

    function = authorize_async if is_async else authorize
    refusal = await refusal_of(function, SimpleNamespace())  # type: ignore[arg-type]
    assert refusal is not None and refusal.code == "unauthorized"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
async def test_rtc_configuration(is_async: bool, kind: Any) -> None:
    """The exception is that of the offer, and no more than one."""

    def configuration() -> Any:
        fail(kind)

    async def configuration_async() -> Any:
        fail(kind)

    with pytest.raises(HandlerExited if kind in EXITS else (kind, RuntimeError)):
        await resolve_configuration(configuration_async if is_async else configuration)


@pytest.mark.parametrize("kind", KINDS)
async def test_hang_up(kind: Any, records: Any) -> None:
    """It is logged, and the rest of the end goes on."""

    class Provider(Twilio):
        async def hang_up(self, call: Call) -> None:
            fail(kind)

    await end_call(Provider(), Call("twilio", "c"), "a")
    (record,) = records
    assert "could not be hung up" in record.getMessage()
