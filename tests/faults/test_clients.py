"""Clients that are killed, that stand still, and that read nothing."""

import asyncio
import json
import logging
import signal
import subprocess
from typing import Any

import pytest

from fastrtc import Stream
from tests.faults.over_http import calling_process, running
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
    served.stream._registry.reserve("next", 1)  # the only place is free
    served.stream._registry.release("next")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_process_that_says_no_goodbye(number: signal.Signals, fast_consent: None) -> None:
    """Killed, or only stopped, as by a laptop's lid: it does not answer any more."""
    echo = Echo()
    async with serve(echo, concurrency_limit=1, server_rtc_configuration=LOCAL) as served:
        address = served.address.replace("ws:", "http:").removesuffix("/websocket/offer")
        with calling_process(address, "caller") as process:
            await started(process)
            await served.handler("caller")
            session = served.stream._registry.get("caller")
            assert session is not None
            process.send_signal(number)
            await assert_it_is_over(served, echo)
            assert session.reason == "the client vanished"


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
    """Says 5 MB in messages when it is first spoken to."""

    async def receive(self, frame: Any) -> None:
        if not self.heard:
            for _ in range(100):
                await self.send_message(json.dumps({"type": "mine", "data": "x" * 50_000}))
        await super().receive(frame)


async def test_a_peer_that_reads_no_messages(caplog: pytest.LogCaptureFixture) -> None:
    """Its data channel is stuck: 1 MiB waits, the rest is dropped, and the sound goes on."""

    async def media_only(send: Any, data: bytes) -> None:
        if not 19 < data[0] < 64:  # DTLS, and in it the acknowledgements (RFC 7983)
            await send(data)

    stream = Stream(Chatty(), modality="audio", mode="send-receive", server_rtc_configuration=LOCAL)
    source = AudioSource(tone(60))
    client = Client(stream, audio=source)
    await client.call()
    await client.state("connected")
    await eventually(lambda: client.webrtc_id in stream.data_channels)
    client.shape_network(media_only)
    channel: Any = stream.data_channels[client.webrtc_id]
    await eventually(lambda: "the client reads no messages" in caplog.text)
    assert channel.bufferedAmount < (1 << 20) + 100_000
    before = len(client.loud())
    await eventually(lambda: len(client.loud()) > before + 10)
    assert len([one for one in caplog.records if one.levelno >= logging.WARNING]) == 1
    stream.clean_up(client.webrtc_id)
    await client.over()
    await client.close()
    assert len(stream._registry) == 0
