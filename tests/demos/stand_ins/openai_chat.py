"""A stand-in for OpenAI's chat completions, transcriptions and list of models, over real HTTP.

It speaks what https://platform.openai.com/docs/api-reference describes, and refuses what the
service refuses. What it answers is checked with the types of the `openai` package.
"""

from __future__ import annotations

import asyncio
import io
import itertools
import json
import re
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias

import av
import numpy as np
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from numpy.typing import NDArray
from openai.types import Model
from openai.types.audio import Transcription
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel, Field, model_validator
from starlette.exceptions import HTTPException as AnyHTTPException

from tests.support.servers import serving

__all__ = ["Call", "ChatRequest", "OpenAIService", "Upload", "decoded", "openai_service"]

KEY = "sk-stand-in"
MODEL = "small-talker"


class Call(NamedTuple):
    """A call of a function that the model wants."""

    name: str
    arguments: dict[str, Any]


Piece: TypeAlias = "str | Call | threading.Event"
"""What a reply is made of: a text, or a call; at an event it goes on when that is set."""


class _Strict(BaseModel, extra="forbid"):
    """A part of a request: what it does not know is refused."""


class _Text(_Strict):
    type: Literal["text"]
    text: str


class _Instruction(_Strict):
    role: Literal["system", "developer"]
    content: str | list[_Text]


class _User(_Strict):
    role: Literal["user"]
    content: str | list[_Text]
    name: str | None = None


class _Function(_Strict):
    name: str = Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")
    arguments: str


class _ToolCall(_Strict):
    id: str
    type: Literal["function"]
    function: _Function


class _Assistant(_Strict):
    role: Literal["assistant"]
    content: str | list[_Text] | None = None
    tool_calls: list[_ToolCall] = Field(default_factory=list)

    @model_validator(mode="after")
    def _says_or_calls(self) -> _Assistant:
        if self.content is None and not self.tool_calls:
            raise ValueError("an assistant's message has content or tool_calls")
        return self


class _Tool(_Strict):
    role: Literal["tool"]
    content: str | list[_Text]
    tool_call_id: str


class _Description(_Strict):
    name: str = Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")
    description: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    strict: bool | None = None

    @model_validator(mode="after")
    def _describes_an_object(self) -> _Description:
        schema = self.parameters
        if schema and schema.get("type") != "object":
            raise ValueError("parameters must be a schema of type object")
        if self.strict and (
            schema.get("additionalProperties") is not False
            or set(schema.get("required", ())) != set(schema.get("properties", ()))
        ):
            raise ValueError(
                "a strict function requires all its properties, and additionalProperties false"
            )
        return self


class _ToolDescription(_Strict):
    type: Literal["function"]
    function: _Description


class _StreamOptions(_Strict):
    include_usage: bool = False


_Message: TypeAlias = Annotated[
    _Instruction | _User | _Assistant | _Tool, Field(discriminator="role")
]


class ChatRequest(_Strict):
    """What `POST /chat/completions` takes, as far as the demos need it."""

    model: str
    messages: Annotated[list[_Message], Field(min_length=1)]
    stream: bool = False
    stream_options: _StreamOptions | None = None
    tools: list[_ToolDescription] = Field(default_factory=list)
    tool_choice: Literal["none", "auto", "required"] | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    max_tokens: int | None = Field(None, gt=0)
    max_completion_tokens: int | None = Field(None, gt=0)

    @model_validator(mode="after")
    def _answers_all_calls(self) -> ChatRequest:
        open_calls: set[str] = set()
        for message in self.messages:
            if isinstance(message, _Tool):
                if message.tool_call_id not in open_calls:
                    raise ValueError("messages with role 'tool' must answer a 'tool_calls'")
                open_calls.remove(message.tool_call_id)
            elif open_calls:
                raise ValueError("'tool_calls' must be followed by messages that answer each")
            if isinstance(message, _Assistant):
                open_calls = {call.id for call in message.tool_calls}
        if open_calls:
            raise ValueError("'tool_calls' must be followed by messages that answer each")
        if self.stream_options and not self.stream:
            raise ValueError("'stream_options' is only allowed when 'stream' is set")
        return self


