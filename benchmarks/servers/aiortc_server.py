"""The floor: aiortc and FastAPI, doing what a fastrtc handler asks for with nothing in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from av import VideoFrame
from fastapi import FastAPI
from pydantic import BaseModel
from serving import Recording, add_debug_routes, calls, serve


class Offer(BaseModel):
    """The part of FastRTC's body that an offer needs."""

    sdp: str
    type: str
    webrtc_id: str


class Flipped(MediaStreamTrack):
    """A video track upside down, by way of a BGR array as a handler would get it."""

    kind = "video"

    def __init__(self, source: MediaStreamTrack) -> None:
        super().__init__()
        self._source = source

    async def recv(self) -> VideoFrame:
        frame = await self._source.recv()
        calls["frames"] += 1
        array = np.flip(frame.to_ndarray(format="bgr24"), axis=0)
        flipped = VideoFrame.from_ndarray(np.ascontiguousarray(array), format="bgr24")
        flipped.pts, flipped.time_base = frame.pts, frame.time_base
        return flipped


async def _discard(track: MediaStreamTrack) -> None:
    while True:
        try:
            await track.recv()
        except MediaStreamError:
            return


def _consume(peer: RTCPeerConnection, track: MediaStreamTrack, tasks: set[asyncio.Task]) -> None:
    task = asyncio.create_task(_discard(track))
    tasks.add(task)
    task.add_done_callback(tasks.discard)


async def _record(track: MediaStreamTrack) -> None:
    recording = Recording()
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            return
        left = frame.to_ndarray()[0, ::2]  # Opus is decoded to stereo, interleaved
        recording.add(frame.sample_rate, left.tobytes())


def _keep(peer: RTCPeerConnection, track: MediaStreamTrack, tasks: set[asyncio.Task]) -> None:
    task = asyncio.create_task(_record(track))
    tasks.add(task)
    task.add_done_callback(tasks.discard)


def _return(peer: RTCPeerConnection, track: MediaStreamTrack, tasks: set[asyncio.Task]) -> None:
    peer.addTrack(track)


def _flip(peer: RTCPeerConnection, track: MediaStreamTrack, tasks: set[asyncio.Task]) -> None:
    peer.addTrack(Flipped(track))


HANDLERS: dict[str, Callable[[RTCPeerConnection, MediaStreamTrack, set[asyncio.Task]], None]] = {
    "consume": _consume,
    "keep": _keep,
    "return": _return,
    "flip": _flip,
}


def make_app(name: str) -> FastAPI:
    """The application that serves one of `HANDLERS`."""
    app = FastAPI()
    peers: set[RTCPeerConnection] = set()
    tasks: set[asyncio.Task] = set()

    @app.post("/webrtc/offer")
    async def offer(body: Offer) -> dict[str, str]:
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        peers.add(peer)

        @peer.on("track")
        def on_track(track: MediaStreamTrack) -> None:
            HANDLERS[name](peer, track, tasks)

        @peer.on("connectionstatechange")
        async def on_state() -> None:
            if peer.connectionState in ("failed", "closed"):
                peers.discard(peer)
                await peer.close()

        await peer.setRemoteDescription(RTCSessionDescription(body.sdp, body.type))
        await peer.setLocalDescription(await peer.createAnswer())
        return {"sdp": peer.localDescription.sdp, "type": peer.localDescription.type}

    @app.post("/debug/input/{webrtc_id}")
    async def set_input(webrtc_id: str) -> None:
        pass

    add_debug_routes(app, lambda: len(peers))
    return app


if __name__ == "__main__":
    serve(make_app, list(HANDLERS))
