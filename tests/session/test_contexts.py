"""Each callback of a program knows the connection that it runs for, whatever triggers it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from fastrtc import ReplyOnPause, Stream, get_current_context
from fastrtc.session.session import Session
from fastrtc.testing import Call
from tests.support.models import Energy
from tests.testing.programs import RATE, Tones, replying, tone


class Log:
    """Writes down the connections of callbacks."""

    def __init__(self) -> None:
        self.noted: dict[str, set[str]] = {}

    def note(self, name: str) -> None:
        self.noted.setdefault(name, set()).add(get_current_context().webrtc_id)


def session_of(stream: Any) -> Session:
    from tests.support.connections import connections_of

    (id,) = stream.handlers
    found: Session = connections_of(stream).session(id)
    return found


def receive(session: Session, message: dict[str, Any]) -> None:
    session.loop.call_soon_threadsafe(session.messages.receive, message)


def program(log: Log, **options: Any) -> Stream:
    def begin() -> Iterator[Any]:
        log.note("startup_fn")
        yield RATE, tone(0.2)

    def reply(audio: Any) -> Iterator[Any]:
        log.note("reply")
        threading.Thread(target=lambda: None).start()
        for _ in range(20):
            yield RATE, tone(0.5)
            log.note("reply that goes on")

    def silent() -> Iterator[Any]:
        log.note("idle")
        yield RATE, tone(0.2)

    stream = replying(
        reply,
        startup_fn=begin,
        on_interrupt=lambda played_s: log.note("on_interrupt"),
        on_message=lambda message: log.note("on_message"),
        idle={20.0: silent},
        **options,
    )
    return stream


async def test_callbacks_that_speech_triggers() -> None:
    log = Log()
    stream = program(log)
    async with Call(stream, voice=Tones()) as call:
        id = session_of(stream).id
        await call.say("one two three")
        reply = await call.reply()
        receive(session_of(stream), {"type": "x"})
        await call.say("two two", at=reply.starts_s + 2)
        await call.finish()
        await call.wait(25)
    expected = {"startup_fn", "reply", "reply that goes on", "on_interrupt", "on_message", "idle"}
    assert log.noted == {name: {id} for name in expected}


@pytest.mark.parametrize("how", ["stream", "thread", "another connection", "trigger"])
async def test_an_interruption_by_other_code(how: str) -> None:
    log = Log()
    stream, other = program(log), program(Log())
    async with Call(stream, voice=Tones()) as call, Call(other, voice=Tones()):
        session = session_of(stream)
        await call.say("one two three")
        await call.reply()
        await call.wait(2)
        if how == "stream":
            stream.interrupt(session.id)
        elif how == "thread":
            await asyncio.to_thread(stream.interrupt, session.id)
        elif how == "trigger":
            session.handler.trigger_response()
        else:
            session_of(other).context.copy().run(stream.interrupt, session.id)
        await call.wait(1)
    assert log.noted["on_interrupt"] == {session.id}


@pytest.mark.parametrize("is_async", [False, True])
async def test_calls_of_the_client_messages_and_events(is_async: bool) -> None:
    log = Log()

    def noting(name: str) -> Any:
        async def later(*args: Any) -> None:
            log.note(name)
            await asyncio.create_task(in_task(name))
            await asyncio.to_thread(log.note, name + " in a thread")

        def at_once(*args: Any) -> None:
            log.note(name)

        return later if is_async else at_once

    async def in_task(name: str) -> None:
        log.note(name + " in a task")

    async def reply(audio: Any) -> AsyncIterator[Any]:
        yield audio

    stream = Stream(
        ReplyOnPause(reply, model=Energy()),
        modality="audio",
        on_message=noting("on_message"),
        on_connect=noting("on_connect"),
        on_disconnect=noting("on_disconnect"),
    )
    stream.method("m")(noting("method"))
    async with Call(stream, voice=Tones()) as call:
        session = session_of(stream)
        receive(session, {"type": "x"})
        receive(session, {"type": "call", "id": 1, "name": "m"})
        await call.wait(3)
    assert {"on_message", "on_connect", "method", "on_disconnect"} <= {*log.noted}
    assert len(log.noted) == (12 if is_async else 4)
    assert {id for ids in log.noted.values() for id in ids} == {session.id}
