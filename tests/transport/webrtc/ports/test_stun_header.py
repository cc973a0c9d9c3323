"""What tells the connection of a STUN message."""

from __future__ import annotations

import os

import pytest
from aioice import stun
from hypothesis import given
from hypothesis import strategies as st

from fastrtc.transport.webrtc.ports.stun_header import (
    is_request,
    is_stun,
    local_ufrag,
    transaction_id,
)


def request(username: str | None = "ours:theirs", before: tuple[str, ...] = ()) -> bytes:
    """Return a Binding request, whose username comes after other attributes."""
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    for name in before:
        message.attributes[name] = "of 7 ch" if name == "SOFTWARE" else 5
    if username is not None:
        message.attributes["USERNAME"] = username
    message.add_message_integrity(b"password")
    return bytes(message)


@pytest.mark.parametrize("username", ["ours:theirs", "abcd:x", "a+/9:" + "y" * 60])
@pytest.mark.parametrize("before", [(), ("PRIORITY",), ("SOFTWARE", "PRIORITY")])
def test_a_request_names_a_username_fragment(username: str, before: tuple[str, ...]) -> None:
    data = request(username, before)
    assert is_stun(data)
    assert is_request(data)
    assert local_ufrag(data) == username.split(":")[0].encode()


@pytest.mark.parametrize("username", [None, "", "without a colon"])
def test_a_request_without_a_username_fragment(username: str | None) -> None:
    assert local_ufrag(request(username)) is None


def test_a_response_has_the_transaction_of_its_request() -> None:
    asked = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    answer = stun.Message(
        stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=asked.transaction_id
    )
    data = bytes(answer)
    assert is_stun(data)
    assert not is_request(data)
    assert transaction_id(data) == asked.transaction_id


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\x01",
        bytes([128]) * 40,
        bytes([22]) * 40,
        bytes(20),
        os.urandom(3) + b"\x05" * 40,
    ],
    ids=["empty", "short", "RTP", "DTLS", "without the cookie", "random"],
)
def test_other_datagrams_are_not_stun(data: bytes) -> None:
    assert not is_stun(data)


@given(st.binary(max_size=200), st.integers(0, 80))
def test_malformed_messages_are_read_to_their_end_at_most(tail: bytes, cut: int) -> None:
    data = request()
    local_ufrag(data[:20] + tail)
    local_ufrag(data[:cut])
