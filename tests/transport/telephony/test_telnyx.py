"""Telnyx media streaming, by the messages of its documents."""

import base64
import json
import logging

import pytest

from fastrtc.core.log_throttle import LogThrottle
from fastrtc.transport.socket.events import Audio, Dtmf, Invalid, Mark, Stop
from fastrtc.transport.telephony import telnyx
from fastrtc.transport.telephony.protocol import PhoneProtocol

STREAM = "32DE0DEA-53CB-4B21-89A4-9E1819C043BC"


def start(**media_format: object) -> dict:
    return {
        "event": "start",
        "sequence_number": "1",
        "stream_id": STREAM,
        "start": {
            "user_id": "3E6F995F-85F7-4705-9741-53B116D28237",
            "call_control_id": "v2:T02llQxIyaRkhfRKxgAP8nY511EhFLizdvdUKJiSw8d6A9BborherQ",
            "call_session_id": "ff55a038-6f5d-11ef-9692-02420aeffb1f",
            "from": "+13122010094",
            "to": "+13122123456",
            "tags": ["TAG1"],
            "client_state": "aGF2ZSBhIG5pY2UgZGF5ID1d",
            "custom_parameters": {"customer_id": "customer_123"},
            "media_format": {"encoding": "PCMU", "sample_rate": 8000, "channels": 1} | media_format,
        },
    }


def read(protocol: PhoneProtocol, message: object) -> list:
    return protocol.receive(json.dumps(message))


@pytest.fixture
def protocol() -> PhoneProtocol:
    protocol = PhoneProtocol()
    assert read(protocol, {"event": "connected", "version": "1.0.0"}) == []
    assert len(read(protocol, start())) == 1
    return protocol


@pytest.mark.parametrize(("codec", "encoding"), [("PCMU", "mulaw"), ("PCMA", "alaw")])
def test_the_start_tells_of_the_call(codec: str, encoding: str):
    (begun,) = read(PhoneProtocol(), start(encoding=codec))

    assert begun.id == STREAM
    assert (begun.encoding, begun.input_rate, begun.output_rate) == (encoding, 8000, 8000)
    call = begun.call
    assert call.provider == "telnyx"
    assert call.id.startswith("v2:T02ll")
    assert (call.from_number, call.to_number) == ("+13122010094", "+13122123456")
    assert call.parameters == {"customer_id": "customer_123"}


def test_what_the_caller_says_presses_and_hears(protocol: PhoneProtocol):
    media = {"track": "inbound", "chunk": "2", "timestamp": "5", "payload": "/38="}

    assert read(protocol, {"event": "media", "stream_id": STREAM, "media": media}) == [
        Audio(b"\xff\x7f")
    ]
    assert read(protocol, {"event": "media", "media": media | {"track": "outbound"}}) == []
    dtmf = {"event": "dtmf", "occurred_at": "2024-01-15", "dtmf": {"digit": "1"}}
    assert read(protocol, dtmf) == [Dtmf("1")]
    assert read(protocol, {"event": "mark", "mark": {"name": "m"}}) == [Mark("m")]
    stop = {"event": "stop", "stream_id": STREAM, "stop": {"call_control_id": "v2:x"}}
    assert read(protocol, stop) == [Stop()]


def chunk(number: int | None, payload: bytes) -> dict:
    media = {"track": "inbound", "payload": base64.b64encode(payload).decode()}
    if number is not None:
        media["chunk"] = str(number)
    return {"event": "media", "stream_id": STREAM, "media": media}


@pytest.mark.parametrize(
    ("numbers", "heard"),
    [
        ([2, 3, 4, 5], [[2], [3], [4], [5]]),
        ([2, 4, 3, 5], [[2], [3, 4], [5]]),
        ([2, 5, 4, 3, 6], [[2], [3, 4, 5], [6]]),
        ([2, 2, 3, 3, 2, 4], [[2], [3], [4]]),
        ([2, 4, 5, 6, 7, 8], [[2], [4, 5, 6, 7], [8]]),  # 3 is lost: only so many wait
        ([2, 4, 5, 6, 7, 3, 8], [[2], [4, 5, 6, 7], [8]]),  # or too late
        ([65535, 65537, 65536, 65538], [[65535], [65536, 65537], [65538]]),
        ([2, 3, 900, 901], [[2], [3], [900], [901]]),  # begun anew
        ([None, 2, None, 3], [[None], [2], [None], [3]]),
    ],
    ids=str,
)
def test_audio_is_put_in_order(protocol: PhoneProtocol, numbers: list, heard: list):
    def payload(number: int | None) -> bytes:
        return f"<{number}>".encode()

    events = [event for one in numbers for event in read(protocol, chunk(one, payload(one)))]

    assert events == [Audio(b"".join(map(payload, one))) for one in heard]


@pytest.mark.parametrize("number", ["", "x", "-1", "\u0663", "9" * 5000, 2.5, None, [], {}])
def test_a_number_that_is_none_is_no_order(protocol: PhoneProtocol, number: object):
    message = chunk(1, b"ab")
    message["media"]["chunk"] = number

    assert read(protocol, message) == read(protocol, message) == [Audio(b"ab")]


def test_what_telnyx_is_sent(protocol: PhoneProtocol):
    sent = (protocol.audio(b"\xff\x7f"), protocol.clear(), protocol.mark("m1"))

    assert [json.loads(text) for text in sent] == [
        {"event": "media", "media": {"payload": "/38="}},
        {"event": "clear"},
        {"event": "mark", "mark": {"name": "m1"}},
    ]


def test_errors_that_telnyx_reports_are_logged(
    protocol: PhoneProtocol, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(telnyx, "_reports", LogThrottle())  # another test may have had it report
    payload = {"code": 100002, "title": "unknown_error", "detail": "x" * 10_000}

    with caplog.at_level(logging.WARNING):
        assert read(protocol, {"event": "error", "stream_id": STREAM, "payload": payload}) == []

    assert "unknown_error" in caplog.text
    assert len(caplog.text) < 1000


@pytest.mark.parametrize("codec", ["OPUS", "G722", None])
def test_a_codec_that_is_not_taken_ends_the_call(codec: str | None):
    (invalid,) = read(PhoneProtocol(), start(encoding=codec))

    assert isinstance(invalid, Invalid)
    assert invalid.close_code == 1003
    assert "set it to one of PCMU, PCMA" in invalid.reason
