"""Calls over the real transports: a server on 127.0.0.1, and real time."""

import asyncio
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from fastrtc import (
    AdditionalOutputs,
    AlgoOptions,
    AsyncStreamHandler,
    CloseStream,
    ReplyOnPause,
    Stream,
    Unauthorized,
)
from fastrtc.testing import Call, CallFailed
from tests.support.models import Energy
from tests.support.servers import serving as served
from tests.testing.programs import RATE, tone

LIVE = pytest.mark.parametrize("over", ["webrtc", "websocket", "twilio"])
SPEECH = (RATE, tone(0.6))


def replying(fn: Any, **options: Any) -> Stream:
    algo = AlgoOptions(audio_chunk_duration=0.2, started_talking_threshold=0.1)
    return serving(ReplyOnPause(fn, algo_options=algo, model=Energy()), **options)


def serving(handler: Any, **options: Any) -> Stream:
    return Stream(
        handler,
        modality="audio",
        mode="send-receive",
        server_rtc_configuration={"iceServers": []},
        **options,
    )


def answer(audio: Any) -> Iterator[Any]:
    yield RATE, tone(0.5, 900.0)
    yield AdditionalOutputs("answered")


def long_story(audio: Any) -> Iterator[Any]:
    for _ in range(50):
        yield RATE, tone(0.2, 900.0)


@LIVE
async def test_a_conversation(
    over: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with Call(replying(answer), over) as call:
        await call.say(SPEECH)
        reply = await call.reply()
        await call.finish()
    (turn,) = call.turns
    assert turn.reply_starts_s == reply.starts_s
    assert turn.latency_s is not None and 0 < turn.latency_s < 3
    assert turn.reply_ends_s is not None
    assert 0.4 < turn.reply_ends_s - reply.starts_s < 1.5
    assert call.outputs == [("answered",)]
    logs = [one["data"] for one in call.messages if one["type"] == "log"]
    assert logs == ["started_talking", "pause_detected", "response_starting"]
    call.save(tmp_path / "call.wav")
    with wave.open(str(tmp_path / "call.wav")) as file:
        assert file.getnchannels() == 2
    assert not capsys.readouterr().out


@LIVE
async def test_an_interruption(over: Any) -> None:
    async with Call(replying(long_story), over) as call:
        await call.say(SPEECH)
        reply = await call.reply()
        await call.say(SPEECH, at=reply.starts_s + 1.0)
        await call.wait(0.5)
    first = call.turns[0]
    assert first.interrupted
    assert first.stopped_after_s is not None and first.stopped_after_s < 2


@LIVE
async def test_a_refusal_names_its_reason(over: Any) -> None:
    def authorize(connection: Any) -> None:
        raise Unauthorized("nobody is let in")

    with pytest.raises(CallFailed, match="not connected: .*nobody is let in"):
        async with Call(replying(answer, authorize=authorize), over):
            pass


@LIVE
async def test_headers(over: Any) -> None:
    seen = []

    def authorize(connection: Any) -> None:
        seen.append(connection.headers.get("authorization"))

    stream = replying(answer, authorize=authorize)
    async with Call(stream, over, headers={"Authorization": "Bearer TOKEN"}) as call:
        await call.wait(0.1)
    assert {*seen} == {"Bearer TOKEN"}
    with pytest.raises(ValueError, match="headers have no effect"):
        Call(stream, headers={"Authorization": "Bearer TOKEN"})


class Ending(AsyncStreamHandler):
    """Says something and ends the connection; or ends it when a key is pressed."""

    def __init__(self, at_key: bool = False) -> None:
        super().__init__()
        self.at_key = at_key
        self.keys: asyncio.Queue[str] = asyncio.Queue()

    def copy(self) -> "Ending":
        return Ending(self.at_key)

    async def receive(self, frame: Any) -> None:
        pass

    async def receive_dtmf(self, digit: str) -> None:
        self.keys.put_nowait(digit)

    async def emit(self) -> Any:
        if self.at_key:
            key = await self.keys.get()
            return (RATE, tone(0.3)), CloseStream(f"you pressed {key}")
        return (RATE, tone(0.3)), CloseStream("good-bye")


@LIVE
async def test_the_program_ends_the_call(over: Any) -> None:
    async with Call(serving(Ending()), over) as call:
        await call.finish()
        with pytest.raises(CallFailed, match="ended the call: good-bye"):
            await call.wait(5)
    assert [one["type"] for one in call.messages][-1:] in (["end_stream"], [])  # none on a phone


async def test_keys_of_a_telephone() -> None:
    async with Call(serving(Ending(at_key=True)), "twilio") as call:
        await call.press("7")
        await call.finish()
        with pytest.raises(CallFailed, match="you pressed 7"):
            await call.wait(5)
    for over in ("webrtc", "websocket"):
        async with Call(serving(Ending()), over) as call:  # type: ignore[arg-type]
            with pytest.raises(CallFailed, match="keys"):
                await call.press("7")


@pytest.mark.parametrize("over", ["webrtc", "websocket"])
async def test_inputs(over: Any) -> None:
    def repeat(audio: Any, word: str) -> Iterator[Any]:
        yield RATE, tone(0.2, 900.0)
        yield AdditionalOutputs(word)

    async with Call(replying(repeat), over) as call:
        call.inputs("yes")
        await call.say(SPEECH)
        await call.finish()
    assert call.outputs == [("yes",)]


@LIVE
async def test_a_bad_network(over: Any) -> None:
    """Some packets are lost, all are late; over TCP the lost ones are only later."""
    network = {"loss": 0.05, "jitter_ms": 20, "reorder": 0.05, "outage": (0.2, 0.1)}
    async with Call(replying(answer), over, seed=3, **network) as call:  # type: ignore[arg-type]
        await call.say((RATE, tone(1.0)))
        await call.finish()
    assert call.turns[0].latency_s is not None


async def test_a_signed_call(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = replying(answer, twilio_auth_token="secret")
    async with Call(stream, "twilio") as call:
        await call.say(SPEECH)
        await call.finish()
    assert call.turns[0].latency_s is not None


@LIVE
async def test_a_task_that_is_left_running(over: Any) -> None:
    left: list[asyncio.Task[None]] = []

    class Leaking(Ending):
        def copy(self) -> "Leaking":
            return Leaking(True)

        async def start_up(self) -> None:
            left.append(asyncio.create_task(forget()))

    async def forget() -> None:
        await asyncio.sleep(1000)

    with pytest.raises(CallFailed, match="left something running(.|\n)*forget"):
        async with Call(serving(Leaking(True)), over) as call:
            await call.wait(0.2)
    left[0].cancel()


async def test_a_server_at_a_url() -> None:
    app = FastAPI()
    replying(answer).mount(app, path="/talk")
    with served(app) as url:
        async with Call(f"{url}/talk", "websocket") as call:
            await call.say(SPEECH)
            await call.finish()
            with pytest.raises(CallFailed, match="gets no inputs"):
                await call._line.set_inputs((1,))
    assert call.turns[0].latency_s < 3
    with pytest.raises(ValueError, match="needs a Stream"):
        Call(url, "memory")
