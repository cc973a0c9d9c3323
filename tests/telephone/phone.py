"""A telephone: speaks a provider's protocol over a real socket, and plays what it is sent."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
import websockets
from numpy.typing import NDArray

__all__ = [
    "ALAW",
    "FRAME",
    "MULAW",
    "RATE",
    "AlawTelnyx",
    "L16Plivo",
    "Phone",
    "Plivo",
    "Provider",
    "Telnyx",
]

RATE = 8000  # Hz
FRAME = 160  # samples: 20 ms, as providers send them
PATIENCE_S = 30.0

Samples = NDArray[np.int16]

# ITU-T G.711, written here once more so that it is not checked against itself
_CODES = np.arange(256, dtype=np.int32)


class _G711:
    """One of the two laws, by the value of each code."""

    def __init__(self, magnitudes: NDArray[np.int32], positive: NDArray[np.bool_]) -> None:
        self._values = np.where(positive, magnitudes, -magnitudes).astype(np.int16)
        self._order = np.argsort(self._values, kind="stable")

    def decode(self, payload: bytes) -> Samples:
        return self._values[np.frombuffer(payload, np.uint8)]

    def encode(self, samples: Samples) -> bytes:
        """The nearest code of each sample."""
        values = self._values[self._order].astype(np.int32)
        above = np.searchsorted(values, samples).clip(1, 255)
        nearer_below = samples - values[above - 1] < values[above] - samples
        return self._order[above - nearer_below].astype(np.uint8).tobytes()


class _L16:
    """16-bit samples, in the byte order that we assume of Plivo: see docs/telephone.md."""

    def decode(self, payload: bytes) -> Samples:
        return np.frombuffer(payload, "<i2").astype(np.int16)

    def encode(self, samples: Samples) -> bytes:
        return samples.astype("<i2").tobytes()


def _mulaw() -> _G711:
    codes = _CODES ^ 0xFF
    magnitudes = ((((codes & 15) << 3) + 132) << (codes >> 4 & 7)) - 132
    return _G711(magnitudes, codes & 128 == 0)


def _alaw() -> _G711:
    codes = _CODES ^ 0x55
    segments, steps = codes >> 4 & 7, (codes & 15) << 4
    magnitudes = np.where(segments == 0, steps + 8, steps + 264 << (segments - 1).clip(0))
    return _G711(magnitudes, codes & 128 != 0)


MULAW, ALAW, L16 = _mulaw(), _alaw(), _L16()

_ids = itertools.count()


class Arrival(NamedTuple):
    """Audio that came, by the loop's clock."""

    at: float
    samples: Samples


class Provider:
    """Twilio's messages, as `Phone` needs them."""

    codec: _G711 | _L16 = MULAW

    def __init__(self, stream_id: str) -> None:
        self.stream_id = stream_id
        self.call_id = f"CA-{stream_id}"

    def opening(self, **parameters: str) -> list[dict[str, Any]]:
        start = {
            "streamSid": self.stream_id,
            "callSid": self.call_id,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": parameters,
        }
        return [
            {"event": "connected", "protocol": "Call", "version": "1.0.0"},
            {"event": "start", "streamSid": self.stream_id, "start": start},
        ]

    def media(self, payload: str) -> dict[str, Any]:
        media = {"track": "inbound", "payload": payload}
        return {"event": "media", "streamSid": self.stream_id, "media": media}

    def dtmf(self, digit: str) -> dict[str, Any]:
        dtmf = {"track": "inbound_track", "digit": digit}
        return {"event": "dtmf", "streamSid": self.stream_id, "dtmf": dtmf}

    def played(self, name: str) -> dict[str, Any]:
        return {"event": "mark", "streamSid": self.stream_id, "mark": {"name": name}}

    def stop(self) -> dict[str, Any] | None:
        return {"event": "stop", "streamSid": self.stream_id, "stop": {}}

    def read(self, message: dict[str, Any]) -> tuple[str, str]:
        """What the server sent: `media`, `clear`, `mark` or `log`, and its content."""
        if message.get("type") == "log":
            return "log", message["data"]
        assert message["streamSid"] == self.stream_id, message
        event = message["event"]
        if event == "media":
            return event, message["media"]["payload"]
        return event, message["mark"]["name"] if event == "mark" else ""


