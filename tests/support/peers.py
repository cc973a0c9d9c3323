"""An aiortc peer that connects to a stream in the same process, as a browser would over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import fractions
import itertools
import json
from collections.abc import Callable
from typing import Any, NamedTuple

import av
import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError

from fastrtc.transport.webrtc._aiortc.closing import close_while_connecting
from fastrtc.transport.webrtc._aiortc.consent import watch_consent
from fastrtc.transport.webrtc.ice_targets import Place, client_place
from tests.support.connections import connections_of

__all__ = [
    "LOCAL",
    "PATIENCE_S",
    "AudioSource",
    "Client",
    "Network",
    "RtpArrival",
    "VideoSource",
    "eventually",
    "shape_network",
    "strip_candidates",
    "tone",
]

LOCAL = {"iceServers": []}
"""A configuration without STUN and TURN servers, for one machine."""

RATE = 48000
FRAME = 960
PATIENCE_S = 30.0  # s, for anything that has to happen; the machines are shared

_ids = itertools.count()


def tone(seconds: float, frequency: float = 440.0, amplitude: int = 8000) -> np.ndarray:
    """Return a sine at 48 kHz, int16, shape (n,)."""
    k = np.arange(round(seconds * RATE))
    return (amplitude * np.sin(2 * np.pi * frequency * k / RATE)).astype(np.int16)


async def eventually(condition: Callable[[], Any], within: float = PATIENCE_S) -> Any:
    """Wait until a condition holds; fail on timeout."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while not (value := condition()):
        assert loop.time() < deadline, "it did not happen in time"
        await asyncio.sleep(0.01)
    return value


def strip_candidates(sdp: str) -> str:
    """Return an offer or answer without candidates, as a peer with trickle ICE sends it."""
    left_out = ("a=candidate:", "a=end-of-candidates")
    lines = [line for line in sdp.splitlines() if not line.startswith(left_out)]
    return "\r\n".join(lines) + "\r\n"


class AudioSource(MediaStreamTrack):
    """Sends samples in real time, then silence, or nothing.

    `samples` are mono, shape (n,), or stereo, shape (n, 2).
    """

    kind = "audio"

    def __init__(
        self, samples: np.ndarray | None = None, *, rate: int = RATE, then_nothing: bool = False
    ) -> None:
        super().__init__()
        self.samples = np.zeros(0, np.int16) if samples is None else samples
        self.rate = rate
        self.then_nothing = then_nothing
        self.sent = 0
        self.started_at: float | None = None

    async def recv(self) -> av.AudioFrame:
        if self.readyState != "live":
            raise MediaStreamError
        loop = asyncio.get_running_loop()
        if self.started_at is None:
            self.started_at = loop.time()
        size = self.rate // 50
        await asyncio.sleep(max(0.0, self.started_at + self.sent / self.rate - loop.time()))
        if self.then_nothing and self.sent >= len(self.samples):
            await asyncio.Event().wait()  # until the sender is stopped
        chunk = self.samples[self.sent : self.sent + size]
        chunk = np.concatenate([chunk, np.zeros((size - len(chunk), *chunk.shape[1:]), np.int16)])
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(chunk).reshape(1, -1),
            format="s16",
            layout="mono" if chunk.ndim == 1 else "stereo",
        )
        frame.sample_rate = self.rate
        frame.pts = self.sent
        frame.time_base = fractions.Fraction(1, self.rate)
        self.sent += size
        return frame


class VideoSource(MediaStreamTrack):
    """Sends frames in real time: red above blue, unless others are given."""

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


class RtpArrival(NamedTuple):
    """A received media packet."""

    at: float  # s, of the loop's clock
    kind: str
    sequence: int
    timestamp: int
    size: int


