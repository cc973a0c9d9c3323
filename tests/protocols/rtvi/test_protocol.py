"""What RTVI keeps of a session: one channel over all connections, and nothing once it is closed."""

import asyncio
import gc
import weakref
from typing import Any

from aiortc import RTCConfiguration

from fastrtc import Stream
from fastrtc.protocols.rtvi.protocol import NAME, RTVI
from fastrtc.server.endpoint import endpoint_of
from fastrtc.session.media import Media
from fastrtc.session.session import Session
from fastrtc.transport.webrtc.peer import Peer
from tests.webrtc.handlers import AsyncAudioEcho


class WithScreen(AsyncAudioEcho):
    """Takes the screen of the user."""

    def copy(self) -> "WithScreen":
        return WithScreen()

    def screen_receive(self, picture: Any) -> None: ...


async def test_a_session_is_forgotten_when_it_is_closed() -> None:
    stream = Stream(WithScreen(), modality="audio", mode="send-receive", verbose=False)
    protocol = RTVI(endpoint_of(stream))

    async def one() -> "weakref.ref[Session]":
        session = await Session.create(
            f"{NAME}-x", WithScreen(), deliver=lambda _: None, release=lambda _: None
        )
        media = Media(session, "audio", "send-receive")
        channel = protocol.messages(session, media, {})
        assert protocol.messages(session, media, {}) is channel  # of another connection
        configuration = RTCConfiguration(iceServers=[])
        peer = Peer(session, media, "send-receive", configuration, messages=channel)
        protocol.attach(peer, {})
        assert peer.second_video is not None
        session.close("enough")
        await session.closed.wait()
        return weakref.ref(session)

    gone = [await one() for _ in range(3)]
    await asyncio.sleep(0.01)  # callbacks of the last task
    gc.collect()
    assert [each() for each in gone] == [None] * 3