class Telnyx(Provider):
    encoding = "PCMU"

    def __init__(self, stream_id: str) -> None:
        super().__init__(stream_id)
        self.chunks = itertools.count(1)

    def opening(self, **parameters: str) -> list[dict[str, Any]]:
        start = {
            "call_control_id": self.call_id,
            "from": "+13122010094",
            "to": "+13122123456",
            "custom_parameters": parameters,
            "media_format": {"encoding": self.encoding, "sample_rate": 8000, "channels": 1},
        }
        return [
            {"event": "connected", "version": "1.0.0"},
            {"event": "start", "stream_id": self.stream_id, "start": start},
        ]

    def read(self, message: dict[str, Any]) -> tuple[str, str]:
        return super().read(message | {"streamSid": self.stream_id})

    def media(self, payload: str) -> dict[str, Any]:
        media = {"track": "inbound", "chunk": str(next(self.chunks)), "payload": payload}
        return {"event": "media", "stream_id": self.stream_id, "media": media}


class AlawTelnyx(Telnyx):
    encoding = "PCMA"
    codec = ALAW


class Plivo(Provider):
    encoding = "audio/x-mulaw"

    def opening(self, **parameters: str) -> list[dict[str, Any]]:
        start = {
            "callId": self.call_id,
            "streamId": self.stream_id,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": self.encoding, "sampleRate": 8000},
        }
        headers = ";".join(f"{name}={value}" for name, value in parameters.items())
        return [{"event": "start", "start": start, "extra_headers": headers}]

    def played(self, name: str) -> dict[str, Any]:
        return {"event": "playedStream", "streamId": self.stream_id, "name": name}

    def stop(self) -> None:
        return None  # it just closes the socket

    def read(self, message: dict[str, Any]) -> tuple[str, str]:
        event = message["event"]
        if event == "playAudio":
            media = message["media"]
            assert (media["contentType"], media["sampleRate"]) == (self.encoding, 8000)
            return "media", str(media["payload"])
        assert message["streamId"] == self.stream_id, message
        return {"checkpoint": "mark", "clearAudio": "clear"}[event], str(message.get("name", ""))


class L16Plivo(Plivo):
    encoding = "audio/x-l16"
    codec = L16