class Network:
    """A bad network for `shape_network`, which decides what happens to media packets.

    Media packets are counted, and each effect applies to every n-th of them, never at random.
    Everything else (DTLS, and the data channel in it) passes.
    """

    def __init__(
        self,
        *,
        lose_every: int = 0,
        swap_every: int = 0,
        double_every: int = 0,
        late_every: int = 0,
        late_by: float = 0.0,
    ) -> None:
        self.lose_every = lose_every
        self.swap_every = swap_every
        self.double_every = double_every
        self.late_every = late_every
        self.late_by = late_by
        self.sent = 0
        self.lost = 0
        self._held: bytes | None = None
        self._late: set[asyncio.Task[None]] = set()

    async def __call__(self, send: Callable[[bytes], Any], data: bytes) -> None:
        if not 127 < data[0] < 192:  # RFC 7983 section 7
            await send(data)
            return
        self.sent += 1
        if self._now(self.lose_every):
            self.lost += 1
        elif self._now(self.swap_every):
            self._held = data
        elif self._now(self.late_every):
            task = asyncio.ensure_future(self._send_late(send, data))
            self._late.add(task)
            task.add_done_callback(self._late.discard)
        else:
            await send(data)
            if self._now(self.double_every):
                await send(data)
            if self._held is not None:
                held, self._held = self._held, None
                await send(held)

    def _now(self, every: int) -> bool:
        return every > 0 and self.sent % every == every - 1

    async def _send_late(self, send: Callable[[bytes], Any], data: bytes) -> None:
        await asyncio.sleep(self.late_by)
        with contextlib.suppress(ConnectionError):
            await send(data)


def shape_network(
    pc: RTCPeerConnection, send: Callable[[Callable[[bytes], Any], bytes], Any]
) -> None:
    """Let `send(original, datagram)` decide what happens to each datagram that a peer sends."""
    for transport in _transports(pc):
        ice = transport.transport

        async def shaped(data: bytes, original: Any = ice._send) -> None:
            await send(original, data)

        ice._send = shaped


def _transports(pc: RTCPeerConnection) -> list[Any]:
    transports = [t.receiver.transport for t in pc.getTransceivers()]
    if pc.sctp is not None:
        transports.append(pc.sctp.transport)
    return list({id(t): t for t in transports}.values())


