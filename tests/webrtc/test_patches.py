"""What happens with an aiortc, or an aioice, that lacks names which fastrtc reaches into."""

from typing import Any

import pytest

from fastrtc import Stream
from fastrtc.transport.webrtc._aiortc import audio_packets, codecs
from fastrtc.transport.webrtc._aiortc.patch import Patch
from fastrtc.transport.webrtc._aiortc.registry import REGISTRY
from tests.support.patches import without
from tests.support.peers import LOCAL, AudioSource, Client, eventually, tone
from tests.webrtc.handlers import AsyncAudioEcho

BOUNDS = [patch for patch in REGISTRY.patches if patch.is_bound]
OTHERS = [patch for patch in REGISTRY.patches if not patch.is_bound]


def echo(**options: Any) -> Stream:
    return Stream(
        AsyncAudioEcho(),
        modality="audio",
        mode="send-receive",
        server_rtc_configuration=LOCAL,
        **options,
    )


@pytest.mark.parametrize(
    "lost",
    [OTHERS, [audio_packets.PATCH], [codecs.NEGOTIATED]],
    ids=["all", "packets", "negotiated codecs"],
)
async def test_a_call_goes_on_without(lost: list[Patch]) -> None:
    with without(*lost):
        async with Client(echo(), audio=AudioSource(tone(9))) as client:
            assert client.channel is not None
            client.channel.send("hello")
            await client.message("log", "Server received: hello")
            await eventually(lambda: len(client.loud()) >= 25)
        assert client.states[-1] == "closed"


@pytest.mark.parametrize("patch", BOUNDS, ids=lambda patch: patch.name)
async def test_without_a_bound_no_offer_is_answered(patch: Patch) -> None:
    stream = echo(concurrency_limit=1)
    with without(patch):
        client = Client(stream, audio=AudioSource(tone(9)))
        answer = await client.call()
        assert answer["status"] == "failed"
        assert answer["meta"]["error"] == "unsupported_aiortc"
        assert patch.name in answer["meta"]["reason"]
        await client.close()
    async with Client(stream, audio=AudioSource(tone(9))) as client:  # the one place is free
        await eventually(lambda: len(client.loud()) >= 5)
