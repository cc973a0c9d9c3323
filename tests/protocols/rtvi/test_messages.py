"""Texts on the data channel: RTVI messages, pings, signalling, and anything else."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastrtc.protocols.rtvi.messages import (
    InvalidMessage,
    Ping,
    RTVIMessage,
    TrackStatus,
    create,
    create_error,
    create_signal,
    read_text,
)


def rtvi(**fields: Any) -> str:
    return json.dumps({"label": "rtvi-ai", "type": "client-message", "id": "a", **fields})


def signal(**message: Any) -> str:
    return json.dumps({"type": "signalling", "message": message})


def test_what_clients_send() -> None:
    assert read_text("ping: 1764400000000") == Ping()
    text = rtvi(data={"t": "x"})
    assert read_text(text) == RTVIMessage("client-message", "a", {"t": "x"}, len(text))
    assert read_text('{"type": "client-ready", "id": 7}') == RTVIMessage(
        "client-ready", "7", None, 33
    )
    assert read_text(signal(type="trackStatus", receiver_index=2, enabled=True)) == TrackStatus(
        2, True
    )
    assert read_text(signal(type="peerLeft")) is None


@pytest.mark.parametrize(
    ("text", "reason", "id"),
    [
        ("hello", "must be JSON", None),
        ("[1]", "must be a JSON object", None),
        (rtvi(type=7), "must have a 'type'", "a"),
        (rtvi(type=""), "must have a 'type'", "a"),
        (rtvi(label="mine"), "label", "a"),
        (rtvi(id=[1]), "id of a message", None),
        (rtvi(id="a" * 129), "id of a message", None),
        (rtvi(data="ü" * 40_000), "65536 bytes", None),
        ("x" * 70_000, "65536 bytes", None),
        (signal(type=1), "signalling", None),
        (signal(type="trackStatus", receiver_index=3, enabled=True), "receiver_index", None),
        (signal(type="trackStatus", receiver_index="0", enabled=True), "receiver_index", None),
        (signal(type="trackStatus", receiver_index=0), "enabled", None),
        ('{"type": "signalling"}', "signalling", None),
    ],
)
def test_what_is_refused(text: str, reason: str, id: str | None) -> None:
    with pytest.raises(InvalidMessage, match=reason) as refused:
        read_text(text)
    assert refused.value.id == id


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(st.text(max_size=8), values),
    max_leaves=12,
)
FIELDS = st.dictionaries(st.sampled_from(["label", "type", "id", "data", "message"]), JSON)


@given(FIELDS.map(json.dumps) | st.text(max_size=60))
def test_any_text_is_understood_or_an_error(text: str) -> None:
    try:
        found = read_text(text)
    except InvalidMessage as error:
        assert str(error)
    else:
        assert found is None or isinstance(found, Ping | TrackStatus | RTVIMessage)


def test_what_the_server_sends() -> None:
    made = json.loads(create("bot-ready", {"version": "2.1.0"}, "a"))
    assert made == {
        "label": "rtvi-ai",
        "type": "bot-ready",
        "id": "a",
        "data": {"version": "2.1.0"},
    }
    first, second = (json.loads(create("bot-started-speaking")) for _ in range(2))
    assert first["data"] == {} and first["id"] != second["id"]
    assert json.loads(create_error("no", fatal=True))["data"] == {
        "error": "no",
        "message": "no",
        "fatal": True,
    }
    assert json.loads(create_signal("peerLeft")) == {
        "type": "signalling",
        "message": {"type": "peerLeft"},
    }
