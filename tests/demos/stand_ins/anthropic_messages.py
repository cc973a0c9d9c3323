"""A stand-in for Anthropic's messages, streamed or whole, over real HTTP.

It speaks what https://docs.anthropic.com/en/api/messages-streaming describes, and refuses what
the service refuses. What it answers is checked with the types of the `anthropic` package.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal

from anthropic.types import Message, RawMessageStreamEvent
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, Field, TypeAdapter, model_validator
from starlette.exceptions import HTTPException as AnyHTTPException

from tests.support.servers import serving

__all__ = ["AnthropicService", "MessagesRequest", "anthropic_service"]

KEY = "sk-ant-stand-in"
MODEL = "claude-stand-in"
VERSION = re.compile(r"20\d\d-\d\d-\d\d")  # as documented, or as the package has it now
ERRORS = {400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error"}

_event = TypeAdapter(RawMessageStreamEvent)


class _Strict(BaseModel, extra="forbid"):
    """A part of a request: what it does not know is refused."""


class _Text(_Strict):
    type: Literal["text"]
    text: Annotated[str, Field(min_length=1)]


class _Turn(_Strict):
    role: Literal["user", "assistant"]
    content: Annotated[str, Field(min_length=1)] | Annotated[list[_Text], Field(min_length=1)]


class MessagesRequest(_Strict):
    """What `POST /v1/messages` takes, as far as the demo needs it."""

    model: str
    max_tokens: Annotated[int, Field(gt=0)]
    messages: Annotated[list[_Turn], Field(min_length=1)]
    system: str | list[_Text] = ""
    stream: bool = False
    temperature: float | None = Field(None, ge=0, le=1)

    @model_validator(mode="after")
    def _begins_with_the_user(self) -> MessagesRequest:
        if self.messages[0].role != "user":
            raise ValueError("first message must use the 'user' role")
        return self


class AnthropicService:
    """Answers in order with what it was given.

    Attributes:
        url: Its address, for `ANTHROPIC_BASE_URL`; `variables` has that and a key.
        replies: What it answers, the next one first.
        requests: What it was asked.
        refusals: Why it refused, in order.
    """

    def __init__(self) -> None:
        self.url = ""
        self.replies: list[str] = []
        self.requests: list[MessagesRequest] = []
        self.refusals: list[str] = []
        self._ids = itertools.count(1)

    @property
    def variables(self) -> dict[str, str]:
        """The environment of a program that is to use it."""
        return {"ANTHROPIC_BASE_URL": self.url, "ANTHROPIC_API_KEY": KEY, "MODEL": MODEL}

    def check(self, request: Request) -> None:
        """Refuse who has no key or names no version.

        Raises:
            HTTPException: 401 or 400.
        """
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        if request.headers.get("x-api-key", bearer) != KEY:  # the package has sent either
            raise HTTPException(401, "invalid x-api-key")
        if not VERSION.fullmatch(request.headers.get("anthropic-version", "")):
            raise HTTPException(400, "anthropic-version: header is required")

    def answer(self, asked: MessagesRequest) -> dict[str, Any] | AsyncIterator[str]:
        """Answer: whole, or as server-sent events.

        Raises:
            HTTPException: 404 for an unknown model, 500 if there is nothing to answer.
        """
        if asked.model != MODEL:
            raise HTTPException(404, f"model: {asked.model}")
        if not self.replies:
            raise HTTPException(500, "the test gave no reply to this")
        self.requests.append(asked)
        message = {
            "id": f"msg_{next(self._ids)}",
            "type": "message",
            "role": "assistant",
            "model": MODEL,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 9, "output_tokens": 1},
        }
        text = self.replies.pop(0)
        if asked.stream:
            return self._events(message, text)
        whole = message | {"content": [{"type": "text", "text": text}], "stop_reason": "end_turn"}
        Message.model_validate(whole)
        return whole

    async def _events(self, message: dict[str, Any], text: str) -> AsyncIterator[str]:
        def event(kind: str, **more: Any) -> str:
            data = {"type": kind, **more}
            if kind != "ping":  # the package knows no type for it: it skips them
                _event.validate_python(data)
            return f"event: {kind}\ndata: {json.dumps(data)}\n\n"

        yield event("message_start", message=message)
        yield event("content_block_start", index=0, content_block={"type": "text", "text": ""})
        yield event("ping")
        for token in re.findall(r"\s?\S+|\s+", text):
            yield event("content_block_delta", index=0, delta={"type": "text_delta", "text": token})
        yield event("content_block_stop", index=0)
        end = {"stop_reason": "end_turn", "stop_sequence": None}
        yield event("message_delta", delta=end, usage={"output_tokens": 12})
        yield event("message_stop")


def _app(service: AnthropicService) -> FastAPI:
    app = FastAPI(openapi_url=None)

    def refuse(status: int, reason: str) -> JSONResponse:
        service.refusals.append(reason)
        error = {"type": ERRORS.get(status, "api_error"), "message": reason}
        return JSONResponse({"type": "error", "error": error}, status)

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        return refuse(400, "; ".join(f"{one['loc']}: {one['msg']}" for one in error.errors()))

    @app.exception_handler(AnyHTTPException)
    async def refused(request: Request, error: AnyHTTPException) -> JSONResponse:
        return refuse(error.status_code, f"{error.detail} ({request.method} {request.url.path})")

    @app.post("/v1/messages", response_model=None)
    async def messages(
        request: Request, asked: MessagesRequest
    ) -> JSONResponse | StreamingResponse:
        service.check(request)
        answer = service.answer(asked)
        if isinstance(answer, dict):
            return JSONResponse(answer)
        return StreamingResponse(answer, media_type="text/event-stream")

    return app


@contextmanager
def anthropic_service() -> Iterator[AnthropicService]:
    """Serve on 127.0.0.1."""
    service = AnthropicService()
    with serving(_app(service)) as url:
        service.url = url
        yield service
