"""What the programs of `docs/handlers.md` do, beyond connecting."""

import numpy as np
import pytest
from httpx import ASGITransport, AsyncClient

from fastrtc import WebRTCError
from fastrtc.handlers.link import link_of
from tests.support.peers import LOCAL, AudioSource, Client, eventually, tone

from .media import echo_socket


def local(stream):
    stream.server_rtc_configuration = stream.convert_to_aiortc_format(LOCAL)
    return stream


@pytest.mark.parametrize("name", ["echo", "async_echo", "upstream"])
async def test_echoes(name: str, snippet, monkeypatch: pytest.MonkeyPatch) -> None:
    async with echo_socket() as url:
        monkeypatch.setenv("SERVICE_URL", url)
        stream = local(snippet(f"handlers/{name}.py").stream)
        async with Client(stream, audio=AudioSource(tone(5.0))) as client:
            await eventually(lambda: len(client.loud()) > 10)


async def test_outputs(snippet) -> None:
    stream = local(snippet("handlers/outputs.py").stream)
    outputs = stream.output_stream("countdown")
    async with Client(stream, audio=AudioSource(), webrtc_id="countdown") as client:
        assert [output.args async for output in outputs] == [(2,), (1,), (0,)]
        await client.message("end_stream", "That was all")
    assert len(client.loud()) >= 3 * 8  # three beeps of 0.2 s, less what the codec rounds off


async def test_inputs(snippet) -> None:
    module = snippet("handlers/inputs.py")
    source = AudioSource(tone(10.0))
    transport = ASGITransport(module.app)
    async with (
        Client(local(module.stream), audio=source) as client,
        AsyncClient(transport=transport, base_url="http://test") as http,
    ):
        await client.message("send_input")
        await eventually(lambda: len(client.loud(4000)) > 5)
        body = {"webrtc_id": client.webrtc_id, "volume": 0.25}
        assert (await http.post("/volume", json=body)).status_code == 200
        await eventually(lambda: 1000 < np.abs(client.audio_frames[-1][1].astype(int)).max() < 3000)


async def test_messages(snippet) -> None:
    stream = local(snippet("handlers/messages.py").stream)
    async with Client(stream, audio=AudioSource(tone(10.0))) as client:
        hello = await client.message("hello")
        assert hello["data"] == {"you": client.webrtc_id}
        await eventually(lambda: any(m["data"] > 0.1 for m in client.of_type("level")))


async def test_clear(snippet) -> None:
    stream = local(snippet("handlers/clear.py").stream)
    spoken = np.concatenate([np.zeros(48000, np.int16), tone(0.5, amplitude=16000)])
    async with Client(stream, audio=AudioSource(spoken)) as client:
        await eventually(client.loud)
        await eventually(lambda: link_of(client.session.handler).queued_s() == 0)
        assert client.session.handler.songs.empty()


def test_errors(snippet) -> None:
    reply = snippet("handlers/errors.py").reply
    with pytest.raises(WebRTCError, match="fewer words"):
        next(reply((100, np.zeros((1, 3100), np.int16))))
    assert len(list(reply((100, np.zeros((1, 1100), np.int16))))) == 1
