"""What WebSocket clients say, and what they are told; no socket is needed for that."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastrtc import __version__
from fastrtc.transport.socket.events import Audio, Invalid, Ping, Start, Stop
from fastrtc.transport.socket.messages import BrowserMessages


def said(protocol: BrowserMessages, message: Any) -> Any:
    text = message if isinstance(message, str | bytes) else json.dumps(message)
    (event,) = protocol.receive(text)
    return event


def started(audio: Any = None) -> BrowserMessages:
    protocol = BrowserMessages()
    message = {"event": "start", "websocket_id": "a"} | ({"audio": audio} if audio else {})
    assert isinstance(said(protocol, message), Start)
    return protocol


def media(payload: bytes) -> dict[str, Any]:
    return {"event": "media", "media": {"payload": base64.b64encode(payload).decode()}}


def test_an_old_client_gets_what_it_knows_and_nothing_else() -> None:
    protocol = BrowserMessages()
    start = said(protocol, {"event": "start", "websocket_id": "a"})
    assert start == Start("a", "mulaw", None, None, framed=False)
    assert protocol.started(start) is None
    assert protocol.clear() is None
    assert protocol.mark("x") is None
    assert json.loads(protocol.audio(b"\xff\x00")) == {
        "event": "media",
        "media": {"payload": "/wA="},
    }
    assert said(protocol, media(b"\xff")) == Audio(b"\xff")
    assert said(protocol, {"event": "ping"}) == Ping()
    assert protocol.pong() == '{"event": "pong"}'
    assert said(protocol, {"event": "stop"}) == Stop()
    assert protocol.message('{"type": "log"}') == '{"type": "log"}'


def test_a_client_negotiates_its_audio() -> None:
    protocol = BrowserMessages()
    audio = {"encoding": "pcm16", "input_sample_rate": 44100, "output_sample_rate": 48000}
    start = said(protocol, {"event": "start", "websocket_id": "a", "audio": audio})
    assert start == Start("a", "pcm16", 44100, 48000)
    assert json.loads(protocol.started(start)) == {
        "event": "started",
        "websocket_id": "a",
        "audio": {**audio, "binary": False},
    }
    assert json.loads(protocol.clear()) == {"event": "clear"}


def test_a_client_that_tells_its_version_is_told_that_of_the_server() -> None:
    protocol = BrowserMessages()
    message = {"event": "start", "websocket_id": "a", "audio": {}, "client_version": __version__}
    assert json.loads(protocol.started(said(protocol, message)))["server_version"] == __version__
    old = BrowserMessages()
    message = {"event": "start", "websocket_id": "a", "client_version": __version__}
    assert old.started(said(old, message)) is None


@pytest.mark.parametrize("pause", [True, False])
def test_a_client_that_can_pause_is_told_to(pause: bool) -> None:
    protocol = BrowserMessages()
    message = {"event": "start", "websocket_id": "a", "audio": {"pause": pause}}
    start = said(protocol, message)
    assert start.pauses is pause
    assert json.loads(protocol.started(start))["audio"]["pause"] is pause
    assert json.loads(protocol.pause()) == {"event": "pause"}
    assert json.loads(protocol.resume()) == {"event": "resume"}


def test_a_client_may_replace_its_attempt_over_webrtc() -> None:
    message = {"event": "start", "websocket_id": "a", "replaces": "b"}
    assert said(BrowserMessages(), message) == Start("a", framed=False, replaces="b")


def test_what_is_left_open_is_answered_with_the_rates_of_the_handler() -> None:
    protocol = BrowserMessages()
    message = {"event": "start", "websocket_id": "a", "audio": {}}
    assert said(protocol, message) == Start("a", "mulaw", None, None)
    answer = json.loads(protocol.started(Start("a", "mulaw", 16000, 24000)))
    assert answer["audio"]["input_sample_rate"] == 16000
    assert answer["audio"]["output_sample_rate"] == 24000


def test_audio_goes_as_binary_messages_when_that_was_negotiated() -> None:
    protocol = started({"encoding": "pcm16", "binary": True})
    assert protocol.audio(b"\x01\x00") == b"\x01\x00"
    assert said(protocol, b"\x01\x00") == Audio(b"\x01\x00")
    assert said(protocol, media(b"\x01\x00")) == Audio(b"\x01\x00")


@given(
    st.binary(max_size=50),
    st.sampled_from([None, (",", ":")]),
    st.sampled_from(
        ["{}", '{}"', '{}"}}', '{}", "x": "', "\\/{}", "\\u0041AAA{}", "é{}", " {}\n", "{}="]
    ),
)
def test_media_is_the_same_however_it_is_written(
    payload: bytes, separators: tuple[str, str] | None, form: str
) -> None:
    """The form that most clients write is not parsed as JSON."""
    media = {"event": "media", "media": {"payload": "@"}}
    text = json.dumps(media, separators=separators)
    text = text.replace("@", form.format(base64.b64encode(payload).decode()))
    as_before = started().receive(text + " ")
    assert started().receive(text) == as_before
    assert BrowserMessages().receive(text) == BrowserMessages().receive(text + " ")
    if form == "{}":
        assert as_before == [Audio(payload)]


def test_base64_may_be_wrapped_in_lines() -> None:
    protocol = started({"encoding": "pcm16"})
    payload = base64.encodebytes(bytes(100)).decode()
    assert "\n" in payload.strip()
    message = {"event": "media", "media": {"payload": payload}}
    assert said(protocol, message) == Audio(bytes(100))


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("no JSON", "must be JSON"),
        ("[" * 100_000, "must be JSON"),
        ("1" * 5000, "JSON"),
        ("[]", "JSON object"),
        ({}, "'event'"),
        ({"event": 3}, "'event'"),
        ({"event": "jump"}, "Unknown event 'jump'"),
        ({"event": "x" * 999}, "Unknown event"),
        ({"event": "start"}, "already"),
        ({"event": "media"}, "media.payload"),
        ({"event": "media", "media": []}, "media.payload"),
        ({"event": "media", "media": {"payload": 7}}, "media.payload"),
        ({"event": "media", "media": {"payload": "a*b"}}, "not base64"),
        ({"event": "media", "media": {"payload": "abc"}}, "not base64"),
        ({"event": "media", "media": {"payload": "ä"}}, "ASCII"),
        (media(b"abc"), "3 bytes"),
        (b"abc", "3 bytes"),
    ],
)
def test_what_cannot_be_understood_is_answered_with_the_reason(message: Any, reason: str) -> None:
    protocol = started({"encoding": "pcm16"})
    event = said(protocol, message)
    assert isinstance(event, Invalid)
    assert reason in event.reason
    assert len(event.reason) < 200
    assert event.close_code is None
    assert said(protocol, media(b"ab")) == Audio(b"ab")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "websocket_id"),
        ({"websocket_id": ""}, "websocket_id"),
        ({"websocket_id": 3}, "websocket_id"),
        ({"websocket_id": "a" * 257}, "256"),
        ({"websocket_id": "a\nforged"}, "printable"),
        ({"websocket_id": "a", "replaces": None}, "replaces"),
        ({"websocket_id": "a", "audio": "pcm16"}, "object"),
        ({"websocket_id": "a", "audio": {"encoding": "mp3"}}, "pcm16, mulaw"),
        ({"websocket_id": "a", "audio": {"encoding": []}}, "pcm16, mulaw"),
        ({"websocket_id": "a", "audio": {"input_sample_rate": 7999}}, "input_sample_rate"),
        ({"websocket_id": "a", "audio": {"input_sample_rate": True}}, "input_sample_rate"),
        ({"websocket_id": "a", "audio": {"input_sample_rate": 8000.0}}, "input_sample_rate"),
        ({"websocket_id": "a", "audio": {"output_sample_rate": 44111}}, "multiple of 50"),
        ({"websocket_id": "a", "audio": {"output_sample_rate": 10**9}}, "192000"),
        ({"websocket_id": "a", "audio": {"binary": 1}}, "binary"),
        ({"websocket_id": "a", "audio": {"pause": "yes"}}, "pause"),
    ],
)
def test_a_start_that_cannot_be_used_may_be_sent_again(fields: Any, reason: str) -> None:
    protocol = BrowserMessages()
    event = said(protocol, {"event": "start", **fields})
    assert isinstance(event, Invalid) and reason in event.reason
    assert said(protocol, {"event": "start", "websocket_id": "a"}) == Start("a", framed=False)


@pytest.mark.parametrize("message", [media(b"ab"), b"ab"])
def test_audio_before_the_start_is_refused(message: Any) -> None:
    event = said(BrowserMessages(), message)
    assert isinstance(event, Invalid) and "before the start" in event.reason


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["event", "media", "payload", "audio", "websocket_id", "encoding"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(st.lists(st.text() | st.binary() | json_values.map(json.dumps), max_size=5))
def test_nothing_that_is_sent_raises(messages: list[str | bytes]) -> None:
    protocol = BrowserMessages()
    for message in messages:
        assert len(protocol.receive(message)) == 1
