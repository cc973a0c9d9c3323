"""Messages of a client over a WebSocket: texts with a `type` and without an `event`."""

import json
from typing import Any

import pytest

from fastrtc import Transcript, get_current_context
from tests.websocket.served import Echo, serve, sine, wait_until

PCM = {"encoding": "pcm16"}


class Listening(Echo):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.got: list[Any] = []

    async def on_message(self, message: dict[str, Any]) -> None:
        self.got.append((message, get_current_context().webrtc_id))
        await self.send_message(json.dumps({"type": "answer", "data": message["data"]}))


@pytest.mark.parametrize("audio", [{}, PCM])
async def test_messages_reach_the_handler_and_are_answered(audio: dict[str, Any]) -> None:
    async with serve(Listening()) as served, served.client() as client:
        await client.start(**audio)
        for number in range(3):
            await client.send({"type": "mine", "data": number})
        await client.wait_for(type="answer", data=2)
        handler = await served.handler()
        assert handler.got == [({"type": "mine", "data": n}, "a") for n in range(3)]


async def test_what_is_refused_costs_nothing_else() -> None:
    async with serve(Listening()) as served, served.client() as client:
        await client.send({"type": "early", "data": 0})
        await client.wait_for(type="error", data="A message was sent before the start event")
        await client.start(**PCM)
        await client.send({"type": "mine", "data": "a" * 70_000})
        error = await client.wait(lambda: client.messages[2:])
        assert error[0]["message"].startswith("A message may have 65536 bytes, not 70")
        await client.send({"type": 3})
        await client.wait_for(
            type="error", data="A message must have an 'event', or a 'type', a string"
        )
        await client.send({"type": "mine", "data": "good"})
        await client.wait_for(type="answer", data="good")
        await client.say(sine(0.02))
        await client.hear(0.02)


async def test_a_stream_without_on_message_says_so_once() -> None:
    async with serve() as served, served.client() as client:
        await client.start(**PCM)
        for _ in range(3):
            await client.send({"type": "mine"})
        await client.send({"event": "ping"})
        await client.wait_for(event="pong")
        errors = [message["data"] for message in client.messages if message.get("type") == "error"]
        assert errors == ["This stream takes no messages: it has no on_message"]
        await wait_until(lambda: "a" in served.stream.connections)


class Captioned(Echo):
    """Says two texts, a second and a bit, after what it heard."""

    async def start_up(self) -> None:
        get_current_context().send(Transcript("Listening", "user", final=False, id="a"))
        self.heard.put_nowait(((24_000, sine(1.0)), Transcript("first")))
        self.heard.put_nowait(((24_000, sine(0.1)), Transcript("second")))
        self.heard.put_nowait(Transcript("before it is played", "user", id="a"))


@pytest.mark.parametrize(("audio", "messages"), [({}, 1), (PCM, 45)])
async def test_transcripts_come_with_their_audio(audio: dict[str, Any], messages: int) -> None:
    async with serve(Captioned()) as served, served.client() as client:
        await client.start(**audio)
        await client.wait_for(
            type="transcript",
            data={"text": "second", "who": "assistant", "final": True, "id": None},
        )
        shown = [
            (message["data"]["text"], heard)
            for message, heard in zip(client.messages, client.heard_before, strict=True)
            if message.get("type") == "transcript"
        ]
        assert [text for text, _ in shown] == [
            "Listening",
            "first",
            "before it is played",
            "second",
        ]
        assert shown[2][1] <= messages <= shown[3][1]
