"""Tracks, without a connection, for the tests of their classes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastrtc.handlers.stream import AsyncAudioVideoStreamHandler, AsyncStreamHandler
from fastrtc.session.media import Media
from fastrtc.session.session import Session
from fastrtc.transport.webrtc.media_track import MediaCallback
from fastrtc.transport.webrtc.tracks import make_tracks


class Audio(AsyncStreamHandler):
    async def receive(self, frame) -> None:
        pass

    async def emit(self):
        await asyncio.Event().wait()

    def copy(self):
        return type(self)()


class AudioVideo(Audio, AsyncAudioVideoStreamHandler):
    async def video_receive(self, frame) -> None:
        pass

    async def video_emit(self):
        await asyncio.Event().wait()


def function(picture, strength=1):
    return picture


def handler_of(modality: str):
    return {"audio": Audio(), "video": function, "audio-video": AudioVideo()}[modality]


@asynccontextmanager
async def tracks(
    modality: str, mode: str = "send-receive", handler=None
) -> AsyncIterator[tuple[Session, Media, list[MediaCallback]]]:
    session = Session(
        "a",
        handler if handler is not None else handler_of(modality),
        deliver=lambda outputs: None,
        release=lambda session: None,
    )
    media = Media(session, modality, mode)  # type: ignore[arg-type]
    try:
        yield session, media, make_tracks(session, media, mode)
    finally:
        session.close("the test is over")
        await session.closed.wait()


class Channel:
    def __init__(self) -> None:
        self.sent: list[str] = []

    def send(self, message: str) -> None:
        self.sent.append(message)


async def ended(track: MediaCallback) -> None:
    """Stop a track that a program has made, and wait until its session is over."""
    track.stop()
    assert track._session is not None
    await track._session.closed.wait()
