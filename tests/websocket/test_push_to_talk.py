"""Push to talk over a WebSocket: messages take effect in the order of the audio."""

from collections.abc import Iterator
from typing import Any

import pytest

from fastrtc import ReplyOnPause
from tests.websocket.served import serve, sine


@pytest.mark.parametrize("audio", [{}, {"encoding": "pcm16"}])
async def test_a_turn_has_the_audio_that_was_sent_before_its_end(audio: dict[str, Any]) -> None:
    lengths: list[float] = []

    def reply(said: Any) -> Iterator[Any]:
        lengths.append(said[1].size / said[0])
        yield said

    handler = ReplyOnPause(reply, turn_detection="manual", input_sample_rate=24_000)
    async with serve(handler) as served, served.client() as client:
        await client.start(**audio)
        await client.wait_for(
            type="conversation", data={"state": "listening", "turn_detection": "manual"}
        )
        await client.say(sine(0.5))
        await client.send({"type": "begin"})
        await client.say(sine(1.01))
        await client.send({"type": "commit"})
        await client.say(sine(0.5))
        await client.hear(1.0)
        await client.send({"type": "begin"})
        await client.say(sine(0.7))
        await client.send({"type": "cancel"})
        await client.send({"type": "commit"})
        await client.send({"event": "ping"})
        await client.wait_for(event="pong")
    assert lengths == [pytest.approx(1.01, abs=0.025)]
