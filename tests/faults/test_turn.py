"""A TURN server that dies in the middle of a call."""

from pathlib import Path

import pytest

from fastrtc import Stream
from tests.support.connections import connections_of
from tests.support.peers import AudioSource, Client, eventually, tone
from tests.support.turn import turn_server
from tests.webrtc.conftest import fast_consent
from tests.webrtc.handlers import AsyncAudioEcho

__all__ = ["fast_consent"]

pytestmark = pytest.mark.external("turnserver")


REASONS = {"udp": "the client vanished", "tcp": "the client disconnected"}


@pytest.mark.parametrize("transport", REASONS)
async def test_the_call_ends_with_a_reason(
    transport: str, tmp_path: Path, fast_consent: None
) -> None:
    """The server cannot tell it from a client that is gone; over TCP it is known at once."""
    with turn_server(tmp_path) as turn:
        stream = Stream(
            AsyncAudioEcho(),
            modality="audio",
            mode="send-receive",
            server_rtc_configuration=turn.relay_only(transport=transport),
        )
        client = Client(stream, audio=AudioSource(tone(60)))
        await client.connect()
        await eventually(lambda: len(client.loud()) >= 10)
        mine = stream.handlers[client.webrtc_id]
        turn.kill()
        await client.over()
    assert client.session.reason.text == REASONS[transport]
    assert mine.calls == ["start_up", "shutdown"]
    assert len(connections_of(stream).registry) == 0
    await client.close()
