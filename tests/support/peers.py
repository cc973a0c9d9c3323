"""An aiortc peer that connects to a stream in the same process, as a browser would over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import fractions
import itertools
import json
from collections.abc import Callable
from typing import Any

import av
import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError

__all__ = ["LOCAL", "AudioSource", "Client", "VideoSource", "eventually", "tone"]

LOCAL = {"iceServers": []}
"""A configuration without any server: all is on this machine."""

RATE = 48000
FRAME = 960
PATIENCE_S = 20.0  # s, for anything that happens at all; these machines are shared

_ids = itertools.count()


def tone(seconds: float, frequency: float = 440.0, amplitude: int = 8000) -> np.ndarray:
    """A sine at 48 kHz, int16, shape (n,)."""
    k = np.arange(round(seconds * RATE))
    return (amplitude * np.sin(2 * np.pi * frequency * k / RATE)).astype(np.int16)


async def eventually(condition: Callable[[], Any], within: float = PATIENCE_S) -> Any:
    """Wait until a condition holds; fails when it does not in time."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while not (value := condition()):
        assert loop.time() < deadline, "it did not happen in time"
        await asyncio.sleep(0.01)
    return value


class AudioSource(MediaStreamTrack):
    """Sends samples in real time, then silence."""

    kind = "audio"

    def __init__(self, samples: np.ndarray | None = None) -> None:
        super().__init__()
        self.samples = np.zeros(0, np.int16) if samples is None else samples
        self.sent = 0
        self.started_at: float | None = None

    async def recv(self) -> av.AudioFrame:
        if self.readyState != "live":
            raise MediaStreamError
        loop = asyncio.get_running_loop()
        if self.started_at is None:
            self.started_at = loop.time()
        await asyncio.sleep(max(0.0, self.started_at + self.sent / RATE - loop.time()))
        chunk = self.samples[self.sent : self.sent + FRAME]
        frame = av.AudioFrame.from_ndarray(
            np.pad(chunk, (0, FRAME - len(chunk)))[np.newaxis], format="s16", layout="mono"
        )
        frame.sample_rate = RATE
        frame.pts = self.sent
        frame.time_base = fractions.Fraction(1, RATE)
        self.sent += FRAME
        return frame


