"""Senders and players: ffmpeg's WHIP muxer, which PyAV contains, and an aiortc peer over HTTP."""

from __future__ import annotations

import asyncio
import select
import sys
import time
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import httpx
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from fastrtc.transport.webrtc._aiortc.closing import close_while_connecting
from tests.support.peers import strip_candidates, tone
from tests.webrtc.handlers import red_on_top

__all__ = ["HAS_WHIP", "OFFER", "TRICKLE", "HttpPeer", "publish", "sending"]

HAS_WHIP = "whip" in av.formats_available
"""Whether the ffmpeg in PyAV is version 8 or newer."""

OFFER = {"Content-Type": "application/sdp"}
TRICKLE = {"Content-Type": "application/trickle-ice-sdpfrag"}
RATE, FPS = 48000, 25


def publish(url: str, folder: str, token: str) -> None:
    """Send red above blue as H.264, and a tone as Opus, until standard input ends.

    This is ``ffmpeg -f whip``, whose library PyAV contains. With GnuTLS, which PyAV has, ffmpeg
    makes itself a certificate with a curve that OpenSSL refuses (secp224r1): it gets one.

    Args:
        url: The address.
        folder: Where ``certificate.pem`` and ``key.pem`` are.
        token: The bearer token, or an empty string.

    Raises:
        av.error.FFmpegError: If the server refuses it.
    """
    av.logging.set_level(av.logging.WARNING)
    options = {"strict": "experimental"} | ({"authorization": token} if token else {})
    options |= {"handshake_timeout": "30000"}  # ms, for a machine that is busy
    options |= {"cert_file": f"{folder}/certificate.pem", "key_file": f"{folder}/key.pem"}
    container = av.open(url, "w", format="whip", options=options)
    x264 = {"profile": "baseline", "preset": "ultrafast", "tune": "zerolatency"}
    video = container.add_stream("libx264", rate=FPS, options=x264)
    video.width, video.height, video.pix_fmt, video.gop_size = 320, 240, "yuv420p", FPS
    audio = container.add_stream("libopus", rate=RATE)
    audio.layout, audio.bit_rate = "stereo", 64_000
    sound, began = np.repeat(tone(60), 2).reshape(-1, 2), time.monotonic()
    for k in range(60 * FPS):
        picture = av.VideoFrame.from_ndarray(red_on_top(320, 240), format="bgr24")
        picture.pts, picture.time_base = k, Fraction(1, FPS)
        container.mux(video.encode(picture))
        size = RATE // FPS
        piece = sound[k * size : (k + 1) * size].reshape(1, -1)
        heard = av.AudioFrame.from_ndarray(piece, format="s16", layout="stereo")
        heard.sample_rate, heard.pts, heard.time_base = RATE, k * size, Fraction(1, RATE)
        container.mux(audio.encode(heard))
        if select.select([sys.stdin], [], [], max(0, began + k / FPS - time.monotonic()))[0]:
            break
    container.close()


@asynccontextmanager
async def sending(url: str, folder: Path, token: str = "") -> AsyncIterator[Process]:
    """ffmpeg's muxer in a process of its own, as it holds the interpreter while it connects."""
    program = [sys.executable, "-m", "tests.protocols.whip.publish", url, folder, token]
    process = await asyncio.create_subprocess_exec(*program, stdin=PIPE, stdout=PIPE, stderr=STDOUT)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class HttpPeer:
    """An aiortc peer that speaks WHIP or WHEP with an HTTP client."""

    def __init__(self, http: httpx.AsyncClient, url: str, token: str | None = None) -> None:
        self.http, self.url = http, url
        self.authorization = {"Authorization": f"Bearer {token}"} if token else {}
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        close_while_connecting(self.pc)
        self.session = ""
        self.tag = ""

    async def __aenter__(self) -> HttpPeer:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: object, traceback: TracebackType | None
    ) -> None:
        await self.pc.close()

    async def post(self, *, trickle: bool = False, **headers: str) -> httpx.Response:
        """Send the offer, and take the answer if there is one."""
        if self.pc.localDescription is None:
            await self.pc.setLocalDescription(await self.pc.createOffer())
        sdp = self.pc.localDescription.sdp
        content = strip_candidates(sdp) if trickle else sdp
        response = await self.http.post(
            self.url, content=content, headers={**OFFER, **self.authorization, **headers}
        )
        if response.status_code == 201:
            await self.pc.setRemoteDescription(RTCSessionDescription(response.text, "answer"))
            self.session = str(response.url.join(response.headers["Location"]))
            self.tag = response.headers["ETag"]
        return response

    def fragment(self) -> str:
        """The candidates of the first section, as `a=` lines with its credentials."""
        first = self.pc.localDescription.sdp.split("m=")[1].splitlines()
        kept = ("a=mid", "a=ice-", "a=candidate", "a=end-of")
        return "\r\n".join([f"m={first[0]}", *(one for one in first if one.startswith(kept)), ""])

    async def patch(self, content: str, tag: str | None = None, **headers: str) -> httpx.Response:
        match = {} if tag is None else {"If-Match": tag}
        given = {**TRICKLE, **self.authorization, **match, **headers}
        return await self.http.patch(self.session, content=content, headers=given)

    async def delete(self) -> httpx.Response:
        return await self.http.delete(self.session, headers=self.authorization)


if __name__ == "__main__":
    publish(*sys.argv[1:])