class Phone:
    """A call: used as a context it is there from `start` to the end of the block.

    It sends 20 ms of audio every 20 ms: what was given to `say`, else silence. What it
    receives is played in real time, `delay_s` after it came; `clear` drops what was not, and
    marks are echoed when what came before them has been played, as the providers do it.

    Attributes:
        arrived: The audio as it came.
        played: The audio that was played, without the pauses.
        cleared_at: When `clear` came.
        marks: The names of the marks that were sent, in order.
        echoed_at: When the last of them was sent back.
        ended: Set when the server has closed the socket, with `code`, at `ended_at`.
    """

    def __init__(
        self,
        url: str,
        provider: type[Provider] = Provider,
        *,
        path: str = "/telephone/handler",
        echo_marks: bool = True,
        delay_s: float = 0.0,
        talk: bool = True,
        headers: dict[str, str] | None = None,
        call_id: str | None = None,
        **parameters: str,
    ) -> None:
        self.url = url.replace("http://", "ws://", 1) + path
        self.provider = provider(f"stream-{next(_ids)}")
        self.provider.call_id = call_id or self.provider.call_id
        self.arrived: list[Arrival] = []
        self.played = np.zeros(0, np.int16)
        self.cleared_at: list[float] = []
        self.marks: list[str] = []
        self.echoed_at = self.ended_at = 0.0
        self.ended = asyncio.Event()
        self.code: int | None = None
        self._echo_marks = echo_marks
        self._delay_s = delay_s
        self._talks = talk
        self._headers = headers or {}
        self._parameters = parameters
        self._to_say = np.zeros(0, np.int16)
        self._said = asyncio.Event()
        self._to_play: list[tuple[float, Samples | str]] = []  # from when on, and what
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def id(self) -> str:
        return self.provider.stream_id

    async def __aenter__(self) -> Phone:
        self.socket = await websockets.connect(self.url, additional_headers=self._headers)
        for message in self.provider.opening(**self._parameters):
            await self.send(message)
        loop = asyncio.get_running_loop()
        self._tasks.append(loop.create_task(self._receive()))
        if self._talks:
            self._tasks.append(loop.create_task(self._run()))
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.vanish()

    async def send(self, message: dict[str, Any] | str | bytes) -> None:
        await self.socket.send(json.dumps(message) if isinstance(message, dict) else message)

    async def say(self, samples: Samples) -> None:
        """Say something at 8 kHz, and wait until it is said."""
        self._to_say = np.concatenate((self._to_say, samples))
        self._said.clear()
        await asyncio.wait_for(self._said.wait(), PATIENCE_S)

    async def press(self, digit: str) -> None:
        await self.send(self.provider.dtmf(digit))

    async def hang_up(self) -> None:
        """End the call the way the provider does it."""
        stop = self.provider.stop()
        if stop is not None:
            await self.send(stop)
        await self.vanish()

    async def vanish(self) -> None:
        """End the call without a word."""
        await self.socket.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def heard(self) -> Samples:
        """All audio that came, whether it was played or not."""
        return np.concatenate([np.zeros(0, np.int16), *(a.samples for a in self.arrived)])

    def is_quiet(self) -> bool:
        """Whether nothing has come for a while."""
        now = asyncio.get_running_loop().time()
        return not self._to_play and now - self.arrived[-1].at > 0.5

    async def _run(self) -> None:
        """The clock of the line: 20 ms out, 20 ms played."""
        loop = asyncio.get_running_loop()
        began, ticks = loop.time(), 0
        with suppress(websockets.ConnectionClosed):
            while True:
                chunk, self._to_say = self._to_say[:FRAME], self._to_say[FRAME:]
                chunk = np.pad(chunk, (0, FRAME - chunk.size))
                payload = base64.b64encode(self.provider.codec.encode(chunk)).decode()
                await self.send(self.provider.media(payload))
                if not self._to_say.size:
                    self._said.set()
                await self._play()
                ticks += 1
                await asyncio.sleep(max(0.0, began + ticks * FRAME / RATE - loop.time()))

    async def _play(self) -> None:
        room, now = FRAME, asyncio.get_running_loop().time()
        while self._to_play and now >= self._to_play[0][0]:
            at, first = self._to_play[0]
            if isinstance(first, str):
                self._to_play.pop(0)
                await self._echo(first)
                continue
            if not room:
                return
            self.played = np.concatenate((self.played, first[:room]))
            self._to_play[:1] = [(at, first[room:])] if len(first) > room else []
            room -= min(room, len(first))

    async def _echo(self, mark: str) -> None:
        if self._echo_marks:
            await self.send(self.provider.played(mark))
            self.echoed_at = asyncio.get_running_loop().time()

    async def _receive(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            async for text in self.socket:
                event, content = self.provider.read(json.loads(text))
                at = loop.time() + self._delay_s
                if event == "media":
                    samples = self.provider.codec.decode(base64.b64decode(content))
                    self.arrived.append(Arrival(loop.time(), samples))
                    self._to_play.append((at, samples))
                elif event == "mark":
                    self.marks.append(content)
                    self._to_play.append((at, content))
                elif event == "clear":
                    self.cleared_at.append(loop.time())
                    marks = [item for _, item in self._to_play if isinstance(item, str)]
                    self._to_play.clear()
                    for mark in marks:  # all providers but Plivo echo those, too
                        await self._echo(mark)
                elif event != "log":  # which Twilio ignores
                    raise AssertionError(f"a phone knows no {event!r}")
        except websockets.ConnectionClosed:
            pass
        finally:
            self.code = self.socket.close_code
            self.ended_at = loop.time()
            self.ended.set()