class Upload(NamedTuple):
    """A file that came to be transcribed: mono `samples` of shape `(n,)`."""

    model: str
    file_name: str
    rate: int
    samples: NDArray[np.int16]


class OpenAIService:
    """Answers in order with what it was given.

    Attributes:
        url: Its address, for `OPENAI_BASE_URL`; `variables` has that and a key.
        replies: What it answers to chats, the next one first.
        texts: What it takes the next uploads for.
        chats: The chats that came.
        uploads: The audio that came.
        refusals: Why it refused, in order.
    """

    def __init__(self) -> None:
        self.url = ""
        self.replies: list[Sequence[Piece]] = []
        self.texts: list[str] = []
        self.chats: list[ChatRequest] = []
        self.uploads: list[Upload] = []
        self.refusals: list[str] = []
        self._ids = itertools.count(1)

    @property
    def variables(self) -> dict[str, str]:
        """The environment of a program that is to use it."""
        return {"OPENAI_BASE_URL": self.url, "OPENAI_API_KEY": KEY, "MODEL": MODEL}

    def check(self, request: Request) -> None:
        """Refuse who has no key, or another.

        Raises:
            HTTPException: 401.
        """
        if request.headers.get("authorization") != f"Bearer {KEY}":
            raise HTTPException(401, "Incorrect API key provided")

    def chat(self, asked: ChatRequest) -> dict[str, Any] | AsyncIterator[str]:
        """Answer a chat: whole, or as server-sent events.

        Raises:
            HTTPException: 404 for an unknown model, 500 if there is nothing to answer.
        """
        if asked.model != MODEL:
            raise HTTPException(404, f"The model '{asked.model}' does not exist")
        if not self.replies:
            raise HTTPException(500, "the test gave no reply to this")
        self.chats.append(asked)
        answer = {"id": f"chatcmpl-{next(self._ids)}", "created": int(time.time()), "model": MODEL}
        pieces = self.replies.pop(0)
        return self._events(answer, asked, pieces) if asked.stream else self._whole(answer, pieces)

    def _whole(self, answer: dict[str, Any], pieces: Sequence[Piece]) -> dict[str, Any]:
        calls = [self._call(piece) for piece in pieces if isinstance(piece, Call)]
        text = "".join(piece for piece in pieces if isinstance(piece, str))
        message = {"role": "assistant", "content": text or None, "refusal": None}
        if calls:
            message["tool_calls"] = calls
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": "tool_calls" if calls else "stop",
        }
        whole = {**answer, "object": "chat.completion", "choices": [choice], "usage": USAGE}
        ChatCompletion.model_validate(whole)
        return whole

    async def _events(
        self, answer: dict[str, Any], asked: ChatRequest, pieces: Sequence[Piece]
    ) -> AsyncIterator[str]:
        def event(delta: dict[str, Any], finish: str | None = None) -> str:
            choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
            return chunk([choice])

        def chunk(choices: list[dict[str, Any]], **more: Any) -> str:
            made = {**answer, "object": "chat.completion.chunk", "choices": choices, **more}
            ChatCompletionChunk.model_validate(made)
            return f"data: {json.dumps(made)}\n\n"

        yield event({"role": "assistant", "content": "", "refusal": None})
        calls = 0
        for piece in pieces:
            if isinstance(piece, str):
                for token in re.findall(r"\s?\S+|\s+", piece):
                    yield event({"content": token})
            elif isinstance(piece, Call):
                call = self._call(piece)
                arguments = call["function"].pop("arguments")
                first = {"index": calls, **call}
                first["function"]["arguments"] = ""
                yield event({"tool_calls": [first]})
                for part in re.findall(r".{1,5}", arguments):
                    yield event({"tool_calls": [{"index": calls, "function": {"arguments": part}}]})
                calls += 1
            else:
                await asyncio.to_thread(piece.wait, 60)
        yield event({}, "tool_calls" if calls else "stop")
        if asked.stream_options and asked.stream_options.include_usage:
            yield chunk([], usage=USAGE)
        yield "data: [DONE]\n\n"

    def _call(self, piece: Call) -> dict[str, Any]:
        function = {"name": piece.name, "arguments": json.dumps(piece.arguments)}
        return {"id": f"call_{next(self._ids)}", "type": "function", "function": function}


