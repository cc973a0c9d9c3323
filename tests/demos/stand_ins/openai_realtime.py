"""OpenAI's Realtime API over WebSocket, on 127.0.0.1: it hears turns, and says what it is to say.

Everything that it takes and gives is checked against the types of the `openai` package.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import numpy as np
from numpy.typing import NDArray
from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent
from pydantic import BaseModel, TypeAdapter, ValidationError
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.demos.stand_ins.hearing import Ear

__all__ = ["KEY", "RATE", "Answer", "OpenAIRealtime", "openai_realtime"]

KEY = "sk-stand-in"
RATE = 24_000
DELTA = RATE // 5  # samples in one event
SPEED = 8  # how many seconds of an answer it makes in a second
CLIENT: TypeAdapter[Any] = TypeAdapter(RealtimeClientEvent)
SERVER: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)


class Answer(NamedTuple):
    """One turn: what the user is taken to have said, and what is answered (mono, 24 kHz)."""

    asked: str
    text: str
    samples: NDArray[np.int16]


class OpenAIRealtime:
    """The service; one is there for a test.

    Attributes:
        url: What `OPENAI_BASE_URL` is to be.
        answers: The turns of a session, in order; the last one again and again.
        sessions: The sessions there were.
        refused: What it did not accept, as it told the client.
    """

    def __init__(self, answers: Sequence[Answer]) -> None:
        self.url = ""
        self.answers = answers
        self.sessions: list[Session] = []
        self.refused: list[str] = []

    def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        parts = urlsplit(request.path)
        if parts.path != "/v1/realtime" or not parse_qs(parts.query).get("model"):
            return self._refuse(connection, HTTPStatus.NOT_FOUND, f"Invalid URL ({request.path})")
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return self._refuse(connection, HTTPStatus.UNAUTHORIZED, "Incorrect API key provided")
        return None

    async def run(self, connection: ServerConnection) -> None:
        session = Session(self, connection)
        self.sessions.append(session)
        try:
            await session.run()
        except ConnectionClosed:
            pass
        finally:
            await session.stop_speaking()

    def _refuse(self, connection: ServerConnection, status: HTTPStatus, message: str) -> Response:
        self.refused.append(message)
        body = {"error": {"message": message, "type": "invalid_request_error"}}
        return connection.respond(status, json.dumps(body))


class Session:
    """One connection.

    Attributes:
        settings: What `session.update` has set.
        ear: What it heard.
        truncated: By the item's id, how many ms of it the client says were heard.
    """

    def __init__(self, service: OpenAIRealtime, connection: ServerConnection) -> None:
        self.service = service
        self.connection = connection
        self.settings: dict[str, Any] = {"type": "realtime"}
        self.ear = Ear(RATE)
        self.truncated: dict[str, int] = {}
        self._answers = iter(
            itertools.chain(service.answers, itertools.repeat(service.answers[-1]))
        )
        self._lengths: dict[str, int] = {}  # ms of audio that were sent, by item
        self._ids = itertools.count(1)
        self._last_item: str | None = None
        self._heard_item = ""
        self._response: asyncio.Task[None] | None = None

    async def run(self) -> None:
        await self.send("session.created", session=self.settings)
        async for text in self.connection:
            try:
                event = CLIENT.validate_python(json.loads(text))
                if unknown := _unknown(event):
                    raise ValueError(f"Unknown parameter: '{unknown}'.")
                await self._take(event)
            except (ValidationError, ValueError) as error:
                self.service.refused.append(str(error))
                what = {"type": "invalid_request_error", "message": str(error)}
                await self.send("error", error=what)

    async def send(self, type: str, **content: Any) -> None:
        event = {"type": type, "event_id": self._id("event"), **content}
        assert not _unknown(SERVER.validate_python(event)), event
        await self.connection.send(json.dumps(event))

    async def stop_speaking(self) -> None:
        if self._response is not None:
            self._response.cancel()
            await asyncio.gather(self._response, return_exceptions=True)

    async def _take(self, event: Any) -> None:
        match event.type:
            case "session.update":
                self.settings = event.session.model_dump(exclude_unset=True)
                self._check_settings()
                await self.send("session.updated", session=self.settings)
            case "input_audio_buffer.append":
                await self._hear(base64.b64decode(event.audio, validate=True))
            case "conversation.item.truncate":
                length = self._lengths.get(event.item_id)
                if length is None or event.content_index != 0:
                    raise ValueError(f"Item '{event.item_id}' has no such audio.")
                if event.audio_end_ms > length:
                    raise ValueError(f"Audio content of {length}ms is already shorter.")
                self.truncated[event.item_id] = event.audio_end_ms
                cut = event.model_dump(include={"item_id", "content_index", "audio_end_ms"})
                await self.send("conversation.item.truncated", **cut)
            case _:
                raise ValueError(f"The stand-in has no '{event.type}'.")

    def _check_settings(self) -> None:
        audio = self.settings.get("audio", {})
        for way in ("input", "output"):
            if audio.get(way, {}).get("format") != {"type": "audio/pcm", "rate": RATE}:
                raise ValueError(f"session.audio.{way}.format must be 24 kHz PCM here.")
        turns = audio["input"].get("turn_detection") or {}
        if turns.get("type") != "server_vad":
            raise ValueError("session.audio.input.turn_detection must be server_vad here.")
        self.ear.silence_ms = turns.get("silence_duration_ms", 500)

    async def _hear(self, payload: bytes) -> None:
        if not payload or len(payload) % 2:
            raise ValueError("Audio must be 16-bit samples.")
        for what, at_ms in self.ear.hear(np.frombuffer(payload, "<i2").astype(np.int16)):
            if what == "started":
                self._heard_item = self._id("item")
                await self.send(
                    "input_audio_buffer.speech_started",
                    audio_start_ms=at_ms,
                    item_id=self._heard_item,
                )
                await self.stop_speaking()
            else:
                await self.send(
                    "input_audio_buffer.speech_stopped",
                    audio_end_ms=at_ms,
                    item_id=self._heard_item,
                )
                await self.send(
                    "input_audio_buffer.committed",
                    item_id=self._heard_item,
                    previous_item_id=self._last_item,
                )
                answer = next(self._answers)
                self._response = asyncio.create_task(self._respond(answer, self._heard_item))

    async def _respond(self, answer: Answer, heard: str) -> None:
        """Answer faster than it is spoken, with the transcript of the question late."""
        await self._add_item(_message(heard, "user", {"type": "input_audio", "transcript": None}))
        response, item = self._id("resp"), self._id("item")
        where = {"response_id": response, "output_index": 0}
        part = {**where, "item_id": item, "content_index": 0}
        state = {"id": response, "object": "realtime.response", "status": "in_progress"}
        await self.send("response.created", response=state | {"output": []})
        said = _message(item, "assistant", status="in_progress")
        await self.send("response.output_item.added", **where, item=said)
        await self._add_item(said)
        await self.send("response.content_part.added", **part, part={"type": "audio"})
        status = {"type": "completed"}
        try:
            for word in answer.text.split(" "):
                await self.send("response.output_audio_transcript.delta", **part, delta=f"{word} ")
            for begin in range(0, answer.samples.size, DELTA):
                sound = answer.samples[begin : begin + DELTA]
                self._lengths[item] = (begin + sound.size) * 1000 // RATE
                delta = base64.b64encode(sound.astype("<i2").tobytes()).decode()
                await self.send("response.output_audio.delta", **part, delta=delta)
                await asyncio.sleep(DELTA / RATE / SPEED)
                if begin == 0:
                    await self.send(
                        "conversation.item.input_audio_transcription.completed",
                        item_id=heard,
                        content_index=0,
                        transcript=answer.asked,
                        usage={"type": "duration", "seconds": 1.0},
                    )
        except asyncio.CancelledError:
            status = {"type": "cancelled", "reason": "turn_detected"}
        content = {"type": "output_audio", "transcript": answer.text}
        spoken = "completed" if status["type"] == "completed" else "incomplete"
        said = _message(item, "assistant", content, status=spoken)
        await self.send("response.output_audio.done", **part)
        await self.send("response.output_audio_transcript.done", **part, transcript=answer.text)
        await self.send("response.content_part.done", **part, part={"type": "audio"})
        await self.send("response.output_item.done", **where, item=said)
        await self.send("conversation.item.done", item=said)
        done = {"status": status["type"], "status_details": status, "output": [said]}
        await self.send("response.done", response=state | done)

    async def _add_item(self, item: dict[str, Any]) -> None:
        previous, self._last_item = self._last_item, item["id"]
        await self.send("conversation.item.added", item=item, previous_item_id=previous)

    def _id(self, kind: str) -> str:
        return f"{kind}_{next(self._ids):04}"


@asynccontextmanager
async def openai_realtime(*answers: Answer) -> AsyncIterator[OpenAIRealtime]:
    """Serve it on 127.0.0.1."""
    service = OpenAIRealtime(answers)
    async with serve(
        service.run, "127.0.0.1", 0, process_request=service.admit, close_timeout=2
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        service.url = f"http://127.0.0.1:{port}/v1"
        yield service


def _message(id: str, role: str, *content: Any, status: str = "completed") -> dict[str, Any]:
    item = {"id": id, "object": "realtime.item", "type": "message"}
    return item | {"status": status, "role": role, "content": list(content)}


def _unknown(value: Any, path: str = "") -> str:
    """The first key that a model of the package does not know, as a path; empty if none."""
    if isinstance(value, BaseModel):
        for name in value.model_extra or {}:
            return f"{path}{name}"
        value = dict(value)
    children = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return next((found for key, one in children if (found := _unknown(one, f"{path}{key}."))), "")
