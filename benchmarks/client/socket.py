"""Clients of the WebSocket and the phone route: 20 ms of sound at a time, in real time."""

from __future__ import annotations

import asyncio
import base64
import json
import time
import uuid

import numpy as np
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.client.server import Server


def to_mulaw(samples: np.ndarray) -> bytes:
    """G.711 mu-law of `samples` `(n,)` int16, by its formula and not by the server's code."""
    biased = np.minimum(np.abs(samples.astype(np.int32)) // 4 + 33, 8191)
    segment = np.floor(np.log2(biased)).astype(np.int32) - 5
    code = segment << 4 | biased >> segment + 1 & 15 | np.where(samples < 0, 128, 0)
    return (~code & 255).astype(np.uint8).tobytes()


def from_mulaw(payload: bytes) -> np.ndarray:
    """The samples `(n,)` int16 of mu-law."""
    code = ~np.frombuffer(payload, np.uint8).astype(np.int32) & 255
    size = ((((code & 15) << 1 | 33) << (code >> 4 & 7)) - 33) * 4
    return np.where(code & 128, -size, size).astype(np.int16)


class SocketClient:
    """One session. Audio is written before it is measured and read afterwards."""

    PATH = "/websocket/offer"
    RATE = 24_000

    def __init__(self, server: Server, *, pcm: bool = False) -> None:
        self._url = server.url.replace("http", "ws") + self.PATH
        self._id = uuid.uuid4().hex
        self.pcm = pcm
        self.sent: list[tuple[float, np.ndarray]] = []
        self._came: list[tuple[float, str]] = []
        self.negotiated = False

    def greeting(self) -> list[str]:
        """The messages that start a session."""
        start: dict[str, object] = {"event": "start", "websocket_id": self._id}
        if self.pcm:
            start["audio"] = {"encoding": "pcm16"}
        return [json.dumps(start)]

    def media(self, payload: str) -> str:
        """The message that carries sound, given in base64."""
        return json.dumps({"event": "media", "media": {"payload": payload}})

    def written(self, sound: np.ndarray) -> list[tuple[str, np.ndarray]]:
        """The messages that carry a sound `(n,)` int16, and what is in each."""
        frame = self.RATE // 50
        pieces = []
        for begin in range(0, sound.size - frame + 1, frame):
            piece = sound[begin : begin + frame]
            payload = piece.tobytes() if self.pcm else to_mulaw(piece)
            pieces.append((self.media(base64.b64encode(payload).decode()), piece))
        return pieces

    async def connect(self) -> None:
        """Starts the session and begins to listen."""
        self._socket: ClientConnection = await connect(self._url, proxy=None)
        for message in self.greeting():
            await self._socket.send(message)
        self._listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for text in self._socket:
            self._came.append((time.monotonic(), str(text)))
            if '"started"' in str(text)[:40]:
                self.negotiated = True

    def heard(self) -> list[tuple[float, np.ndarray]]:
        """When each piece came, and its samples."""
        pieces = []
        for moment, text in self._came:
            message = json.loads(text)
            if message.get("event") == "media":
                payload = base64.b64decode(message["media"]["payload"])
                samples = np.frombuffer(payload, "<i2") if self.pcm else from_mulaw(payload)
                pieces.append((moment, samples))
        return pieces

    async def play(self, pieces: list[tuple[str, np.ndarray]]) -> None:
        """Sends what `written` gave, at its own pace."""
        began = time.monotonic()
        for number, (text, samples) in enumerate(pieces):
            await asyncio.sleep(began + number / 50 - time.monotonic())
            self.sent.append((time.monotonic(), samples))
            await self._socket.send(text)

    async def close(self) -> None:
        """Ends the session."""
        self._listening.cancel()
        await self._socket.send('{"event": "stop"}')
        await self._socket.close()


class PhoneClient(SocketClient):
    """A call as Twilio Media Streams brings it: 8 kHz mu-law, `streamSid` on each message."""

    PATH = "/telephone/handler"
    RATE = 8_000

    def greeting(self) -> list[str]:
        """`connected`, then `start`."""
        start = {
            "accountSid": "AC" + "0" * 32,
            "streamSid": "MZ" + self._id,
            "callSid": "CA" + self._id,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {},
        }
        return [
            json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}),
            json.dumps(
                {
                    "event": "start",
                    "sequenceNumber": "1",
                    "start": start,
                    "streamSid": start["streamSid"],
                }
            ),
        ]

    def media(self, payload: str) -> str:
        """A piece of the caller's voice."""
        media = {"track": "inbound", "chunk": "1", "timestamp": "0", "payload": payload}
        return json.dumps({"event": "media", "media": media, "streamSid": "MZ" + self._id})
