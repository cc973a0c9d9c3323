"""A turn ends when a client of a socket sends no more audio."""

import base64
from typing import Any

import numpy as np
import pytest

from fastrtc import ReplyOnPause
from tests.support.models import Energy
from tests.support.peers import eventually
from tests.telephone.phone import Phone
from tests.websocket.served import serve, sine

RATE = 24000


class Replies:
    """A reply function that notes the length of what it gets, in seconds."""

    def __init__(self) -> None:
        self.utterances: list[float] = []

    def __call__(self, audio: Any) -> Any:
        self.utterances.append(audio[1].shape[1] / audio[0])
        yield RATE, sine(0.2)


@pytest.mark.parametrize("message_s", [0.02, 0.1, 1.0])
async def test_a_client_that_stops_sending_is_answered(message_s: float) -> None:
    """Also one whose messages are long: the time between two of them is no silence."""
    replies = Replies()
    handler = ReplyOnPause(replies, model=Energy(), input_sample_rate=RATE)
    async with serve(handler) as served, served.client() as client:
        await client.start()
        said = sine(2.0)
        for part in np.split(said, round(2.0 / message_s)):
            await client.say(part)
        await eventually(lambda: replies.utterances)
        assert [2.0 <= seconds < 4.0 for seconds in replies.utterances] == [True]


async def test_a_call_whose_audio_stops_is_answered() -> None:
    replies = Replies()
    handler = ReplyOnPause(replies, model=Energy(), input_sample_rate=8000)
    async with serve(handler) as served:
        url = served.address.replace("ws://", "http://").removesuffix("/websocket/offer")
        async with Phone(url, talk=False) as phone:
            said = (8000 * np.sin(np.arange(12000) / 3)).astype(np.int16)
            payload = base64.b64encode(phone.provider.codec.encode(said)).decode()
            await phone.send(phone.provider.media(payload))
            await eventually(lambda: replies.utterances)
            assert [1.5 <= seconds < 3.5 for seconds in replies.utterances] == [True]