class VideoSource(MediaStreamTrack):
    """Sends pictures in real time: red on top, blue below, unless it is given others."""

    kind = "video"

    def __init__(
        self, width: int = 160, height: int = 120, fps: int = 30, picture: np.ndarray | None = None
    ) -> None:
        super().__init__()
        if picture is None:
            picture = np.zeros((height, width, 3), np.uint8)
            picture[: height // 2, :, 2] = 220  # BGR
            picture[height // 2 :, :, 0] = 220
        self.picture = picture
        self.fps = fps
        self.sent = 0
        self.started_at: float | None = None

    async def recv(self) -> av.VideoFrame:
        if self.readyState != "live":
            raise MediaStreamError
        loop = asyncio.get_running_loop()
        if self.started_at is None:
            self.started_at = loop.time()
        await asyncio.sleep(max(0.0, self.started_at + self.sent / self.fps - loop.time()))
        frame = av.VideoFrame.from_ndarray(self.picture, format="bgr24")
        frame.pts = self.sent * 90000 // self.fps
        frame.time_base = fractions.Fraction(1, 90000)
        self.sent += 1
        return frame


class Client:
    """A peer of a stream.

    `audio` and `video` are tracks to send, "recvonly" to only receive, or None for no such track.
    """

    def __init__(
        self,
        stream: Any,
        *,
        audio: MediaStreamTrack | str | None = None,
        video: MediaStreamTrack | str | None = None,
        webrtc_id: str | None = None,
        label: str | None = "text",
    ) -> None:
        self.stream = stream
        self.webrtc_id = webrtc_id or f"client-{next(_ids)}"
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.states: list[str] = []
        self.messages: list[dict[str, Any]] = []
        self.audio_frames: list[tuple[float, np.ndarray, int]] = []
        self.video_frames: list[tuple[float, np.ndarray, int]] = []
        self.response: Any = None
        self._readers: list[asyncio.Task[None]] = []
        self._changed = asyncio.Event()
        self.pc.on("connectionstatechange", self._state_changed)
        self.pc.on("track", self._track)
        for kind, media in (("audio", audio), ("video", video)):
            if isinstance(media, MediaStreamTrack):
                self.pc.addTrack(media)
            elif media is not None:
                self.pc.addTransceiver(kind, direction=media)
        self.channel = None if label is None else self.pc.createDataChannel(label)
        if self.channel is not None:
            self.channel.on("message", self._message)

    async def __aenter__(self) -> Client:
        await self.connect()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def offer(self) -> dict[str, Any]:
        """Make the offer's body."""
        await self.pc.setLocalDescription(await self.pc.createOffer())
        return {
            "sdp": self.pc.localDescription.sdp,
            "type": "offer",
            "webrtc_id": self.webrtc_id,
        }

    async def post(self, body: dict[str, Any]) -> Any:
        """Hand a body to the stream; refusals come as the dict that is in their JSON."""
        answer = await self.stream.handle_offer(
            body, set_outputs=self.stream.set_additional_outputs(self.webrtc_id)
        )
        return answer if isinstance(answer, dict) else json.loads(answer.body)

    async def call(self) -> Any:
        """Offer, and take the answer if there is one."""
        self.response = await self.post(await self.offer())
        if self.response.get("type") == "answer":
            await self.pc.setRemoteDescription(RTCSessionDescription(**self.response))
        return self.response

    async def connect(self) -> Client:
        """Offer, and wait until it is connected."""
        await self.call()
        assert self.response.get("type") == "answer", self.response
        await self.state("connected")
        return self

    async def state(self, wanted: str) -> None:
        """Wait until the connection is, or was, in a state."""
        await eventually(lambda: wanted in self.states)

    async def message(self, type: str, data: Any = None) -> dict[str, Any]:
        """Wait for a message of a type, and of certain data if that is given."""
        return await eventually(
            lambda: next(
                (
                    m
                    for m in self.messages
                    if m["type"] == type and (data is None or m.get("data") == data)
                ),
                None,
            )
        )

    def of_type(self, type: str) -> list[dict[str, Any]]:
        """The messages of a type so far."""
        return [message for message in self.messages if message["type"] == type]

    def heard(self) -> np.ndarray:
        """What came back so far, int16, mono, shape (n,), without the pauses in between."""
        return np.concatenate([np.zeros(0, np.int16), *(f for _, f, _ in self.audio_frames)])

    def loud(self, level: int = 1500) -> list[tuple[float, np.ndarray, int]]:
        """The frames that came back and are not silence."""
        return [f for f in self.audio_frames if np.abs(f[1].astype(int)).max() > level]

    async def close(self) -> None:
        """Say goodbye."""
        await self.pc.close()
        await self._stop_reading()

    async def vanish(self) -> None:
        """Go without a goodbye: from now on nothing is sent and nothing is taken."""
        connections = {
            id(t.transport._connection): t.transport._connection for t in self._transports()
        }
        for connection in connections.values():
            for protocol in connection._protocols:
                with contextlib.suppress(Exception):
                    protocol.transport.abort()
        await self.pc.close()
        await self._stop_reading()

    def shape_network(self, send: Callable[[Callable[[bytes], Any], bytes], Any]) -> None:
        """Have `send(original, datagram)` decide what becomes of each datagram that is sent."""
        for transport in self._transports():
            ice = transport.transport
            original = ice._send

            async def shaped(data: bytes, original: Any = original) -> None:
                await send(original, data)

            ice._send = shaped

    def _transports(self) -> list[Any]:
        transports = [t.receiver.transport for t in self.pc.getTransceivers()]
        if self.pc.sctp is not None:
            transports.append(self.pc.sctp.transport)
        return list({id(t): t for t in transports}.values())

    async def _stop_reading(self) -> None:
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)

    def _state_changed(self) -> None:
        self.states.append(self.pc.connectionState)

    def _message(self, message: str) -> None:
        self.messages.append(json.loads(message))

    def _track(self, track: MediaStreamTrack) -> None:
        read = self._read_audio if track.kind == "audio" else self._read_video
        self._readers.append(asyncio.ensure_future(read(track)))

    async def _read_audio(self, track: MediaStreamTrack) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(MediaStreamError):
            while True:
                frame: Any = await track.recv()
                samples = frame.to_ndarray().reshape(-1, len(frame.layout.channels))[:, 0]
                self.audio_frames.append((loop.time(), samples, frame.pts))

    async def _read_video(self, track: MediaStreamTrack) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(MediaStreamError):
            while True:
                frame: Any = await track.recv()
                picture = frame.to_ndarray(format="bgr24")
                self.video_frames.append((loop.time(), picture, frame.pts))
