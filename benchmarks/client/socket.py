"""A client of `/websocket/offer`: 20 ms of sound at a time, in real time, and what comes back."""

from __future__ import annotations

import asyncio
import base64
import json
import time
import uuid

import numpy as np
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.client.server import Server

RATE = 24_000
FRAME = RATE // 50


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


def written(sound: np.ndarray, *, pcm: bool = False) -> list[tuple[str, np.ndarray]]:
    """The messages that carry a sound `(n,)` int16, and what is in each."""
    pieces = []
    for begin in range(0, sound.size - FRAME + 1, FRAME):
        piece = sound[begin : begin + FRAME]
        payload = base64.b64encode(piece.tobytes() if pcm else to_mulaw(piece)).decode()
        pieces.append((json.dumps({"event": "media", "media": {"payload": payload}}), piece))
    return pieces


class SocketClient:
    """One session. Audio is written before it is measured and read afterwards."""

    def __init__(self, server: Server, *, pcm: bool = False) -> None:
        self._url = server.url.replace("http", "ws") + "/websocket/offer"
        self._pcm = pcm
        self.sent: list[tuple[float, np.ndarray]] = []
        self._came: list[tuple[float, str]] = []
        self.negotiated = False

    async def connect(self) -> None:
        """Starts the session and begins to listen."""
        self._socket: ClientConnection = await connect(self._url, proxy=None)
        start = {"event": "start", "websocket_id": uuid.uuid4().hex}
        if self._pcm:
            start["audio"] = {"encoding": "pcm16"}
        await self._socket.send(json.dumps(start))
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
                samples = np.frombuffer(payload, "<i2") if self._pcm else from_mulaw(payload)
                pieces.append((moment, samples))
        return pieces

    async def play(self, pieces: list[tuple[str, np.ndarray]]) -> None:
        """Sends what `written` gave, at its own pace."""
        began = time.monotonic()
        for number, (text, samples) in enumerate(pieces):
            await asyncio.sleep(began + number * FRAME / RATE - time.monotonic())
            self.sent.append((time.monotonic(), samples))
            await self._socket.send(text)

    async def close(self) -> None:
        """Ends the session."""
        self._listening.cancel()
        await self._socket.send('{"event": "stop"}')
        await self._socket.close()
