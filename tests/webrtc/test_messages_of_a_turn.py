"""The messages of a turn, in order: what FastRTC 0.0.34 sends, measured with the same functions.

It repeats `response_starting` with each chunk; that is once here, and `interrupted` is new.
"""

import asyncio
import itertools
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fastrtc import AdditionalOutputs, ReplyOnPause, Stream
from tests.support.models import Energy
from tests.support.peers import LOCAL, PATIENCE_S, AudioSource, Client, eventually, tone

RATE = 48000
AUDIO = (RATE, tone(0.2))
HEARD = ["started_talking", "pause_detected"]
TIMEOUT_S = 2.0
"""Of inputs with defaults: longer than a reply takes on a slow machine that does not wait."""


def audio_then_outputs(said: Any) -> Any:
    yield AUDIO
    yield AdditionalOutputs(1)


def outputs_then_audio(said: Any) -> Any:
    yield AdditionalOutputs(1)
    yield AUDIO


def outputs_only(said: Any) -> Any:
    yield AdditionalOutputs(1)
    yield AdditionalOutputs(2)


def nothing(said: Any) -> Any:
    yield from ()


def none_then_audio(said: Any) -> Any:
    yield None
    yield AUDIO


def both_at_once(said: Any) -> Any:
    yield AUDIO, AdditionalOutputs(1)


def failing(said: Any) -> Any:
    raise ValueError("boom")
    yield


async def audio_of_async(said: Any) -> Any:
    await asyncio.sleep(0)
    yield AUDIO


AS_THE_REFERENCE = {
    audio_then_outputs: [*HEARD, "response_starting", "fetch_output"],
    outputs_then_audio: [*HEARD, "fetch_output", "response_starting"],
    outputs_only: [*HEARD, "fetch_output", "fetch_output", "response_starting"],
    nothing: [*HEARD, "response_starting"],
    none_then_audio: [*HEARD, "response_starting"],
    both_at_once: [*HEARD, "response_starting", "fetch_output"],
    failing: [*HEARD, "error"],
    audio_of_async: [*HEARD, "response_starting"],
}


def named(client: Client) -> list[str]:
    return [m["data"] if m["type"] == "log" else m["type"] for m in client.messages]


def stream_of(handler: ReplyOnPause, mode: str = "send-receive") -> Stream:
    return Stream(handler, modality="audio", mode=mode, server_rtc_configuration=LOCAL)


def spoken(*seconds: float) -> np.ndarray:
    """Speech of so many seconds, each time with a second of silence before it, and 2 s after."""
    parts = [np.concatenate([np.zeros(RATE, np.int16), tone(s, amplitude=12000)]) for s in seconds]
    return np.concatenate([*parts, np.zeros(2 * RATE, np.int16)])


@pytest.mark.parametrize("mode", ["send-receive", "send"])
@pytest.mark.parametrize("reply", AS_THE_REFERENCE)
async def test_a_turn(
    reply: Callable[..., Any], mode: str, errors: Callable[[], list[logging.LogRecord]]
) -> None:
    expected = AS_THE_REFERENCE[reply]
    stream = stream_of(ReplyOnPause(reply, model=Energy()), mode)
    async with Client(stream, audio=AudioSource(spoken(1.0))) as client:
        await eventually(lambda: len(named(client)) >= len(expected))
        await asyncio.sleep(0.3)
        assert named(client) == expected
    assert bool(errors()) is (reply is failing)


async def test_a_client_sees_that_the_reply_is_being_made() -> None:
    """`response_starting` does not come before the function has given something."""

    def reply(said: Any) -> Any:
        seen.wait(PATIENCE_S)
        yield AUDIO

    seen = threading.Event()
    async with Client(
        stream_of(ReplyOnPause(reply, model=Energy())), audio=AudioSource(spoken(1.0))
    ) as client:
        try:
            await client.message("log", "pause_detected")
            await asyncio.sleep(0.2)
            assert "response_starting" not in named(client)
        finally:
            seen.set()
        await client.message("log", "response_starting")


async def test_an_interruption_is_no_log() -> None:
    def reply(said: Any) -> Any:
        for _ in range(40):
            yield AUDIO

    audio = AudioSource(spoken(1.0, 1.0))
    async with Client(stream_of(ReplyOnPause(reply, model=Energy())), audio=audio) as client:
        await client.message("interrupted")
        assert "interrupted" not in [m["data"] for m in client.of_type("log")]


async def answering(stream: Stream, client: Client, delay_s: float) -> None:
    """Set the inputs whenever they are asked for, and trigger `delay_s` later."""
    for number in itertools.count(1):
        await eventually(lambda number=number: len(client.of_type("send_input")) >= number)
        stream.set_input(client.webrtc_id, number)
        await asyncio.sleep(delay_s)
        client.session.handler.trigger_response()


