"""The stand-in refuses what the service refuses, and the `anthropic` package understands it."""

from typing import Any

import anthropic
import pytest

from tests.demos.stand_ins.anthropic_messages import AnthropicService, anthropic_service

USER = {"role": "user", "content": "hi"}
WELL = {"model": "claude-stand-in", "max_tokens": 9, "messages": [USER]}


def client(service: AnthropicService, key: str | None = None) -> anthropic.Anthropic:
    key = key or service.variables["ANTHROPIC_API_KEY"]
    return anthropic.Anthropic(base_url=service.url, api_key=key, max_retries=0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"messages": []}, "at least 1 item"),
        ({"messages": [{"role": "user", "content": ""}]}, "at least 1 character"),
        ({"messages": [{"role": "assistant", "content": "hi"}]}, "must use the 'user' role"),
        ({"messages": [{"role": "system", "content": "hi"}]}, "'user' or 'assistant'"),
        ({"max_tokens": None}, "max_tokens"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_malformed_request_is_refused(change: dict[str, Any], reason: str) -> None:
    with anthropic_service() as service, client(service) as one:
        with pytest.raises(anthropic.BadRequestError, match=reason):
            one.post("/v1/messages", body={**WELL, **change}, cast_to=dict)
    assert not service.requests


def test_no_key_and_no_path_are_refused() -> None:
    with anthropic_service() as service, client(service) as one, client(service, "no") as other:
        with pytest.raises(anthropic.AuthenticationError):
            other.messages.create(**WELL)
        with pytest.raises(anthropic.NotFoundError):
            one.post("/v1/complete", body={}, cast_to=dict)


def test_an_answer_comes_in_pieces_or_whole() -> None:
    with anthropic_service() as service, client(service) as one:
        service.replies = ["Hello there.", "Hello there."]
        whole = one.messages.create(**WELL)
        with one.messages.stream(**WELL) as stream:
            pieces = list(stream.text_stream)
            final = stream.get_final_message()
    assert whole.content[0].text == final.content[0].text == "".join(pieces) == "Hello there."
    assert len(pieces) == 2
    assert final.stop_reason == "end_turn"
