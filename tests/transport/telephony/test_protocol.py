"""Phone messages of any kind: which provider they are of, and those that are of none."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastrtc.core.context import Call
from fastrtc.core.errors import SessionRefused
from fastrtc.transport.socket.events import Audio, Invalid, Start
from fastrtc.transport.telephony.protocol import PhoneProtocol
from fastrtc.transport.telephony.provider import Message, Provider

TWILIO = {"event": "start", "streamSid": "MZ1"}
TELNYX = {
    "event": "start",
    "stream_id": "32DE",
    "start": {"media_format": {"encoding": "PCMU", "sample_rate": 8000}},
}
PLIVO = {
    "event": "start",
    "start": {
        "streamId": "8765",
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000},
    },
}


def read(protocol: PhoneProtocol, message: object) -> list:
    return protocol.receive(json.dumps(message))


@pytest.mark.parametrize(
    ("message", "name"), [(TWILIO, "twilio"), (TELNYX, "telnyx"), (PLIVO, "plivo")]
)
def test_the_start_says_which_provider_it_is(message: dict, name: str):
    (start,) = read(PhoneProtocol(), message)

    assert start.call.provider == name


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("hello", "must be JSON"),
        ("[" * 100_000, "must be JSON"),
        (b"\x00\x01", "not binary"),
        ("[]", "must be a JSON object"),
        ("{}", "no string 'event'"),
        ('{"event": 7}', "no string 'event'"),
        ('{"event": "start"}', "the 'start' of none of twilio, telnyx, plivo"),
        ('{"event": "start", "start": []}', "'start' is not an object"),
        ('{"event": "start", "streamSid": ""}', "no string 'streamSid'"),
        ('{"event": "start", "streamSid": {}}', "no string 'streamSid'"),
        ('{"event": "start", "streamSid": "a\\nb"}', "the id of the stream is unusable"),
        (json.dumps({"event": "start", "streamSid": "x" * 257}), "the id of the stream is unu"),
        ('{"event": "start", "stream_id": "x"}', "no object 'start'"),
        ('{"event": "media", "media": {"payload": ""}}', "'media' before 'start'"),
    ],
)
def test_what_is_no_call_is_told_so(message: str | bytes, reason: str):
    (invalid,) = PhoneProtocol().receive(message)

    assert isinstance(invalid, Invalid)
    assert reason in invalid.reason


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (TWILIO, "has started already"),
        ({"event": "dance"}, "unknown event 'dance'"),
        ({"event": "media"}, "no object 'media'"),
        ({"event": "media", "media": {}}, "media has no payload"),
        ({"event": "media", "media": {"payload": "%%%"}}, "the payload is not base64"),
        ({"event": "media", "media": {"payload": "ä"}}, "the payload is not base64"),
        ({"event": "dtmf", "dtmf": {"digit": "12"}}, "there is no key '12'"),
        ({"event": "dtmf", "dtmf": 1}, "no object 'dtmf'"),
        ({"event": "mark"}, "no object 'mark'"),
    ],
)
def test_a_call_survives_a_message_that_cannot_be_read(message: dict, reason: str):
    protocol = PhoneProtocol()
    read(protocol, TWILIO)

    (invalid,) = read(protocol, message)

    assert invalid.close_code is None
    assert reason in invalid.reason
    assert read(protocol, {"event": "media", "media": {"payload": "fw=="}}) == [Audio(b"\x7f")]


def test_a_phone_has_no_screen():
    protocol = PhoneProtocol()
    assert protocol.message('{"type": "log"}') is None
    read(protocol, TWILIO)

    assert protocol.started(Start("MZ1")) is None
    assert protocol.message('{"type": "error", "data": "log"}') is None
    assert protocol.pong() is None


def test_a_provider_of_the_programs_own_fits_in():
    class Exotel(Provider):
        name = "exotel"

        @classmethod
        def recognises(cls, start: Message) -> bool:
            return "stream_sid" in start

        def begin(self, start: Message) -> Start:
            return Start(start["stream_sid"], "pcm16", 8000, 8000, call=Call(self.name))

        def audio(self, payload: bytes) -> str:
            return "media"

        def clear(self) -> str:
            return "clear"

        def mark(self, name: str) -> str:
            return name

    protocol = PhoneProtocol([Exotel])
    (start,) = read(protocol, {"event": "start", "stream_sid": "s1"})

    assert (start.id, start.encoding, start.call.provider) == ("s1", "pcm16", "exotel")
    assert [protocol.audio(b""), protocol.clear(), protocol.mark("m")] == ["media", "clear", "m"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
WORDS = st.sampled_from(
    "event start media dtmf mark stop connected error playedStream payload streamSid stream_id "
    "streamId media_format mediaFormat encoding sampleRate sample_rate digit track name "
    "customParameters custom_parameters extra_headers".split()
)
NEARLY = st.dictionaries(
    WORDS,
    st.dictionaries(WORDS, JSON | WORDS, max_size=6) | JSON | WORDS,
    max_size=6,
)
EVENTS = st.sampled_from([TWILIO, TELNYX, PLIVO]) | NEARLY
MESSAGES = EVENTS.map(json.dumps) | st.text(max_size=30) | st.binary(max_size=30)


@settings(max_examples=300)
@given(st.lists(MESSAGES, max_size=8))
def test_no_sequence_of_messages_raises(messages: list[str | bytes]):
    protocol = PhoneProtocol()
    starts = 0
    for message in messages:
        for event in protocol.receive(message):
            starts += isinstance(event, Start)
    assert starts <= 1
    if starts:
        assert json.loads(protocol.audio(b"\x00\x00"))["event"] in ("media", "playAudio")


@pytest.mark.parametrize(("start", "passed"), [(TWILIO, True), (TELNYX, False), (PLIVO, False)])
@pytest.mark.parametrize(
    "text",
    [
        '{"type": "log", "data": "pause_detected"}',
        '{"type": "stopword", "data": ""}',
        '{"type": "mine", "data": "error"}',
        '{"type": ["error"]}',
        '["error"]',
        "what the handler sends",
    ],
)
def test_twilio_gets_messages_as_from_fastrtc(start, passed, text):
    protocol = PhoneProtocol()
    read(protocol, start)
    assert protocol.message(text) == (text if passed else None)


@pytest.mark.parametrize(
    "kind", ["send_input", "fetch_output", "error", "warning", "end_stream", "interrupted"]
)
def test_twilio_gets_nothing_that_fastrtc_does_not_send(kind):
    protocol = PhoneProtocol()
    read(protocol, TWILIO)
    assert protocol.message(json.dumps({"type": kind, "data": "log"})) is None


def test_twilio_gets_no_refusal():
    protocol = PhoneProtocol()
    read(protocol, TWILIO)
    assert protocol.message(json.dumps(SessionRefused("unauthorized").answer)) is None
