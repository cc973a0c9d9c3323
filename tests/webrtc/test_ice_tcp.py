"""Clients that connect over TCP, on networks that block UDP."""

import asyncio

import pytest

from fastrtc import Ice, Stream
from tests.support.ice_tcp import connect_over_tcp
from tests.support.peers import AudioSource, Client, eventually, tone
from tests.support.ports import free_port
from tests.webrtc.handlers import AsyncAudioEcho


def echo(**options: object) -> Stream:
    """An echo stream with a TCP port, for clients on this machine."""
    ice = Ice(tcp_port=free_port(), loopback=True, **options)  # type: ignore[arg-type]
    return Stream(AsyncAudioEcho(), modality="audio", mode="send-receive", verbose=False, ice=ice)


@pytest.mark.parametrize("shared", [False, True], ids=["own-udp-ports", "one-udp-port"])
async def test_a_client_without_udp_hears_its_echo(shared: bool) -> None:
    stream = echo(udp_port=free_port()) if shared else echo()
    client = Client(stream, audio=AudioSource(tone(5)))
    connect_over_tcp(client.pc, "127.0.0.1")

    async with client:
        await eventually(client.loud)


async def test_the_end_of_candidates_is_not_the_end_of_waiting() -> None:
    """A TCP client has no address that the server could check, so all depends on its checks."""
    stream = echo()
    client = Client(stream, audio=AudioSource(tone(5)))
    connect_over_tcp(client.pc, "127.0.0.1")
    answer = await client.post(await client.offer())

    await asyncio.sleep(0.5)
    await client.take(answer)

    await client.state("connected")
    await client.close()
    await client.over()
