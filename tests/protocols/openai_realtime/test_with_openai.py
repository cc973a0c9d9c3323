"""OpenAI's own Python client, with only the URL changed."""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import numpy as np
import pytest
from openai import APIStatusError, AsyncOpenAI
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from fastrtc import AsyncStreamHandler, ReplyOnPause, Speech, Stream, get_current_context
from tests.support.models import StreamingEnergy
from tests.support.servers import serving

from .program import (
    API_KEY,
    RATE,
    SECRET,
    WEATHER,
    answer,
    authorize,
    beep,
    create_app,
    create_stream,
)

WAIT_S = 20.0


class Talk:
    """A connection of the client, and what it has received."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.events: list[Any] = []
        self.seen = 0

    async def until(self, type: str) -> list[str]:
        """Receive until there is an event of a type; return the types since the last call."""
        while True:
            self.events.append(await asyncio.wait_for(self.connection.recv(), WAIT_S))
            if self.events[-1].type == type:
                break
        types, self.seen = [event.type for event in self.events[self.seen :]], len(self.events)
        return list(dict.fromkeys(types))  # deltas repeat

    async def speak(self, seconds: float, amplitude: float = 1.0) -> None:
        samples = (beep(seconds) * amplitude).astype("<i2").tobytes()
        for start in range(0, len(samples), RATE // 25):
            chunk = base64.b64encode(samples[start : start + RATE // 25]).decode()
            await self.connection.input_audio_buffer.append(audio=chunk)
            await asyncio.sleep(0.02)

    async def type(self, text: str) -> None:
        content = [{"type": "input_text", "text": text}]
        item = {"type": "message", "role": "user", "content": content}
        await self.connection.conversation.item.create(item=item)
        await self.connection.response.create()


def client_of(url: str, key: str) -> AsyncOpenAI:
    sockets = url.replace("http", "ws") + "/v1"
    return AsyncOpenAI(api_key=key, base_url=f"{url}/v1", websocket_base_url=sockets, max_retries=0)


@asynccontextmanager
async def talking(url: str, key: str) -> AsyncIterator[Talk]:
    async with client_of(url, key) as client:
        async with client.realtime.connect(model="gpt-realtime") as connection:
            yield Talk(connection)


async def test_a_conversation_an_interruption_a_function_and_a_refusal():
    stream = create_stream(authorize=authorize)
    stream.tokens(SECRET)
    with serving(create_app(stream)) as url:
        with pytest.raises(InvalidStatus) as refused:
            async with talking(url, API_KEY):
                pass
        assert refused.value.response.status_code == 401
        async with client_of(url, "wrong") as client:
            with pytest.raises(APIStatusError, match="This key is wrong"):
                await client.realtime.client_secrets.create()
        async with client_of(url, API_KEY) as client:
            session = {"type": "realtime", "instructions": "Be kind.", "model": "gpt-realtime"}
            secret = await client.realtime.client_secrets.create(session=session)
        assert secret.value.startswith("ek_")
        async with talking(url, secret.value) as talk:
            await talk.until("session.created")
            assert talk.events[-1].session.instructions == "Be kind."
            assert talk.events[-1].session.model == "gpt-realtime"
            await talk.connection.session.update(session={"type": "realtime", "tools": [WEATHER]})
            await talk.until("session.updated")

            await talk.speak(0.5)
            await talk.speak(0.6, amplitude=0)
            types = await talk.until("response.done")
            assert types[0] == "input_audio_buffer.speech_started"
            assert types[-1] == "response.done"
            said = talk.events[-1].response.output[0].content[0].transcript
            assert said == "You said: something."
            audio = [e.delta for e in talk.events if e.type == "response.output_audio.delta"]
            seconds = sum(len(base64.b64decode(delta)) for delta in audio) / 2 / RATE
            assert seconds == pytest.approx(0.4, abs=0.02)
            assert "conversation.item.input_audio_transcription.completed" in types

            await talk.type("Tell me a story.")
            await talk.until("response.output_audio.delta")
            await asyncio.gather(talk.speak(0.6), talk.until("input_audio_buffer.speech_started"))
            ended = [event.type for event in talk.events[-7:]]
            assert ended[-2:] == ["response.done", "input_audio_buffer.speech_started"]
            assert ended[0] == "response.output_audio.done"
            details = talk.events[-2].response.status_details
            assert (details.type, details.reason) == ("cancelled", "turn_detected")
            item = talk.events[-2].response.output[0].id
            await talk.connection.conversation.item.truncate(
                item_id=item, content_index=0, audio_end_ms=20
            )
            await talk.until("conversation.item.truncated")
            await talk.connection.input_audio_buffer.clear()
            await talk.until("input_audio_buffer.cleared")

            await talk.type("How is the weather?")
            await talk.until("response.done")
            (call,) = talk.events[-1].response.output
            assert (call.type, call.name, call.arguments) == (
                "function_call",
                "weather",
                '{"city": "Oslo"}',
            )
            output = {"type": "function_call_output", "call_id": call.call_id, "output": "cold"}
            await talk.connection.conversation.item.create(item=output)
            await talk.connection.response.create()
            await talk.until("response.done")
            said = talk.events[-1].response.output[0].content[0].transcript
            assert said == "It is cold there."
            assert "error" not in {event.type for event in talk.events}

            await talk.connection.send({"type": "no.such.event", "event_id": "mine"})
            await talk.until("error")
            assert talk.events[-1].error.event_id == "mine"
            await talk.type("Do fail.")
            await talk.until("response.done")
            assert talk.events[-1].response.status == "failed"

        async with talking(url, secret.value) as talk:  # a key is for one session
            await talk.until("error")
            assert talk.events[-1].error.code == "unauthorized"
            with pytest.raises(ConnectionClosedError):
                await talk.until("response.done")


async def test_without_turn_detection_and_as_text_or_g711():
    with serving(create_app(create_stream())) as url:
        async with talking(url, "none is needed") as talk:
            audio = {"input": {"turn_detection": None, "format": {"type": "audio/pcmu"}}}
            session = {"type": "realtime", "output_modalities": ["text"], "audio": audio}
            await talk.connection.session.update(session=session)
            await talk.until("session.updated")
            chunk = base64.b64encode(b"\x00\xff" * 4000).decode()  # a loud second at 8 kHz
            await talk.connection.input_audio_buffer.append(audio=chunk)
            await talk.connection.input_audio_buffer.commit()
            await talk.connection.response.create()
            types = await talk.until("response.done")
            assert "response.output_text.done" in types
            assert "response.output_audio.delta" not in types
            transcripts = [
                event.transcript
                for event in talk.events
                if event.type == "conversation.item.input_audio_transcription.completed"
            ]
            assert transcripts == ["1.0 s"]

            output = {"output": {"format": {"type": "audio/pcma"}}}
            session = {"type": "realtime", "output_modalities": ["audio"], "audio": output}
            await talk.connection.session.update(session=session)
            await talk.type("Hello")
            await talk.until("response.done")
            deltas = [e.delta for e in talk.events if e.type == "response.output_audio.delta"]
            assert sum(len(base64.b64decode(d)) for d in deltas) == pytest.approx(3200, abs=200)
        async with httpx.AsyncClient() as http:
            for path, status in (("calls", 400), ("client_secrets", 404), ("calls/x/hangup", 404)):
                answer = await http.post(f"{url}/v1/realtime/{path}")
                assert (answer.status_code, "error" in answer.json()) == (status, True)


class Beeper(AsyncStreamHandler):
    """Beeps when it is told to, for as long as it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.beeps: asyncio.Queue[np.ndarray] = asyncio.Queue()

    def copy(self) -> "Beeper":
        return Beeper()

    async def receive(self, frame: Any) -> None: ...

    async def emit(self) -> Any:
        return RATE, await self.beeps.get()

    async def on_message(self, message: dict[str, Any]) -> None:
        assert message["type"] == "input_text"
        get_current_context().send({"type": "beeping", "data": message["data"]})
        self.beeps.put_nowait(beep(float(message["data"])))