class Client:
    """A peer of a stream.

    `audio` and `video` are tracks to send, "recvonly" to only receive, or None for no track.

    As a context manager it connects, and finally waits until the server has closed the connection.
    """

    place: Place = "machine"

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
        close_while_connecting(self.pc)
        self.states: list[str] = []
        self.messages: list[dict[str, Any]] = []
        self.audio_frames: list[tuple[float, np.ndarray, int]] = []
        self.video_frames: list[tuple[float, np.ndarray, int]] = []
        self.planar: list[np.ndarray] = []  # the received audio, shape (channels, n)
        self.packets: list[RtpArrival] = []
        self.response: Any = None
        self.session: Any = None
        self._readers: list[asyncio.Task[None]] = []
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
        await self.over()

    async def over(self) -> None:
        """Wait until the server has closed its side."""
        if self.session is not None:
            await eventually(self.session.closed.is_set)

    async def offer(self, *, trickle: bool = False) -> dict[str, Any]:
        """Return the body of an offer, without candidates if `trickle` is set."""
        if self.pc.localDescription is None:
            await self.pc.setLocalDescription(await self.pc.createOffer())
            watch_consent(self.pc, lambda: None)
        sdp = self.pc.localDescription.sdp
        return {
            "sdp": strip_candidates(sdp) if trickle else sdp,
            "type": "offer",
            "webrtc_id": self.webrtc_id,
        }

    def candidates(self) -> list[tuple[str, str, int]]:
        """Return the local candidates, once there is an offer: text, sdpMid and sdpMLineIndex."""
        found = []
        for index, section in enumerate(self.pc.localDescription.sdp.split("\r\nm=")[1:]):
            lines = section.splitlines()
            mid = next(line[len("a=mid:") :] for line in lines if line.startswith("a=mid:"))
            found += [(line[2:], mid, index) for line in lines if line.startswith("a=candidate:")]
        return found

    async def take(self, answer: dict[str, Any]) -> None:
        """Apply an answer."""
        await self.pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))
        self.session = connections_of(self.stream).session(self.webrtc_id)
        for transceiver in self.pc.getTransceivers():
            self._watch_packets(transceiver.receiver, transceiver.kind)

    async def post(self, body: dict[str, Any]) -> Any:
        """Pass a body to the stream; refusals are returned as the dict of their JSON."""
        token = client_place.set(self.place)  # as the route does, by the address of the request
        try:
            answer = await self.stream.handle_offer(
                body, set_outputs=self.stream.set_additional_outputs(self.webrtc_id)
            )
        finally:
            client_place.reset(token)
        return answer if isinstance(answer, dict) else json.loads(answer.body)

    async def call(self) -> Any:
        """Send an offer, and apply the answer if there is one."""
        self.response = await self.post(await self.offer())
        if self.response.get("type") == "answer":
            await self.take(self.response)
        return self.response

    async def connect(self) -> Client:
        """Send an offer, and wait until the connection and its channel are open: the handler has
        started."""
        await self.call()
        assert self.response.get("type") == "answer", self.response
        await self.state("connected")
        if self.channel is not None:
            await eventually(
                lambda: (
                    self.channel.readyState != "connecting"
                    or "closed" in self.states
                    or (self.session is not None and self.session.ended)
                )
            )
        return self

    async def state(self, wanted: str) -> None:
        """Wait until the connection is, or was, in a state."""
        await eventually(lambda: wanted in self.states)

    async def message(self, type: str, data: Any = None) -> dict[str, Any]:
        """Wait for a message of a type, and with the given data if any."""
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
        """Return the messages of a type so far."""
        return [message for message in self.messages if message["type"] == type]

    def heard(self) -> np.ndarray:
        """Return the received audio so far, int16, mono, shape (n,), without the pauses."""
        return np.concatenate([np.zeros(0, np.int16), *(f for _, f, _ in self.audio_frames)])

    def loud(self, level: int = 1500) -> list[tuple[float, np.ndarray, int]]:
        """Return the received frames that are not silence."""
        return [f for f in self.audio_frames if np.abs(f[1].astype(int)).max() > level]

    async def close(self) -> None:
        """Close the connection."""
        await self.pc.close()
        await self._stop_reading()

    async def vanish(self) -> None:
        """Disappear without closing: from now on nothing is sent or received.

        No SCTP abort, DTLS alert, RTCP BYE or STUN response is sent.
        """
        for transport in _transports(self.pc):
            for protocol in transport.transport._connection._protocols:
                protocol.send_stun = _to_nowhere
                protocol.send_data = _to_nowhere_async
                protocol.datagram_received = _to_nowhere
        await self.close()

    def shape_network(self, send: Callable[[Callable[[bytes], Any], bytes], Any]) -> None:
        """Let `send(original, datagram)` decide what happens to each sent datagram."""
        shape_network(self.pc, send)

    async def _stop_reading(self) -> None:
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)

    def _state_changed(self) -> None:
        self.states.append(self.pc.connectionState)

    def _message(self, message: str) -> None:
        self.messages.append(json.loads(message))

    def _watch_packets(self, receiver: Any, kind: str) -> None:
        handle = receiver._handle_rtp_packet
        loop = asyncio.get_running_loop()

        async def watched(packet: Any, arrival_time_ms: int) -> None:
            self.packets.append(
                RtpArrival(
                    loop.time(),
                    kind,
                    packet.sequence_number,
                    packet.timestamp,
                    len(packet.payload),
                )
            )
            await handle(packet, arrival_time_ms=arrival_time_ms)

        receiver._handle_rtp_packet = watched

    def _track(self, track: MediaStreamTrack) -> None:
        read = self._read_audio if track.kind == "audio" else self._read_video
        self._readers.append(asyncio.ensure_future(read(track)))

    async def _read_audio(self, track: MediaStreamTrack) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(MediaStreamError):
            while True:
                frame: Any = await track.recv()
                planar = frame.to_ndarray().reshape(-1, len(frame.layout.channels)).T
                self.planar.append(planar)
                self.audio_frames.append((loop.time(), planar[0], frame.pts))

    async def _read_video(self, track: MediaStreamTrack) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(MediaStreamError):
            while True:
                frame: Any = await track.recv()
                picture = frame.to_ndarray(format="bgr24")
                self.video_frames.append((loop.time(), picture, frame.pts))


def _to_nowhere(*datagram: Any) -> None:
    pass


async def _to_nowhere_async(*datagram: Any) -> None:
    pass
