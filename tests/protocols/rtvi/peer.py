"""An aiortc peer that speaks RTVI over SmallWebRTC, as pipecat's clients do."""

from __future__ import annotations

import itertools
import json
from typing import Any

import httpx
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)

from fastrtc.transport.webrtc._aiortc.closing import close_while_connecting
from tests.support.peers import eventually, strip_candidates

__all__ = ["RTVIPeer"]


class RTVIPeer:
    """A client with a microphone, a camera that is off, and a screen.

    Args:
        http: The HTTP client.
        url: The address of the offers.
        audio: What the microphone sends.
        screen: What the screen sends; None if it is not shared.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        url: str,
        audio: MediaStreamTrack,
        screen: MediaStreamTrack | None = None,
    ) -> None:
        self.http, self.url = http, url
        self.pc = RTCPeerConnection(
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        close_while_connecting(self.pc)
        self.pc.addTransceiver(audio, "sendrecv")
        self.pc.addTransceiver("video", "sendrecv")
        self.pc.addTransceiver(screen or "video", "sendrecv")
        self.channel = self.pc.createDataChannel("chat")
        self.channel.on("message", self._message)
        self.pc_id: str | None = None
        self.received: list[dict[str, Any]] = []
        self._ids = itertools.count(1)

    async def offer(self, *, trickle: bool = False, **fields: Any) -> httpx.Response:
        """Send an offer, and take the answer if there is one."""
        headers = fields.pop("headers", None)
        await self.pc.setLocalDescription(await self.pc.createOffer())
        sdp = self.pc.localDescription.sdp
        sdp = strip_candidates(sdp) if trickle else sdp
        body = {"sdp": sdp, "type": "offer", "pc_id": self.pc_id, "restart_pc": False, **fields}
        response = await self.http.post(self.url, json=body, headers=headers)
        if response.status_code == 200:
            answer = response.json()
            description = RTCSessionDescription(answer["sdp"], answer["type"])
            await self.pc.setRemoteDescription(description)
            self.pc_id = answer["pc_id"]
        return response

    async def trickle(self) -> httpx.Response:
        """Send the candidates of the first section."""
        first = self.pc.localDescription.sdp.split("m=")[1].splitlines()
        found = [line[2:] for line in first if line.startswith("a=candidate:")]
        candidates = [{"candidate": one, "sdp_mid": "0", "sdp_mline_index": 0} for one in found]
        body = {"pc_id": self.pc_id, "candidates": candidates}
        return await self.http.patch(self.url, json=body)

    async def ready(self) -> dict[str, Any]:
        """Wait for the channel, and introduce the client."""
        await eventually(lambda: self.channel.readyState == "open")
        self.channel.send(
            '{"type": "signalling", "message": {"type": "trackStatus", '
            '"receiver_index": 0, "enabled": true}}'
        )
        return await self.request("client-ready", {"version": "2.1.0", "about": {"library": "x"}})

    def send(self, type: str, data: Any = None, id: str | None = None) -> str:
        id = id or f"c{next(self._ids)}"
        message = {"label": "rtvi-ai", "type": type, "id": id, "data": data}
        self.channel.send(json.dumps(message))
        return id

    async def request(self, type: str, data: Any = None) -> dict[str, Any]:
        """Send a message, and wait for the one that answers it."""
        id = self.send(type, data)
        return await eventually(lambda: next((m for m in self.received if m.get("id") == id), None))

    async def message(self, type: str) -> dict[str, Any]:
        """Wait for a message of a type, and remove it."""
        found = await eventually(
            lambda: next((m for m in self.received if m["type"] == type), None)
        )
        self.received.remove(found)
        return found

    async def close(self) -> None:
        await self.pc.close()

    def _message(self, message: str) -> None:
        self.received.append(json.loads(message))
