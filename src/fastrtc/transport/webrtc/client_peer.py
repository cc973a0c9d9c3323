"""A peer of a server: the WebRTC side of the Python client."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping
from typing import Any, Protocol

import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from numpy.typing import NDArray

from ...audio.converter import AudioConverter
from ...core.diagnosis import CandidateInfo
from ...core.ice import Ice
from ...core.types import Mode
from ...pacing.taps import Source
from ._aiortc.closing import close_connection, close_while_connecting
from ._aiortc.consent import watch_consent
from ._aiortc.empty_datagrams import drop_empty_datagrams
from ._aiortc.gathering import gather_on
from ._aiortc.ice_state import candidate_info, local_candidates, read_ice
from ._aiortc.process import patch_process
from ._aiortc.registry import REGISTRY
from ._aiortc.transports import ice_connections
from .audio_receiver import AudioReceiver
from .candidates import describe_candidates
from .configuration import is_relay_only, to_aiortc_configuration
from .diagnosis import Explanation, Situation, explain
from .guard import guarded, watch_listeners
from .ports.ice_ports import IcePorts
from .sent_tracks import RATE, SentAudio, SentVideo
from .shaped_media import Carry, ShapedMedia

__all__ = ["RATE", "ClientPeer", "PeerEvents", "receives"]


class PeerEvents(Protocol):
    """What a peer receives, on the event loop."""

    def audio(self, rate: int, samples: NDArray[np.int16]) -> None:
        """Process audio of shape ``(n,)``."""

    def video(self, image: NDArray[np.uint8]) -> None:
        """Process a frame: BGR, shape ``(height, width, 3)``."""

    def message(self, text: str) -> None:
        """Process a message from the data channel."""


class ClientPeer:
    """Send and receive media and messages.

    Args:
        kinds: The kinds of media: ``"audio"``, ``"video"``.
        mode: The direction of the media, from the client's point of view.
        configuration: The client's ICE servers, in the format of browsers; None for none.
        rate: Sample rate of received audio in Hz.
        events: Receives media and messages.
        on_ended: Called once when the connection ends, with whether it was lost; otherwise the
            server has closed it.
        consent_s: How long the server may not answer before the connection counts as lost, in
            seconds; None for the time of the package.

    Attributes:
        remote: The candidates of the server's answer.
    """

    def __init__(
        self,
        kinds: Collection[str],
        mode: Mode,
        configuration: Mapping[str, Any] | None,
        rate: int,
        events: PeerEvents,
        on_ended: Callable[[bool], None],
        *,
        consent_s: float | None = None,
    ) -> None:
        REGISTRY.misfits()  # on this loop
        patch_process()
        self._events = events
        self._on_ended = on_ended
        self._consent_s = consent_s
        self._sink = _AudioSink(rate, events)
        servers = to_aiortc_configuration(dict(configuration or {"iceServers": []}))
        servers.bundlePolicy = RTCBundlePolicy.MAX_BUNDLE
        self._pc = RTCPeerConnection(servers)
        close_while_connecting(self._pc)
        watch_listeners(self._pc)
        self._pc.on("connectionstatechange", self._state_changed)
        self._audio_track = SentAudio()
        self._video_track = SentVideo()
        for kind, track in (("audio", self._audio_track), ("video", self._video_track)):
            if kind not in kinds:
                continue
            if mode == "receive":
                self._pc.addTransceiver(kind, direction="recvonly")
            else:
                direction = "sendonly" if mode == "send" else "sendrecv"
                self._pc.addTransceiver(track, direction=direction)
        self._channel = self._pc.createDataChannel("text")
        self._channel.on("message", self._message)
        self._channel.on("open", self._channel_opened)
        self._channel.on("close", self._channel_closed)
        self._release_ports = gather_on(
            self._pc, IcePorts(Ice()), relay_only=is_relay_only(servers)
        )
        drop_empty_datagrams(self._pc)
        self._settled = asyncio.Event()
        self._open = asyncio.Event()
        self._ended = self._closing = False
        self._readers: list[asyncio.Task[None]] = []
        self._shaped: list[ShapedMedia] = []
        self._receivers: list[AudioReceiver] = []
        self.remote: tuple[CandidateInfo, ...] = ()

    async def offer(self, *, trickle: bool = False) -> str:
        """Return the SDP of an offer, without candidates if they are trickled."""
        await self._pc.setLocalDescription(await self._pc.createOffer())
        watch_consent(self._pc, self._consent_expired, self._consent_s)
        sdp = str(self._pc.localDescription.sdp)
        if not trickle:
            return sdp
        lines = [line for line in sdp.splitlines() if not line.startswith(_CANDIDATE_LINES)]
        return "\r\n".join(lines) + "\r\n"

    def shape_network(self, outgoing: Carry, incoming: Carry) -> None:
        """Let functions carry the media, RTP and RTCP, before the answer is applied."""
        self._shaped += [
            ShapedMedia(connection, outgoing, incoming) for connection in ice_connections(self._pc)
        ]

    @property
    def heard(self) -> int | None:
        """The RTP timestamp before which all audio has arrived; None before the first packet."""
        return next((receiver.heard for receiver in self._receivers), None)

    def candidates(self) -> Iterator[dict[str, str | int]]:
        """Yield the local candidates, as ``RTCIceCandidate.toJSON()`` of a browser does."""
        sections = str(self._pc.localDescription.sdp).split("\r\nm=")[1:]
        for index, section in enumerate(sections):
            lines = section.splitlines()
            mid = next(line.removeprefix("a=mid:") for line in lines if line.startswith("a=mid:"))
            for line in lines:
                if line.startswith("a=candidate:"):
                    candidate = line.removeprefix("a=")
                    yield {"candidate": candidate, "sdpMid": mid, "sdpMLineIndex": index}

    async def accept(self, answer: str) -> None:
        """Apply the SDP of an answer, and start to connect.

        Raises:
            ValueError: If the answer is malformed.
        """
        self.remote = describe_candidates(answer)
        try:
            await self._pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        except Exception as error:  # aiortc raises many types
            raise ValueError(f"the answer cannot be used: {error}") from error
        for transceiver in self._pc.getTransceivers():
            if receives(transceiver):
                self._receive(transceiver)

    async def connected(self) -> bool:
        """Wait until the connection is established and the data channel open, or it fails."""
        if not await self.established():
            return False
        await self._open.wait()
        return not self._ended

    async def established(self) -> bool:
        """Wait until the connection is established, or fails; return whether it is."""
        await self._settled.wait()
        return bool(self._pc.connectionState == "connected")

    def explain(self) -> Explanation:
        """Return why the connection is not established."""
        state = read_ice(self._pc)
        local = tuple(map(candidate_info, local_candidates(self._pc)))
        return explain(
            Situation(
                "client",
                self.remote,
                local,
                state.checks,
                state.selected,
                state.heard,
                state.dtls,
                dtls_refusal=state.dtls_refusal,
            )
        )

    def send_audio(self, samples: NDArray[np.int16]) -> None:
        """Send 20 ms of audio at 48 kHz, shape ``(960,)``."""
        self._audio_track.push(samples)

    async def send_video(self, image: NDArray[np.uint8]) -> None:
        """Send a frame, BGR, when the previous one has been taken by the encoder."""
        await self._video_track.push(image)

    def send_message(self, text: str) -> None:
        """Send a message, if the data channel is open."""
        if self._channel.readyState == "open":
            self._channel.send(text)

    async def close(self) -> None:
        """Close the connection, and everything that belongs to it."""
        self._closing = True
        self._settled.set()
        self._open.set()
        self._video_track.end()
        for receiver in self._receivers:
            receiver.close()
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        try:
            await close_connection(self._pc)
            for shaped in self._shaped:
                await shaped.close()
        finally:
            self._release_ports()

    def _receive(self, transceiver: Any) -> None:
        if transceiver.kind == "audio":
            self._receivers.append(AudioReceiver(transceiver, self._sink, 1, run=self._run))
        else:
            self._run(self._read_video(transceiver.receiver.track))

    def _run(self, reading: Coroutine[Any, Any, None]) -> None:
        self._readers.append(asyncio.ensure_future(reading))

    async def _read_video(self, track: MediaStreamTrack) -> None:
        while True:
            try:
                frame: Any = await track.recv()
            except MediaStreamError:
                return
            self._events.video(frame.to_ndarray(format="bgr24"))

    @guarded(None)
    def _state_changed(self) -> None:
        state = self._pc.connectionState
        if state in ("connected", "failed", "closed"):
            self._settled.set()
        if state in ("failed", "closed"):
            self._end(lost=state == "failed")

    @guarded(None)
    def _message(self, message: str | bytes) -> None:
        if isinstance(message, str):
            self._events.message(message)

    @guarded(None)
    def _channel_opened(self) -> None:
        self._open.set()

    @guarded(None)
    def _channel_closed(self) -> None:
        self._end(lost=False)

    @guarded(None)
    def _consent_expired(self) -> None:
        self._end(lost=True)

    def _end(self, *, lost: bool) -> None:
        if not (self._ended or self._closing):
            self._ended = True
            self._open.set()
            self._video_track.end()
            self._on_ended(lost)


_CANDIDATE_LINES = ("a=candidate:", "a=end-of-candidates")


def receives(transceiver: Any) -> bool:
    """Return whether a negotiated transceiver receives media."""
    return transceiver.currentDirection in ("sendrecv", "recvonly")


class _AudioSink:
    """Convert received audio to mono at a rate."""

    source: Source | None = None

    def __init__(self, rate: int, events: PeerEvents) -> None:
        self.rate = rate
        self._events = events
        self._converter = AudioConverter(rate, 1)

    def push(self, rate: int, samples: NDArray[np.int16]) -> None:
        """Convert audio, shape ``(channels, n)``."""
        converted = self._converter.convert(rate, samples)
        if converted.shape[1]:
            self._events.audio(self.rate, converted[0])

    def skip(self, seconds: float) -> None:
        """Ignore a pause of the sender: the times of arrival show it."""
