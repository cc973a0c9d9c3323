"""What is known about the client of a connection."""

import dataclasses
import pickle
from typing import Any

import pytest

from fastrtc.core.identity import (
    MAX_METADATA_BYTES,
    ClientRequest,
    Headers,
    Identity,
    TokenUse,
    check_metadata,
)


def test_headers_have_no_case_and_cannot_be_changed() -> None:
    headers = Headers([("X-User", "anna"), ("x-user", "bob"), ("Accept", "*/*")])
    assert headers["x-USER"] == "anna" and headers.get("cookie") is None
    assert list(headers) == ["x-user", "accept"] and len(headers) == 2
    assert not hasattr(headers, "__setitem__")


def test_a_request_is_frozen_and_shows_no_secrets() -> None:
    cookies = {"session": "secret"}
    request = ClientRequest(Headers(), cookies, {"token": "secret"}, "192.0.2.1")
    cookies["other"] = "later"
    assert dict(request.cookies) == {"session": "secret"}
    with pytest.raises(TypeError):
        request.query["a"] = "b"  # type: ignore[index]
    with pytest.raises(dataclasses.FrozenInstanceError):
        request.client_host = "x"  # type: ignore[misc]
    assert "secret" not in repr(request) and "192.0.2.1" in repr(request)


def test_an_identity_can_be_sent_to_another_process() -> None:
    request = ClientRequest(Headers([("A", "1")]), {"b": "2"}, {"c": "3"}, "::1")
    identity = Identity(request, {"id": 1}, {"plan": "pro"}, TokenUse("n", 1.0))
    found = pickle.loads(pickle.dumps(identity))
    assert found.user == {"id": 1} and found.metadata == {"plan": "pro"}
    assert found.token == TokenUse("n", 1.0) and found.request.headers["a"] == "1"
    assert found.request.cookies == {"b": "2"} and found.request.client_host == "::1"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([], "a JSON object, not a list"),
        ("text", "not a string"),
        (True, "not a boolean"),
        (1.5, "not a number"),
        ({"a": "x" * MAX_METADATA_BYTES}, "may have 16384 bytes as JSON, not 16393"),
        ({"a": "\u20ac" * 6000}, "not 18009"),
    ],
)
def test_what_is_no_metadata_is_refused(value: Any, reason: str) -> None:
    with pytest.raises(ValueError, match="metadata m") as refused:
        check_metadata(value)
    assert reason in str(refused.value) and len(str(refused.value)) < 100


def test_metadata_of_the_largest_size_are_accepted() -> None:
    largest = {"a": "x" * (MAX_METADATA_BYTES - 9)}
    assert check_metadata(largest) is largest
    assert check_metadata({"a": "\ud800"}) == {"a": "\ud800"}
    assert check_metadata(None) == {}
