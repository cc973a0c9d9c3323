import pytest

from fastrtc import ReplyOnPause, Stream
from fastrtc.testing import Call


def echo(audio):
    yield audio


stream = Stream(
    ReplyOnPause(echo),
    modality="audio",
    mode="send-receive",
    server_rtc_configuration={"iceServers": []},  # without a STUN server
)


@pytest.mark.parametrize("over", ["memory", "webrtc", "websocket", "twilio"])
async def test_it_answers(over):
    async with Call(stream, over) as call:
        await call.say("Can you hear me?")
        await call.finish()
    (turn,) = call.turns
    assert turn.latency_s < 1.5
