"""A session over the data channel of a simulated call, in virtual time."""

import json
from typing import Any

from fastrtc.protocols.openai_realtime.channel import MAX_MESSAGE, RealtimeMessages
from fastrtc.server.endpoint import endpoint_of
from fastrtc.testing import Call

from .program import RATE, beep, create_stream
from .sessions import SERVER_EVENT


class Channel:
    """A channel that keeps what is sent."""

    label = "oai-events"
    bufferedAmount = 0

    def __init__(self) -> None:
        self.events: list[Any] = []

    def send(self, text: str) -> None:
        event = json.loads(text)
        SERVER_EVENT.validate_python(event)
        self.events.append(event)

    def types(self) -> list[str]:
        types = [event["type"] for event in self.events]
        self.events.clear()
        return types


async def test_a_conversation_on_a_data_channel():
    stream = create_stream()
    async with Call(stream) as call:
        (connection,) = endpoint_of(stream).places
        session = {"instructions": "Tell the weather."}
        options = {"model": "m", "session": session}
        messages = RealtimeMessages(connection.session, connection.media, options)
        assert messages.accepts("oai-events") and not messages.accepts("other")
        channel = Channel()
        messages.open(channel)
        created = channel.events[0]["session"]
        assert (created["model"], created["instructions"]) == ("m", "Tell the weather.")
        assert channel.types() == ["session.created"]

        await call.say((RATE, beep(0.6)))
        await call.wait(1.0)
        types = channel.types()
        assert types[0] == "input_audio_buffer.speech_started"
        assert "response.function_call_arguments.done" in types
        assert "response.done" in types
        item = {"type": "function_call_output", "call_id": "server-1", "output": "5 degrees"}
        messages.receive(json.dumps({"type": "conversation.item.create", "item": item}))
        messages.receive(json.dumps({"type": "response.create"}))
        await call.wait(0.1)
        types = channel.types()
        assert types[-1] == "output_audio_buffer.started"
        assert "response.output_audio_transcript.delta" in types
        await call.wait(1.0)
        assert channel.types()[-1] == "response.done"

        messages.receive("x" * (MAX_MESSAGE + 1))
        assert channel.events[-1]["error"]["code"] == "message_too_big"
        messages.receive(b"\xff")
        assert channel.events[-1]["error"]["code"] == "invalid_json"
