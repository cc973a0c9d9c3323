"""Clients that are killed, that stand still, and that read nothing."""

import asyncio
import json
import logging
import signal
import subprocess
from typing import Any

import pytest

from fastrtc import Stream
from fastrtc.transport import stalled_client
from tests.faults.over_http import calling_process, running
from tests.support.bystander import assert_little, bystander
from tests.support.connections import connections_of
from tests.support.peers import LOCAL, AudioSource, Client, eventually, tone
from tests.webrtc.conftest import fast_consent
from tests.webrtc.handlers import AsyncAudioEcho
from tests.websocket.served import Echo, Served, serve

__all__ = ["fast_consent"]


async def started(process: "subprocess.Popen[str]") -> None:
    assert process.stdout is not None
    assert await asyncio.to_thread(process.stdout.readline) == "connected\n"


async def assert_it_is_over(served: Served, echo: Echo) -> None:
    await served.is_empty()
    assert [one.shutdowns for one in echo.copies] == [1]
    connections_of(served.stream).registry.reserve("next", 1)  # the only place is free
    connections_of(served.stream).registry.release("next")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_process_that_says_no_goodbye(number: signal.Signals, fast_consent: None) -> None:
    """Killed, or only stopped, as by a laptop's lid: it does not answer any more."""
    echo = Echo()
    async with serve(echo, concurrency_limit=1, server_rtc_configuration=LOCAL) as served:
        address = served.address.replace("ws:", "http:").removesuffix("/websocket/offer")
        with calling_process(address, "caller") as process:
            await started(process)
            await served.handler("caller")
            session = connections_of(served.stream).session("caller")
            assert session is not None
            process.send_signal(number)
            await assert_it_is_over(served, echo)
            assert session.reason.text == "the client vanished"


SOCKET_CLIENT = """
import asyncio, sys
from websockets.asyncio.client import connect

async def main():
    async with connect(sys.argv[1], proxy=None) as socket:
        await socket.send('{"event": "start", "websocket_id": "caller"}')
        print("connected", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_a_process_with_a_websocket_that_is_killed() -> None:
    echo = Echo()
    async with serve(echo, concurrency_limit=1) as served:
        with running("-c", SOCKET_CLIENT, served.address) as process:
            await started(process)
            await served.handler("caller")
        await assert_it_is_over(served, echo)


class Chatty(AsyncAudioEcho):
    """Says 5 MB in messages at once when it is first spoken to, and then one with each frame."""

    async def receive(self, frame: Any) -> None:
        for _ in range(1 if self.heard else 100):
            await self.send_message(json.dumps({"type": "mine", "data": "x" * 50_000}))
        await super().receive(frame)


def chatty() -> Stream:
    return Stream(Chatty(), modality="audio", mode="send-receive", server_rtc_configuration=LOCAL)


async def test_a_peer_that_reads_gets_all_messages(caplog: pytest.LogCaptureFixture) -> None:
    async with Client(chatty(), audio=AudioSource(tone(0.5), then_nothing=True)) as client:
        await eventually(lambda: len(client.of_type("mine")) > 100)
    assert not [one for one in caplog.records if one.levelno >= logging.WARNING]


@pytest.mark.parametrize(("most", "patience_s"), [(2 << 20, 1000), (1 << 40, 0.1)])
async def test_a_peer_that_reads_no_messages(
    most: int,
    patience_s: float,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its data channel is stuck: so much waits, the rest is dropped, and the sound goes on."""
    monkeypatch.setattr(stalled_client, "MAX_EVER", most)
    monkeypatch.setattr(stalled_client, "PATIENCE_S", patience_s)

    async def media_only(send: Any, data: bytes) -> None:
        if not 19 < data[0] < 64:  # DTLS, and in it the acknowledgements (RFC 7983)
            await send(data)

    stream = chatty()
    client = Client(stream, audio=AudioSource(tone(60)))
    await client.call()
    await client.state("connected")
    await eventually(lambda: client.webrtc_id in stream.data_channels)
    client.shape_network(media_only)
    channel: Any = stream.data_channels[client.webrtc_id]
    await eventually(lambda: "the client reads no messages" in caplog.text)
    before, waiting = len(client.loud()), channel.bufferedAmount
    assert waiting > 1 << 20
    async with bystander() as other, other.undisturbed() as cost:
        await eventually(lambda: len(client.loud()) > before + 50)
    assert_little(cost)
    assert channel.bufferedAmount < waiting + (1 << 20)  # 2.5 MB have been said meanwhile
    assert len([one for one in caplog.records if one.levelno >= logging.WARNING]) == 1
    stream.clean_up(client.webrtc_id)
    await client.over()
    await client.close()
    assert len(connections_of(stream).registry) == 0
