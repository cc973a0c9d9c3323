"""Twilio Media Streams, by the messages of its documents."""

import base64
import json
import re

import pytest

from fastrtc.core.log_throttle import LogThrottle
from fastrtc.transport.socket.events import Audio, Dtmf, Invalid, Mark, Stop
from fastrtc.transport.telephony import protocol as module
from fastrtc.transport.telephony.protocol import PhoneProtocol

SID = "MZ18ad3ab5a668481ce02b83e7395059f0"
CONNECTED = {"event": "connected", "protocol": "Call", "version": "1.0.0"}
START = {
    "event": "start",
    "sequenceNumber": "1",
    "start": {
        "accountSid": "AC00000000000000000000000000000000",
        "streamSid": SID,
        "callSid": "CA11111111111111111111111111111111",
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {"from": "+15550100", "to": "+15550199", "plan": "gold"},
    },
    "streamSid": SID,
}


def read(protocol: PhoneProtocol, message: object) -> list:
    return protocol.receive(json.dumps(message))


@pytest.fixture
def protocol() -> PhoneProtocol:
    protocol = PhoneProtocol()
    assert read(protocol, CONNECTED) == []
    (start,) = read(protocol, START)
    assert start.id == SID
    return protocol


def test_the_start_tells_of_the_call():
    (start,) = read(PhoneProtocol(), START)

    assert (start.encoding, start.input_rate, start.output_rate) == ("mulaw", 8000, 8000)
    call = start.call
    assert call.provider == "twilio"
    assert call.id == "CA11111111111111111111111111111111"
    assert (call.from_number, call.to_number) == ("+15550100", "+15550199")
    assert call.parameters["plan"] == "gold"
    assert call.start == START


@pytest.mark.parametrize("where", ["top", "inside"])
def test_a_start_needs_nothing_but_the_stream(where: str):
    bare = {"event": "start", "streamSid": SID}
    if where == "inside":
        bare = {"event": "start", "start": {"streamSid": SID}}

    (start,) = read(PhoneProtocol(), bare)

    assert start.id == SID
    assert (start.encoding, start.input_rate) == ("mulaw", 8000)
    assert (start.call.id, start.call.from_number, start.call.parameters) == (None, None, {})


def test_what_the_caller_says_presses_and_hears(protocol: PhoneProtocol):
    media = {"track": "inbound", "chunk": "1", "timestamp": "5", "payload": "AP//gA=="}

    assert read(protocol, {"event": "media", "streamSid": SID, "media": media}) == [
        Audio(b"\x00\xff\xff\x80")
    ]
    assert read(protocol, {"event": "media", "media": {"payload": "fw=="}}) == [Audio(b"\x7f")]
    dtmf = {"event": "dtmf", "streamSid": SID, "dtmf": {"track": "inbound_track", "digit": "#"}}
    assert read(protocol, dtmf) == [Dtmf("#")]
    assert read(protocol, {"event": "mark", "mark": {"name": "turn 1"}}) == [Mark("turn 1")]
    assert read(protocol, {"event": "stop", "stop": {}}) == [Stop()]


@pytest.mark.parametrize("track", ["outbound", "outbound_track"])
def test_our_own_voice_is_not_listened_to(protocol: PhoneProtocol, track: str):
    assert read(protocol, {"event": "media", "media": {"track": track, "payload": "fw=="}}) == []


def test_every_message_to_twilio_names_the_stream(protocol: PhoneProtocol):
    media, clear, mark = (
        json.loads(text)
        for text in (protocol.audio(b"\xff\x7f"), protocol.clear(), protocol.mark("m1"))
    )

    assert media == {"event": "media", "streamSid": SID, "media": {"payload": "/38="}}
    assert base64.b64decode(media["media"]["payload"]) == b"\xff\x7f"
    assert clear == {"event": "clear", "streamSid": SID}
    assert mark == {"event": "mark", "streamSid": SID, "mark": {"name": "m1"}}


@pytest.mark.parametrize(
    ("details", "reason"),
    [
        ({"mediaFormat": {"encoding": "audio/x-opus"}}, "twilio streams 'audio/x-opus'"),
        ({"mediaFormat": {"encoding": "x" * 10_000}}, "twilio streams 'xxx.{0,60};"),
        ({"mediaFormat": {"encoding": ["x"]}}, r"twilio streams \['x'\]"),
        ({"mediaFormat": {"sampleRate": "fast"}}, "no usable sample rate"),
        ({"mediaFormat": {"sampleRate": 10**9}}, "no usable sample rate"),
    ],
)
def test_audio_that_cannot_be_read_ends_the_call(
    details: dict,
    reason: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(module, "_rejections", LogThrottle())
    (invalid,) = read(PhoneProtocol(), {"event": "start", "streamSid": SID, "start": details})

    assert isinstance(invalid, Invalid)
    assert invalid.close_code == 1003
    assert re.search(reason, invalid.reason)
    assert re.search(reason, caplog.text), "providers hardly show what they are told"
    read(PhoneProtocol(), {"event": "start", "streamSid": SID, "start": details})
    assert len(caplog.records) == 1, "whoever calls again and again does not fill the log"
