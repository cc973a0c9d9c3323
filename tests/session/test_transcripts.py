"""Transcripts of a handler reach the client, each when its audio is played; in virtual time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import numpy as np
import pytest

from fastrtc import (
    AdditionalOutputs,
    AsyncStreamHandler,
    Context,
    Speech,
    Stream,
    StreamHandler,
    Transcript,
    get_current_context,
)
from fastrtc.core.context import Call as PhoneCall
from fastrtc.server.endpoint import endpoint_of
from fastrtc.testing import Call
from tests.session.rig import Rig
from tests.testing.programs import RATE, Tones, audio_stream, replying, tone

SECOND = (RATE, tone(1.0))


def said(call: Call) -> list[tuple[str, str]]:
    """The transcripts that the caller has got."""
    got = [message["data"] for message in call.messages if message["type"] == "transcript"]
    return [(data["who"], data["text"]) for data in got if isinstance(data, dict)]


def sync_reply(audio: Any) -> Iterator[Any]:
    yield Transcript("What is it?", "user")
    yield SECOND, Transcript("It is")
    yield SECOND, Transcript("a tone.", id="x")


async def async_reply(audio: Any) -> AsyncIterator[Any]:
    for output in sync_reply(audio):
        yield output


@pytest.mark.parametrize("fn", [sync_reply, async_reply])
async def test_a_reply(fn: Callable[..., Any]) -> None:
    def greet() -> Iterator[Any]:
        yield Transcript("Hello")

    async with Call(replying(fn, startup_fn=greet), voice=Tones()) as call:
        await call.wait(0.1)
        assert said(call) == [("assistant", "Hello")]
        await call.say("one")
        await call.reply()
        await call.wait(0.5)
        assert said(call)[1:] == [("user", "What is it?"), ("assistant", "It is")]
        await call.wait(1)
        assert said(call)[3:] == [("assistant", "a tone.")]
        assert call.messages[-1]["data"] == {
            "text": "a tone.",
            "who": "assistant",
            "final": True,
            "id": "x",
        }
        await call.finish()
    assert not any(message["type"] == "fetch_output" for message in call.messages)


async def test_what_is_interrupted_is_not_shown() -> None:
    def story(audio: Any) -> Iterator[Any]:
        for number in range(9):
            yield SECOND, Transcript(str(number))

    async with Call(replying(story), voice=Tones()) as call:
        await call.say("one")
        reply = await call.reply()
        await call.say("two two", at=reply.starts_s + 2.2)
        await call.wait(1.8)
    assert [text for _, text in said(call)] == ["0", "1", "2", "0", "1"]


class Talker(AsyncStreamHandler):
    def __init__(self, outputs: tuple[Any, ...]) -> None:
        super().__init__(input_sample_rate=RATE)
        self.outputs = list(outputs)

    async def receive(self, frame: Any) -> None:
        pass

    async def emit(self) -> Any:
        return self.outputs.pop(0) if self.outputs else None

    def copy(self) -> "Talker":
        return Talker(tuple(self.outputs))


class SyncTalker(StreamHandler):
    def __init__(self, outputs: tuple[Any, ...]) -> None:
        super().__init__(input_sample_rate=RATE)
        self.outputs = list(outputs)

    def receive(self, frame: Any) -> None:
        pass

    def emit(self) -> Any:
        return self.outputs.pop(0) if self.outputs else None

    def copy(self) -> "SyncTalker":
        return SyncTalker(tuple(self.outputs))


OUTPUTS = (
    (SECOND, Transcript("first")),
    AdditionalOutputs(1),
    [SECOND, Transcript("second", final=False)],
    Transcript("third"),
    (None, Transcript("fourth")),
)


@pytest.mark.parametrize("handler", [Talker, SyncTalker])
async def test_emit(handler: Any) -> None:
    async with Call(audio_stream(handler(OUTPUTS))) as call:
        await call.wait(0.5)
        assert [text for _, text in said(call)] == ["first", "third", "fourth"]
        await call.wait(1)
        assert [text for _, text in said(call)][3:] == ["second"]
        assert call.outputs == [(1,)]


async def test_a_function_and_the_context() -> None:
    def count() -> Iterator[Any]:
        yield SECOND, Transcript("one")
        yield SECOND, Transcript("two")
        get_current_context().send(Transcript("all", "user"))

    connected: list[Context] = []
    stream = Stream(count, modality="audio", mode="receive", on_connect=connected.append)
    async with Call(stream) as call:
        call.inputs()
        await call.wait(0.5)
        assert [text for _, text in said(call)] == ["one", "all"]
        connected[0].send(Transcript("from outside"))
        await asyncio.to_thread(connected[0].send, Transcript("from a thread"))
        await call.wait(1)
        texts = [text for _, text in said(call)]
        assert texts[2:] == ["from outside", "from a thread", "two"]


def spoken(audio: Any) -> Iterator[Any]:
    yield Speech(RATE, tone(0.5), "One sentence.")
    yield Speech(RATE, tone(0.5), "")
    yield Speech(RATE, tone(0.5), "Another."), Transcript("Another one.")
    yield Speech(RATE, np.zeros(RATE, np.int16))
    yield SECOND


@pytest.mark.parametrize(
    ("options", "expected"),
    [({}, ["Another one."]), ({"captions": True}, ["One sentence.", "Another one.", "two"])],
)
async def test_the_texts_of_speech_only_if_asked_for(
    options: dict[str, Any], expected: list[str]
) -> None:
    class Texts(Tones):
        def stream_tts_sync(self, text: str, options: Any = None) -> Iterator[Any]:
            yield Speech(*self.tts(text), text)

    handler = replying(spoken).event_handler
    stream = Stream(
        handler,
        modality="audio",
        mode="send-receive",
        concurrency_limit=2,
        voice=Texts(),
        **options,
    )
    async with Call(stream, voice=Tones()) as call:
        await call.say("one")
        await call.finish()
        stream.say(next(iter(stream.connections)), "two")
        await call.finish()
    assert [text for _, text in said(call)] == expected


async def test_captions_that_wait_end_with_the_connection() -> None:
    stream = Stream(
        replying(spoken).event_handler, modality="audio", mode="send-receive", captions=True
    )
    async with Call(stream, voice=Tones()) as call:
        await call.say("one")
        await call.reply()
        media = next(iter(endpoint_of(stream).places)).session.turns._media
        assert media is not None and media.audio_out is not None
        cues = media.audio_out.cues
        assert cues._timer is not None, "a caption waits for its audio"
    assert cues._timer is None and not cues._waiting
    assert [text for _, text in said(call)] == ["One sentence."]


@pytest.mark.parametrize(("phone", "shown"), [(None, 2), (PhoneCall("twilio"), 0)])
async def test_a_telephone_gets_none(phone: PhoneCall | None, shown: int) -> None:
    async with Rig(call=phone) as rig:
        rig.context.send(Transcript("Hello"))
        rig.session.deliver(Transcript("Hello", "user"))
        rig.context.send({"type": "mine"})
    assert (len(rig.of_type("transcript")), len(rig.of_type("mine"))) == (shown, 1)


def test_captions_is_a_bool() -> None:
    with pytest.raises(ValueError, match="captions must be True or False, not 1"):
        Stream(spoken, modality="audio", mode="receive", captions=1)  # type: ignore[arg-type]
