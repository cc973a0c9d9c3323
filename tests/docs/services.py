"""A stand-in for the services that programs of the docs ask: OpenAI's API, and a voice."""

from typing import Annotated, Any

from fastapi import FastAPI, Form, HTTPException, Request, UploadFile
from fastapi.responses import Response

from tests.support.peers import tone

__all__ = ["ANSWER", "service"]

ANSWER = "It is sunny today."


def service() -> FastAPI:
    """Make an app whose `state.asked` has what it was asked, one item for each request."""
    app = FastAPI()
    app.state.asked = []

    def check_key(request: Request) -> None:
        if request.headers.get("authorization") != "Bearer stand-in":
            raise HTTPException(401, "no key")

    @app.post("/v1/chat/completions")
    def complete(request: Request, body: dict[str, Any]) -> dict[str, Any]:
        check_key(request)
        app.state.asked.append([message["content"] for message in body["messages"]])
        message = {"role": "assistant", "content": ANSWER}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        answer = {"id": "1", "object": "chat.completion", "created": 0, "model": body["model"]}
        return {**answer, "choices": [choice]}

    @app.post("/v1/audio/transcriptions")
    async def transcribe(
        request: Request, file: UploadFile, model: Annotated[str, Form()]
    ) -> dict[str, str]:
        check_key(request)
        app.state.asked.append((model, await file.read()))
        return {"text": "hello"}

    @app.post("/speak")
    def speak(body: dict[str, str]) -> Response:
        app.state.asked.append(body["text"])
        return Response(tone(0.5).tobytes())

    return app