@pytest.mark.parametrize(("seconds", "delay_s"), [(3.0, 0.0), (0.2, 0.3)])
async def test_each_answer_to_send_input_may_trigger_what_asked(
    seconds: float, delay_s: float
) -> None:
    """A page that sets its inputs and triggers whenever it is asked: one utterance, one reply.

    So too if the reply, or that of `startup_fn`, has ended when the trigger comes.
    """

    def begin(number: int) -> Any:
        calls.append(("startup", number))
        yield RATE, tone(seconds)

    def reply(said: Any, number: int) -> Any:
        calls.append(("reply", number))
        yield RATE, tone(seconds)

    calls: list[tuple[str, int]] = []
    stream = stream_of(ReplyOnPause(reply, begin, model=Energy()))
    async with Client(stream, audio=AudioSource(spoken(1.0))) as client:
        page = asyncio.create_task(answering(stream, client, delay_s))
        await eventually(lambda: len(calls) == 2)
        await asyncio.sleep(0.7)
        page.cancel()
        assert calls == [("startup", 1), ("reply", 2)]


async def test_an_answer_to_a_request_for_inputs_that_were_set_is_no_turn() -> None:
    """What was typed is a turn; the client is asked nevertheless, as by FastRTC 0.0.34."""

    def reply(said: Any, text: str) -> Any:
        replies.append(text)
        yield RATE, tone(2.0)

    replies: list[str] = []
    stream = stream_of(ReplyOnPause(reply, model=Energy()))
    async with Client(stream, audio=AudioSource(np.zeros(RATE, np.int16))) as client:
        stream.set_input(client.webrtc_id, "typed")
        client.session.handler.trigger_response()
        page = asyncio.create_task(answering(stream, client, 0.0))
        await client.message("send_input")
        await asyncio.sleep(0.5)
        page.cancel()
        assert replies == ["typed"]


async def test_new_inputs_and_a_trigger_are_another_turn() -> None:
    def reply(said: Any, name: str) -> Any:
        replies.append(name)
        for _ in range(20):
            yield AUDIO
            time.sleep(0.05)

    replies: list[str] = []
    stream = stream_of(ReplyOnPause(reply, model=Energy()))
    async with Client(stream, audio=AudioSource(np.zeros(RATE, np.int16))) as client:
        handler = client.session.handler
        handler.trigger_response()
        await client.message("send_input")
        stream.set_input(client.webrtc_id, "spoken")
        await eventually(lambda: replies)
        stream.set_input(client.webrtc_id, "typed")
        handler.trigger_response()
        await eventually(lambda: len(replies) == 2)
        assert replies == ["spoken", "typed"]


@pytest.mark.parametrize(
    "reply",
    [
        lambda said, language="en": iter([AUDIO]),
        lambda *args, **options: iter([AUDIO]),
        lambda said, *more: iter([AUDIO]),
    ],
)
async def test_a_client_that_sets_no_inputs_is_waited_for_once(
    reply: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastrtc.turns.reply_inputs.DEFAULTED_INPUTS_TIMEOUT_S", TIMEOUT_S)
    stream = stream_of(ReplyOnPause(reply, model=Energy()))
    async with Client(stream, audio=AudioSource(np.zeros(RATE, np.int16))) as client:
        loop = asyncio.get_running_loop()
        handler = client.session.handler
        waits = []
        for turn in (1, 2, 3):
            begun = loop.time()
            handler.trigger_response()
            await eventually(lambda turn=turn: named(client).count("response_starting") == turn)
            waits.append(loop.time() - begun >= TIMEOUT_S)
            await eventually(lambda: not handler.state.responding)
        assert waits == [True, False, False]
        assert named(client).count("send_input") == 3
        stream.set_input(client.webrtc_id, "de")  # it does know how: it is waited for again
        handler.args_set.clear()
        handler.trigger_response()
        await eventually(lambda: named(client).count("send_input") == 4)
        await asyncio.sleep(0.1)
        assert named(client).count("response_starting") == 3


async def test_a_bare_wrapper_asks_for_no_inputs() -> None:
    def reply(*args: Any) -> Any:
        got.append(len(args))
        yield AUDIO

    got: list[int] = []
    stream = stream_of(ReplyOnPause(reply, model=Energy()))
    async with Client(stream, audio=AudioSource(np.zeros(RATE, np.int16))) as client:
        client.session.handler.trigger_response()
        await client.message("log", "response_starting")
        assert got == [1]
        assert client.of_type("send_input") == []
