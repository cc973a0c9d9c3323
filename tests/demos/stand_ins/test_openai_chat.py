"""The stand-in refuses what the service refuses, and the `openai` package understands it."""

import json
from typing import Any

import openai
import pytest

from tests.demos.stand_ins.openai_chat import Call, OpenAIService, openai_service

CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
USER = {"role": "user", "content": "hi"}


def client(service: OpenAIService, key: str | None = None) -> openai.OpenAI:
    key = key or service.variables["OPENAI_API_KEY"]
    return openai.OpenAI(base_url=service.url, api_key=key, max_retries=0)


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ({"messages": []}, "at least 1 item"),
        ({"messages": [USER], "colour": "red"}, "colour"),
        ({"messages": [USER, {"role": "assistant", "tool_calls": [CALL]}]}, "must be followed"),
        ({"messages": [USER, {"role": "tool", "tool_call_id": "x", "content": ""}]}, "must answer"),
        ({"messages": [USER], "stream_options": {"include_usage": True}}, "only allowed when"),
    ],
)
def test_a_malformed_chat_is_refused(request_: dict[str, Any], reason: str) -> None:
    with openai_service() as service, client(service) as one:
        with pytest.raises(openai.BadRequestError, match=reason):
            one.post("/chat/completions", body={"model": "small-talker", **request_}, cast_to=dict)
    assert not service.chats


def test_no_key_no_path_and_no_audio_are_refused() -> None:
    with openai_service() as service, client(service) as one, client(service, "no") as other:
        with pytest.raises(openai.AuthenticationError):
            other.models.list()
        with pytest.raises(openai.NotFoundError, match="POST /v1/chat/complete"):
            one.post("/chat/complete", body={}, cast_to=dict)
        with pytest.raises(openai.BadRequestError, match="corrupted"):
            one.audio.transcriptions.create(model="whisper-1", file=("a.mp3", b"no audio"))
        assert [model.id for model in one.models.list()] == ["small-talker"]


def test_calls_and_texts_come_in_pieces_or_whole() -> None:
    reply = ["Let me look. ", Call("look", {"day": "monday"})]
    with openai_service() as service, client(service) as one:
        service.replies = [reply, reply]
        whole = one.chat.completions.create(model="small-talker", messages=[USER])
        chunks = list(
            one.chat.completions.create(model="small-talker", messages=[USER], stream=True)
        )
    message = whole.choices[0].message
    deltas = [chunk.choices[0].delta for chunk in chunks]
    calls = [delta.tool_calls[0].function for delta in deltas if delta.tool_calls]
    arguments = "".join(call.arguments for call in calls)
    assert message.content == "".join(delta.content or "" for delta in deltas) == "Let me look. "
    assert json.loads(message.tool_calls[0].function.arguments) == json.loads(arguments)
    assert whole.choices[0].finish_reason == chunks[-1].choices[0].finish_reason == "tool_calls"
