"""Webhooks of calls that are not made, and handshakes of calls that are over."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from fastapi import FastAPI
from twilio.request_validator import RequestValidator

from fastrtc import Stream
from tests.support.bystander import assert_little, bystander
from tests.support.connections import connections_of
from tests.support.peers import eventually
from tests.support.servers import serving
from tests.telephone.phone import Phone
from tests.webrtc.handlers import AsyncAudioEcho

HEAD = (
    b"POST /telephone/incoming HTTP/1.1\r\nHost: example.com\r\nTransfer-Encoding: chunked\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
)
REPLAYS = 10
CHUNK = b"400\r\n" + b"From=" + b"1" * 1019 + b"\r\n"


@pytest.mark.parametrize("token", [None, "secret"])
async def test_a_form_without_an_end_is_refused_before_authorization(
    token: str | None,
) -> None:
    asked: list[Any] = []
    stream = Stream(
        AsyncAudioEcho(),
        modality="audio",
        verbose=False,
        twilio_auth_token=token,
        authorize=asked.append,
    )
    app = FastAPI()
    stream.mount(app)

    async def post_on(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD)
        while True:
            writer.write(CHUNK)
            await writer.drain()
            await asyncio.sleep(0)

    with serving(app) as url:
        host, port = url.removeprefix("http://").split(":")
        async with bystander((app, url)) as other, other.undisturbed() as cost:
            reader, writer = await asyncio.open_connection(host, int(port))
            posting = asyncio.create_task(post_on(writer))
            with suppress(ConnectionResetError):  # the rest is not read
                answer = await asyncio.wait_for(reader.readuntil(b"\r\n"), 20)
                assert answer.startswith(b"HTTP/1.1 413 ")
            posting.cancel()
            await asyncio.gather(posting, return_exceptions=True)
            writer.transport.abort()
    assert_little(cost)
    assert not asked


async def test_a_replayed_handshake_opens_no_call() -> None:
    stream = Stream(
        AsyncAudioEcho(),
        modality="audio",
        verbose=False,
        twilio_auth_token="secret",
        concurrency_limit=9,
    )
    app = FastAPI()
    stream.mount(app)
    with serving(app) as url:
        address = f"wss://{url.removeprefix('http://')}/telephone/handler"
        signature = RequestValidator("secret").compute_signature(address, {})
        handshake: dict[str, Any] = {
            "headers": {"X-Twilio-Signature": signature},
            "call_id": "CA1",
            **stream.call_parameters("CA1"),
        }
        async with Phone(url, **handshake) as phone:
            await eventually(lambda: phone.arrived)
            await phone.hang_up()
        await eventually(lambda: not len(connections_of(stream).registry))
        async with bystander((app, url)) as other, other.undisturbed() as cost:
            for _ in range(REPLAYS):
                async with Phone(url, talk=False, **handshake) as phone:
                    await asyncio.wait_for(phone.ended.wait(), 30)
                    assert phone.code == 1008 and not phone.arrived
    assert_little(cost)
