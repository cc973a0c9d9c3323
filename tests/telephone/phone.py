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

__all__ = ["FRAME", "RATE", "Phone", "Provider", "from_mulaw", "to_mulaw"]

RATE = 8000  # Hz
FRAME = 160  # samples: 20 ms, as providers send them
PATIENCE_S = 30.0

Samples = NDArray[np.int16]

# ITU-T G.711, written here once more so that it is not checked against itself
_CODES = ~np.arange(256, dtype=np.uint8)
_MAGNITUDES = (((_CODES & 15).astype(np.int32) << 3) + 132 << ((_CODES >> 4) & 7)) - 132
_VALUES = np.where(_CODES & 128, -_MAGNITUDES, _MAGNITUDES).astype(np.int16)
_ORDER = np.argsort(_VALUES, kind="stable")

_ids = itertools.count()


def from_mulaw(payload: bytes) -> Samples:
    return _VALUES[np.frombuffer(payload, np.uint8)]


def to_mulaw(samples: Samples) -> bytes:
    """The nearest code of each sample."""
    values = _VALUES[_ORDER].astype(np.int32)
    above = np.searchsorted(values, samples).clip(1, 255)
    nearer_below = samples - values[above - 1] < values[above] - samples
    return bytes(_ORDER[above - nearer_below].astype(np.uint8).tobytes())


class Arrival(NamedTuple):
    """Audio that came, by the loop's clock."""

    at: float
    samples: Samples


class Provider:
    """Twilio's messages, as `Phone` needs them."""

    def __init__(self, stream_id: str) -> None:
        self.stream_id = stream_id

    def opening(self, **parameters: str) -> list[dict[str, Any]]:
        start = {
            "streamSid": self.stream_id,
            "callSid": f"CA-{self.stream_id}",
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
        """What the server sent: `media`, `clear` or `mark`, and its content."""
        assert message["streamSid"] == self.stream_id, message
        event = message["event"]
        if event == "media":
            return event, message["media"]["payload"]
        return event, message["mark"]["name"] if event == "mark" else ""


class Telnyx(Provider):
    codec = "PCMU"

    def opening(self, **parameters: str) -> list[dict[str, Any]]:
        start = {
            "call_control_id": f"v2:{self.stream_id}",
            "from": "+13122010094",
            "to": "+13122123456",
            "custom_parameters": parameters,
            "media_format": {"encoding": self.codec, "sample_rate": 8000, "channels": 1},
        }
        return [
            {"event": "connected", "version": "1.0.0"},
            {"event": "start", "stream_id": self.stream_id, "start": start},
        ]

    def read(self, message: dict[str, Any]) -> tuple[str, str]:
        return super().read(message | {"streamSid": self.stream_id})


class Plivo(Provider):
    def opening(self, **parameters: str) -> list[dict[str, Any]]:
        start = {
            "callId": f"call-{self.stream_id}",
            "streamId": self.stream_id,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000},
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
            assert (media["contentType"], media["sampleRate"]) == ("audio/x-mulaw", 8000)
            return "media", str(media["payload"])
        assert message["streamId"] == self.stream_id, message
        return {"checkpoint": "mark", "clearAudio": "clear"}[event], str(message.get("name", ""))


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
        ended: Set when the server has closed the socket, with `code`.
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
        **parameters: str,
    ) -> None:
        self.url = url.replace("http://", "ws://", 1) + path
        self.provider = provider(f"stream-{next(_ids)}")
        self.arrived: list[Arrival] = []
        self.played = np.zeros(0, np.int16)
        self.cleared_at: list[float] = []
        self.marks: list[str] = []
        self.ended = asyncio.Event()
        self.code: int | None = None
        self._echo_marks = echo_marks
        self._delay_s = delay_s
        self._talks = talk
        self._headers = headers or {}
        self._parameters = parameters
        self._to_say = b""
        self._said = asyncio.Event()
        self._to_play: list[tuple[float, bytes | str]] = []  # from when on, and what
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
        self._to_say += to_mulaw(samples)
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
                payload = base64.b64encode(chunk.ljust(FRAME, b"\xff")).decode()
                await self.send(self.provider.media(payload))
                if not self._to_say:
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
            self.played = np.concatenate((self.played, from_mulaw(first[:room])))
            self._to_play[:1] = [(at, first[room:])] if len(first) > room else []
            room -= min(room, len(first))

    async def _echo(self, mark: str) -> None:
        if self._echo_marks:
            await self.send(self.provider.played(mark))

    async def _receive(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            async for text in self.socket:
                event, content = self.provider.read(json.loads(text))
                at = loop.time() + self._delay_s
                if event == "media":
                    payload = base64.b64decode(content)
                    self.arrived.append(Arrival(loop.time(), from_mulaw(payload)))
                    self._to_play.append((at, payload))
                elif event == "mark":
                    self.marks.append(content)
                    self._to_play.append((at, content))
                elif event == "clear":
                    self.cleared_at.append(loop.time())
                    marks = [item for _, item in self._to_play if isinstance(item, str)]
                    self._to_play.clear()
                    for mark in marks:  # all providers but Plivo echo those, too
                        await self._echo(mark)
                else:
                    raise AssertionError(f"a phone knows no {event!r}")
        except websockets.ConnectionClosed:
            pass
        finally:
            self.code = self.socket.close_code
            self.ended.set()
