"""Plivo audio streaming, by the messages of its documents."""

import json

import pytest

from fastrtc.transport.socket.events import Audio, Dtmf, Invalid, Mark, Stop
from fastrtc.transport.telephony.protocol import PhoneProtocol

STREAM = "87654321-4321-4321-4321-cba987654321"


def start(encoding: object = "audio/x-mulaw", rate: object = 8000, headers: object = "") -> dict:
    return {
        "event": "start",
        "sequenceNumber": 1,
        "start": {
            "callId": "12345678-1234-1234-1234-123456789abc",
            "streamId": STREAM,
            "accountId": "MAXXXXXXXXXXXXXXXXXX",
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": encoding, "sampleRate": rate},
        },
        "extra_headers": headers,
    }


def read(protocol: PhoneProtocol, message: object) -> list:
    return protocol.receive(json.dumps(message))


@pytest.fixture
def protocol() -> PhoneProtocol:
    protocol = PhoneProtocol()
    assert len(read(protocol, start())) == 1
    return protocol


@pytest.mark.parametrize(
    ("headers", "parameters"),
    [
        ("userId=12345;sessionId=abc-xyz", {"userId": "12345", "sessionId": "abc-xyz"}),
        ("test1=12,test2=123", {"test1": "12", "test2": "123"}),
        ("", {}),
        ("{}", {}),
        (None, {}),
    ],
)
def test_the_start_tells_of_the_call(headers: object, parameters: dict):
    (begun,) = read(PhoneProtocol(), start(headers=headers))

    assert begun.id == STREAM
    assert (begun.encoding, begun.input_rate, begun.output_rate) == ("mulaw", 8000, 8000)
    assert begun.call.provider == "plivo"
    assert begun.call.id == "12345678-1234-1234-1234-123456789abc"
    assert begun.call.parameters == parameters


def test_the_numbers_come_in_extra_headers():
    (begun,) = read(PhoneProtocol(), start(headers="from=15550100;to=15550199"))

    assert (begun.call.from_number, begun.call.to_number) == ("15550100", "15550199")


def test_what_the_caller_says_presses_and_hears(protocol: PhoneProtocol):
    media = {"track": "inbound", "timestamp": "1705312200000", "chunk": 41, "payload": "/38="}

    assert read(protocol, {"event": "media", "streamId": STREAM, "media": media}) == [
        Audio(b"\xff\x7f")
    ]
    dtmf = {"event": "dtmf", "streamId": STREAM, "dtmf": {"track": "inbound", "digit": "*"}}
    assert read(protocol, dtmf) == [Dtmf("*")]
    assert read(protocol, {"event": "playedStream", "streamId": STREAM, "name": "m"}) == [Mark("m")]
    assert read(protocol, {"event": "clearedAudio", "streamId": STREAM}) == []
    assert read(protocol, {"event": "stop"}) == [Stop()]


def test_what_plivo_is_sent(protocol: PhoneProtocol):
    sent = (protocol.audio(b"\xff\x7f"), protocol.clear(), protocol.mark("m1"))

    assert [json.loads(text) for text in sent] == [
        {
            "event": "playAudio",
            "media": {"contentType": "audio/x-mulaw", "sampleRate": 8000, "payload": "/38="},
        },
        {"event": "clearAudio", "streamId": STREAM},
        {"event": "checkpoint", "streamId": STREAM, "name": "m1"},
    ]


@pytest.mark.parametrize("rate", [8000, 16000])
def test_its_default_of_16_bit_samples_is_taken(rate: int):
    protocol = PhoneProtocol()
    (begun,) = read(protocol, start("audio/x-l16", rate))

    assert (begun.encoding, begun.input_rate, begun.output_rate) == ("pcm16", rate, rate)
    assert json.loads(protocol.audio(b"\x00\x01"))["media"] == {
        "contentType": "audio/x-l16",
        "sampleRate": rate,
        "payload": "AAE=",
    }
    (odd,) = read(protocol, {"event": "media", "media": {"payload": "AAEC"}})
    assert odd == Invalid("16-bit audio cannot have 3 bytes")


def test_another_encoding_ends_the_call():
    (invalid,) = read(PhoneProtocol(), start("audio/opus"))

    assert isinstance(invalid, Invalid)
    assert invalid.close_code == 1003