def greeting() -> Iterator[Any]:
    yield Speech(RATE, beep(0.2), "Welcome.")


async def test_handlers_that_speak_of_their_own_accord():
    options: dict[str, Any] = {"modality": "audio", "mode": "send-receive", "verbose": False}
    with serving(create_app(Stream(Beeper(), **options))) as url:
        async with talking(url, "any") as talk:
            await talk.until("session.created")
            await talk.type("0.3")
            await talk.until("beeping")
            await talk.until("response.created")
            types = await talk.until("response.done")
            assert talk.events[-1].response.status == "completed"
            assert "response.output_audio.done" in types
            await talk.type("9")
            await talk.until("response.output_audio.delta")
            await talk.connection.response.cancel()
            await talk.until("response.done")
            assert talk.events[-1].response.status == "cancelled"
            await talk.type("0.2")
            await talk.until("response.done")
            assert talk.events[-1].response.status == "completed"
            assert "error" not in {event.type for event in talk.events}

    handler = ReplyOnPause(answer, startup_fn=greeting, model=StreamingEnergy())
    stream = Stream(handler, **options)
    with serving(create_app(stream)) as url:
        async with talking(url, "any") as talk:
            await talk.until("response.done")
            said = talk.events[-1].response.output[0].content[0].transcript
            assert said == "Welcome."
            (id,) = stream.handlers
            stream.say(id, (RATE, beep(0.2)))
            await talk.until("response.done")
            assert talk.events[-1].response.output[0].content[0].transcript == ""
            await talk.type("Hello")
            await talk.until("response.done")
            created = [event for event in talk.events if event.type == "response.created"]
            assert len(created) == 3