USAGE = {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21}
FORM = {"file", "model", "language", "prompt", "response_format", "temperature"}
FILES = ("flac", "mp3", "mp4", "mpeg", "mpga", "m4a", "ogg", "wav", "webm")


def decoded(data: bytes) -> tuple[int, NDArray[np.int16]]:
    """The rate and the mono samples of an audio file of any format.

    Raises:
        av.FFmpegError: If it is none.
    """
    with av.open(io.BytesIO(data)) as container:
        track = container.streams.audio[0]
        to_mono = av.AudioResampler(format="s16", layout="mono", rate=track.rate)
        frames = [made for frame in container.decode(track) for made in to_mono.resample(frame)]
        return track.rate, np.concatenate([frame.to_ndarray()[0] for frame in frames])


def _app(service: OpenAIService) -> FastAPI:
    app = FastAPI(openapi_url=None)

    def refuse(status: int, reason: str) -> JSONResponse:
        service.refusals.append(reason)
        error = {"message": reason, "type": "invalid_request_error", "param": None, "code": None}
        return JSONResponse({"error": error}, status)

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        return refuse(400, "; ".join(f"{one['loc']}: {one['msg']}" for one in error.errors()))

    @app.exception_handler(AnyHTTPException)
    async def refused(request: Request, error: AnyHTTPException) -> JSONResponse:
        return refuse(error.status_code, f"{error.detail} ({request.method} {request.url.path})")

    @app.post("/v1/chat/completions", response_model=None)
    async def chat(request: Request, asked: ChatRequest) -> JSONResponse | StreamingResponse:
        service.check(request)
        answer = service.chat(asked)
        if isinstance(answer, dict):
            return JSONResponse(answer)
        return StreamingResponse(answer, media_type="text/event-stream")

    @app.post("/v1/audio/transcriptions")
    async def transcribe(request: Request) -> dict[str, Any]:
        service.check(request)
        async with request.form() as form:
            unknown = set(form) - FORM
            file = form.get("file")
            if unknown or "model" not in form or file is None or isinstance(file, str):
                raise HTTPException(400, f"a file and a model are wanted, not {sorted(form)}")
            name = file.filename or ""
            if name.rpartition(".")[2] not in FILES:
                raise HTTPException(400, f"Unrecognized file format: {name}")
            try:
                rate, samples = decoded(await file.read())
            except av.FFmpegError as error:
                raise HTTPException(400, "Audio file might be corrupted") from error
            service.uploads.append(Upload(str(form["model"]), name, rate, samples))
        if not service.texts:
            raise HTTPException(500, "the test gave no text for this")
        return Transcription(text=service.texts.pop(0)).model_dump(exclude_none=True)

    @app.get("/v1/models")
    async def models(request: Request) -> dict[str, Any]:
        service.check(request)
        model = Model(id=MODEL, object="model", created=1, owned_by="fastrtc")
        return {"object": "list", "data": [model.model_dump(exclude_none=True)]}

    return app


@contextmanager
def openai_service() -> Iterator[OpenAIService]:
    """Serve on 127.0.0.1."""
    service = OpenAIService()
    with serving(_app(service)) as url:
        service.url = f"{url}/v1"
        yield service
