"""A client that connects to a server as a browser does, and measures the connection."""

from __future__ import annotations

import asyncio
import contextlib
import fractions
from collections.abc import Collection
from typing import Any

import av
import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError

from ...core.diagnosis import CandidateInfo, CheckInfo
from ...core.ice import Ice
from ._aiortc.closing import close_connection, close_while_connecting
from ._aiortc.gathering import gather_on
from ._aiortc.ice_state import candidate_info, local_candidates, measure_round_trip, read_ice
from ._aiortc.registry import REGISTRY
from .candidates import describe_candidates
from .configuration import is_relay_only, to_aiortc_configuration
from .diagnosis import Explanation, Situation, explain
from .guard import guarded, watch_listeners
from .ports.ice_ports import IcePorts

__all__ = ["Probe"]

RATE = 48_000
FRAME = 960  # 20 ms
FPS = 15
SIZE = (240, 320)
MAX_TCP = 8
"""TCP candidates of the server whose ports are tried."""


class Probe:
    """A client that sends silence and black pictures.

    Args:
        kinds: The kinds of tracks to send: ``"audio"``, ``"video"``.
        configuration: The client's ICE servers, in the format of browsers; None for none.
    """

    def __init__(self, kinds: Collection[str], configuration: dict[str, Any] | None) -> None:
        REGISTRY.misfits()  # on this loop
        servers = to_aiortc_configuration(configuration or {"iceServers": []})
        servers.bundlePolicy = RTCBundlePolicy.MAX_BUNDLE
        self._pc = RTCPeerConnection(servers)
        close_while_connecting(self._pc)
        watch_listeners(self._pc)
        self._pc.on("connectionstatechange", self._state_changed)
        self._pc.on("track", self._watch)
        if "audio" in kinds:
            self._pc.addTrack(_Silence())
        if "video" in kinds:
            self._pc.addTrack(_Black())
        self._pc.createDataChannel("text")
        self._release_ports = gather_on(
            self._pc, IcePorts(Ice()), relay_only=is_relay_only(servers)
        )
        self._settled = asyncio.Event()
        self._arrived: dict[str, asyncio.Event] = {}
        self._readers: list[asyncio.Task[None]] = []
        self._local: tuple[CandidateInfo, ...] = ()
        self._remote: tuple[CandidateInfo, ...] = ()

    async def offer(self) -> str:
        """Return the SDP of an offer with all candidates."""
        await self._pc.setLocalDescription(await self._pc.createOffer())
        self._local = tuple(map(candidate_info, local_candidates(self._pc)))
        return str(self._pc.localDescription.sdp)

    async def connect(self, answer: str, timeout_s: float) -> bool:
        """Apply the SDP of an answer; return whether the connection was established in time.

        Raises:
            ValueError: If the answer is malformed.
        """
        self._remote = describe_candidates(answer)
        try:
            await self._pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        except Exception as error:  # aiortc raises many types
            raise ValueError(f"the answer cannot be used: {error}") from error
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._settled.wait(), timeout_s)
        return bool(self._pc.connectionState == "connected")

    async def round_trip(self) -> float | None:
        """Return the round-trip time in seconds, or None if it cannot be measured."""
        return await measure_round_trip(self._pc)

    @property
    def receives(self) -> list[str]:
        """The kinds of media that the server sends."""
        return [t.kind for t in self._pc.getTransceivers() if _receives(t.currentDirection)]

    async def first_media(self, kind: str, timeout_s: float) -> bool:
        """Return whether media of a kind arrives in time."""
        try:
            await asyncio.wait_for(self._event(kind).wait(), timeout_s)
        except asyncio.TimeoutError:
            return False
        return True

    async def open_tcp_port(self, timeout_s: float) -> CandidateInfo | None:
        """Return a TCP candidate of the server whose port accepts connections, or None."""
        tcp = [c for c in self._remote if c.transport == "tcp"][:MAX_TCP]
        opened = await asyncio.gather(*(_accepts(c.host, c.port, timeout_s) for c in tcp))
        return next((c for c, is_open in zip(tcp, opened, strict=True) if is_open), None)

    @property
    def local(self) -> tuple[CandidateInfo, ...]:
        """The candidates of this client."""
        return self._local

    @property
    def remote(self) -> tuple[CandidateInfo, ...]:
        """The candidates of the server's answer."""
        return self._remote

    def checks(self) -> tuple[tuple[CheckInfo, ...], CheckInfo | None]:
        """Return the checks, and the selected pair or None."""
        state = read_ice(self._pc)
        return state.checks, state.selected

    def explain(self) -> Explanation:
        """Return why the connection is not established."""
        state = read_ice(self._pc)
        situation = Situation(
            "client",
            self._remote,
            self._local,
            state.checks,
            state.selected,
            state.heard,
            state.dtls,
        )
        return explain(situation)

    async def close(self) -> None:
        """Close the connection, and everything that belongs to it."""
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        try:
            await close_connection(self._pc)
        finally:
            self._release_ports()

    @guarded(None)
    def _state_changed(self) -> None:
        if self._pc.connectionState in ("connected", "failed", "closed"):
            self._settled.set()

    @guarded(None)
    def _watch(self, track: MediaStreamTrack) -> None:
        self._readers.append(asyncio.ensure_future(self._read(track)))

    async def _read(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                await track.recv()
                self._event(track.kind).set()

    def _event(self, kind: str) -> asyncio.Event:
        return self._arrived.setdefault(kind, asyncio.Event())


async def _accepts(host: str, port: int, timeout_s: float) -> bool:
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), timeout_s)
    except (OSError, asyncio.TimeoutError):
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


def _receives(direction: str | None) -> bool:
    return direction in ("sendrecv", "recvonly")


class _Paced(MediaStreamTrack):
    """A track that sends frames in real time."""

    interval_s = 0.02

    def __init__(self) -> None:
        super().__init__()
        self._count = 0
        self._started = asyncio.get_running_loop().time()

    async def _wait(self) -> int:
        """Wait until the next frame is due, and return its index."""
        if self.readyState != "live":
            raise MediaStreamError
        due = self._started + self._count * self.interval_s
        await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
        self._count += 1
        return self._count - 1


class _Silence(_Paced):
    kind = "audio"

    async def recv(self) -> av.AudioFrame:
        """Return the next 20 ms of silence."""
        index = await self._wait()
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, FRAME), np.int16), format="s16", layout="mono"
        )
        frame.sample_rate = RATE
        frame.pts = index * FRAME
        frame.time_base = fractions.Fraction(1, RATE)
        return frame


class _Black(_Paced):
    kind = "video"
    interval_s = 1 / FPS

    async def recv(self) -> av.VideoFrame:
        """Return the next black picture."""
        index = await self._wait()
        frame = av.VideoFrame.from_ndarray(np.zeros((*SIZE, 3), np.uint8), format="bgr24")
        frame.pts = index
        frame.time_base = fractions.Fraction(1, FPS)
        return frame
