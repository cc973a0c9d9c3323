"""Google's Gemini Live API (BidiGenerateContent) over a secure WebSocket, on 127.0.0.1.

It hears turns, sees pictures, and answers what it was given. Everything that it takes and gives is
checked against the types of the `google-genai` package, which insists on TLS: so the stand-in has a
certificate of its own, and the demo trusts it through `SSL_CERT_FILE`.
"""

from __future__ import annotations

import asyncio
import base64
import io
import itertools
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import numpy as np
from google.genai import types
from numpy.typing import NDArray
from PIL import Image
from pydantic import ValidationError
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.demos.stand_ins.hearing import Ear
from tests.support.certificates import write_certificate

__all__ = ["HEARS", "KEY", "SPEAKS", "GeminiLive", "gemini_live"]

KEY = "AIza-stand-in"
HEARS, SPEAKS = 16_000, 24_000  # Hz
SPEED = 8  # how many seconds of an answer it makes in a second
PATHS = {  # versions of the package differ in the API's version
    f"/ws/google.ai.generativelanguage.{version}.GenerativeService.BidiGenerateContent"
    for version in ("v1", "v1beta")
}
INVALID = 1007  # the code that the service closes with when it does not take something


class GeminiLive:
    """The service; one is there for a test.

    Attributes:
        variables: The environment that a demo needs for it.
        answers: What it says (mono, 24 kHz), turn by turn; the last one again and again.
        sessions: The sessions there were.
        refused: What it did not accept, as it told the client.
    """

    def __init__(self, answers: Sequence[NDArray[np.int16]]) -> None:
        self.variables: dict[str, str] = {}
        self.answers = answers
        self.sessions: list[Session] = []
        self.refused: list[str] = []

    def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        if "/" + request.path.lstrip("/") in PATHS:  # it asks for //ws/ where the address ends in /
            return None
        self.refused.append(request.path)
        return connection.respond(HTTPStatus.NOT_FOUND, "")

    async def run(self, connection: ServerConnection) -> None:
        session = Session(self, connection)
        try:
            if connection.request.headers.get("x-goog-api-key") != KEY:
                raise ValueError("API key not valid. Please pass a valid API key.")
            await session.run()
        except (ValidationError, ValueError) as error:
            self.refused.append(str(error))
            await connection.close(INVALID, str(error)[:120])
        except ConnectionClosed:
            pass
        finally:
            session.ended = True
            await session.stop_speaking()


class Session:
    """One connection.

    Attributes:
        setup: What the client has set up.
        ear: What it heard.
        pictures: What it saw.
        interrupted: How often it was.
        ended: Whether the client, or the service, has closed it.
    """

    def __init__(self, service: GeminiLive, connection: ServerConnection) -> None:
        self.service = service
        self.connection = connection
        self.setup = types.LiveClientSetup()
        self.ear = Ear(HEARS)
        self.pictures: list[Image.Image] = []
        self.interrupted = 0
        self.ended = False
        self._answers = itertools.chain(service.answers, itertools.repeat(service.answers[-1]))
        self._turn: asyncio.Task[None] | None = None

    @property
    def voice(self) -> str | None:
        """The voice that the client has chosen."""
        speech = self.setup.generation_config.speech_config
        return speech.voice_config.prebuilt_voice_config.voice_name

    async def run(self) -> None:
        self.setup = self._read(await self.connection.recv()).setup
        if self.setup is None or not (self.setup.model or "").startswith("models/"):
            raise ValueError("The first message must be a setup with a model.")
        if self.setup.generation_config.response_modalities != [types.Modality.AUDIO]:
            raise ValueError("The stand-in answers with audio only.")
        self.service.sessions.append(self)
        await self.send(setup_complete={})
        async for text in self.connection:
            await self._take(self._read(text).realtime_input)

    async def send(self, **content: Any) -> None:
        message = types.LiveServerMessage.model_validate(content)
        text = message.model_dump_json(by_alias=True, exclude_unset=True)
        await self.connection.send(text.encode())  # in binary frames, as the service does

    async def stop_speaking(self) -> None:
        if self._turn is not None:
            self._turn.cancel()
            await asyncio.gather(self._turn, return_exceptions=True)

    def _read(self, text: str | bytes) -> types.LiveClientMessage:
        return types.LiveClientMessage.model_validate_json(text)

    async def _take(self, sent: types.LiveClientRealtimeInput | None) -> None:
        if sent is None or len(sent.model_fields_set) != 1:
            raise ValueError("The stand-in wants realtimeInput, with one thing in it.")
        if sent.audio is not None:
            if sent.audio.mime_type != f"audio/pcm;rate={HEARS}":
                raise ValueError(f"Unsupported audio: {sent.audio.mime_type}")
            await self._hear(np.frombuffer(sent.audio.data, "<i2").astype(np.int16))
        elif sent.video is not None:
            picture = Image.open(io.BytesIO(sent.video.data))
            if sent.video.mime_type != "image/jpeg" or picture.format != "JPEG":
                raise ValueError(f"Unsupported picture: {sent.video.mime_type}")
            self.pictures.append(picture.convert("RGB"))
        else:
            raise ValueError("The stand-in takes audio and video.")

    async def _hear(self, samples: NDArray[np.int16]) -> None:
        for what, _ in self.ear.hear(samples):
            if what == "stopped":
                self._turn = asyncio.create_task(self._answer(next(self._answers)))
            elif self._turn is not None and not self._turn.done():
                await self.stop_speaking()
                self.interrupted += 1
                await self.send(server_content={"interrupted": True})
                await self.send(server_content={"turn_complete": True})

    async def _answer(self, samples: NDArray[np.int16]) -> None:
        """Answer faster than it is spoken; the turn ends when it has been played."""
        chunk = SPEAKS // 5
        for begin in range(0, samples.size, chunk):
            data = base64.b64encode(samples[begin : begin + chunk].astype("<i2").tobytes())
            blob = {"mime_type": f"audio/pcm;rate={SPEAKS}", "data": data.decode()}
            parts = [{"inline_data": blob}]
            await self.send(server_content={"model_turn": {"role": "model", "parts": parts}})
            await asyncio.sleep(chunk / SPEAKS / SPEED)
        await self.send(server_content={"generation_complete": True})
        await asyncio.sleep(samples.size / SPEAKS * (1 - 1 / SPEED))
        await self.send(server_content={"turn_complete": True})


@asynccontextmanager
async def gemini_live(folder: Path, *answers: NDArray[np.int16]) -> AsyncIterator[GeminiLive]:
    """Serve it on 127.0.0.1, with a certificate that is written into the folder."""
    service = GeminiLive(answers)
    certificate, key = write_certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    async with serve(
        service.run, "127.0.0.1", 0, ssl=context, process_request=service.admit, close_timeout=2
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        service.variables = {
            "GEMINI_API_KEY": KEY,
            "GOOGLE_API_KEY": "",
            "GOOGLE_GEMINI_BASE_URL": f"https://127.0.0.1:{port}",
            "SSL_CERT_FILE": str(certificate),
        }
        yield service
