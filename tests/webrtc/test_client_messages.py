"""Messages of a client over the data channel of a WebRTC connection."""

import json
from typing import Any

from fastrtc import Stream, get_current_context
from tests.support.peers import LOCAL, AudioSource, Client, eventually
from tests.webrtc.handlers import AsyncAudioEcho


class Listening(AsyncAudioEcho):
    def __init__(self) -> None:
        super().__init__()
        self.got: list[Any] = []

    def copy(self) -> "Listening":
        return Listening()

    async def on_message(self, message: dict[str, Any]) -> None:
        self.got.append((message, get_current_context().webrtc_id))


async def test_messages_reach_the_handler_and_are_still_answered() -> None:
    stream = Stream(Listening(), modality="audio", server_rtc_configuration=LOCAL)
    async with Client(stream, audio=AudioSource()) as client:
        await eventually(lambda: client.channel.readyState == "open")
        message = {"type": "mine", "data": [1, "ä"]}
        for text in (json.dumps(message), "no JSON", "handshake", '{"type": "next"}'):
            client.channel.send(text)
            await client.message("log", f"Server received: {text}")
        handler = stream.handlers[client.webrtc_id]
        await eventually(lambda: len(handler.got) == 2)
        assert handler.got == [(message, client.webrtc_id), ({"type": "next"}, client.webrtc_id)]
        errors = [one["data"] for one in client.messages if one["type"] == "error"]
        assert errors == ["A message must be a JSON object"]
