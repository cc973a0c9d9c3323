"""How calls between nodes are encoded: arguments, results, and exceptions."""

import pickle
from typing import Any

import pytest

from fastrtc.core.errors import InvalidCandidate, InvalidOffer, SessionRefused
from fastrtc.server.cluster.calls import (
    CALLS,
    ConnectionUnknown,
    RemoteCallFailed,
    answer_call,
    call,
    decode_answer,
    encode_call,
    failure,
)
from fastrtc.server.cluster.internal import MAX_BODY_BYTES


class Endpoint:
    places = ("here",)


@call("test_echo")
async def echo(endpoint: Any, id: str, *args: Any) -> Any:
    return endpoint, id, args


@call("test_anywhere", for_owner=False)
async def anywhere(endpoint: Any, id: str) -> str:
    return id


@call("test_raise")
async def raising(endpoint: Any, id: str, error: Exception) -> Any:
    raise error


@call("test_unpicklable")
async def unpicklable(endpoint: Any, id: str) -> Any:
    return lambda: None


class NoEndpointOfItsOwn(Endpoint):
    def __reduce__(self) -> Any:
        return str, ("the endpoint",)


async def ask(name: str, id: str, *args: Any, stream: str = "/") -> Any:
    endpoints: dict[str, Any] = {"/": NoEndpointOfItsOwn()}
    body = encode_call(name, stream, id, args)
    return decode_answer(await answer_call(name, body, endpoints.get))


async def test_arguments_and_results_are_any_objects_that_can_be_pickled():
    assert await ask("test_echo", "here", 1, "two", [3.0], None) == (
        "the endpoint",
        "here",
        (1, "two", [3.0], None),
    )


async def test_only_the_owner_answers():
    with pytest.raises(ConnectionUnknown):
        await ask("test_echo", "elsewhere")
    with pytest.raises(ConnectionUnknown):
        await ask("test_echo", "here", stream="/another")
    assert await ask("test_anywhere", "elsewhere") == "elsewhere"


@pytest.mark.parametrize(
    "error",
    [
        InvalidOffer("it is malformed"),
        InvalidCandidate("it is malformed"),
        ValueError("too many"),
        TypeError("no number"),
        LookupError("there is none"),
    ],
)
async def test_the_caller_gets_the_exceptions_that_it_expects(error: Exception):
    with pytest.raises(type(error)) as raised:
        await ask("test_raise", "here", error)
    assert type(raised.value) is type(error) and str(raised.value) == str(error)


async def test_a_subclass_becomes_the_exception_that_it_is():
    with pytest.raises(LookupError, match="key"):
        await ask("test_raise", "here", KeyError("key"))


async def test_a_refusal_keeps_its_code_and_details():
    error = SessionRefused("concurrency_limit_reached", limit=3)
    error.__reduce__ = None  # type: ignore[assignment, method-assign]
    with pytest.raises(SessionRefused) as raised:
        raise decode_refusal(error)
    assert raised.value.answer == error.answer


def decode_refusal(error: SessionRefused) -> Exception:
    try:
        decode_answer(pickle.dumps(("refused", error.code, error.details)))
    except SessionRefused as refusal:
        return refusal
    raise AssertionError


async def test_other_exceptions_are_for_the_log_of_the_owner():
    with pytest.raises(RuntimeError):
        await ask("test_raise", "here", RuntimeError("why"))
    with pytest.raises(RemoteCallFailed, match="RuntimeError: why"):
        decode_answer(failure(RuntimeError("why")))


async def test_an_argument_that_cannot_be_pickled_is_named():
    with pytest.raises(TypeError, match="set_input: .* 'me' .* argument 3, of type function"):
        encode_call("set_input", "/", "me", (1, 2, lambda: None))


async def test_arguments_that_are_too_large_are_refused_at_once():
    with pytest.raises(ValueError, match="test_echo: .* bytes are more than"):
        await ask("test_echo", "here", bytes(MAX_BODY_BYTES + 1))


async def test_a_result_that_cannot_be_pickled_or_decoded_is_an_error():
    with pytest.raises(Exception, match="pickle"):
        await ask("test_unpicklable", "here")
    with pytest.raises(RemoteCallFailed, match="cannot be decoded"):
        decode_answer(b"no pickle")


async def test_a_call_of_a_newer_version_is_named():
    with pytest.raises(RemoteCallFailed, match="without 'newer'"):
        await ask("newer", "here")


def test_no_call_waits_for_ever():
    assert all(0 < one.timeout_s <= 30 for one in CALLS.values())
