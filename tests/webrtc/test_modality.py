"""Streams whose handler and modality do not fit, and classes that mix in the connections."""

import asyncio
from typing import Any

import pytest

from fastrtc import Stream
from fastrtc.webrtc_connection_mixin import WebRTCConnectionMixin
from tests.support.peers import LOCAL, AudioSource, Client, eventually, tone
from tests.webrtc.handlers import AsyncAudioEcho


class Endpoint(WebRTCConnectionMixin):
    """The least that a program's own class sets."""

    def __init__(self, handler: Any, modality: Any, mode: Any = "send-receive") -> None:
        super().__init__()
        self.event_handler = handler
        self.modality = modality
        self.mode = mode
        self.server_rtc_configuration = self.convert_to_aiortc_format(LOCAL)


@pytest.mark.parametrize(
    ("media", "message"),
    [
        ({"video": "sendrecv"}, "AsyncAudioEcho takes audio, but the stream's modality is 'video'"),
        ({"audio": "sendrecv"}, "Unsupported track kind audio: the stream's modality is video"),
    ],
)
async def test_an_audio_handler_without_a_modality_takes_no_offers(
    media: dict[str, str], message: str
):
    stream = Stream(AsyncAudioEcho(), server_rtc_configuration=LOCAL)
    client = Client(stream, **media)

    with pytest.raises(ValueError, match=message):
        await client.call()
    await client.close()


@pytest.mark.parametrize("mode", ["send-receive", "send"])
async def test_a_function_as_audio_handler_connects_and_is_not_called(mode: str, caplog):
    called = []
    endpoint = Endpoint(called.append, "audio", mode)

    async with Client(endpoint, audio=AudioSource(tone(1))) as client:
        await eventually(lambda: client.pc.connectionState == "connected")
        await eventually(lambda: "the function is not called" in caplog.text)
        await asyncio.sleep(0.2)
        assert endpoint.handlers[client.webrtc_id] == called.append
    assert called == []


@pytest.mark.parametrize("mode", ["send-receive", "receive"])
async def test_a_class_of_its_own_with_a_modality_that_there_is_not(mode: str):
    client = Client(Endpoint(lambda frame: frame, "smell", mode), video="sendrecv")

    with pytest.raises(ValueError, match="^Modality must be 'video', 'audio' or 'audio-video'"):
        await client.call()
    await client.close()
