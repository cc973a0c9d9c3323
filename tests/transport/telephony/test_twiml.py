"""What Twilio is told to do with a call."""

import sys
import xml.etree.ElementTree as ET

import pytest

from fastrtc.core.errors import FastRTCError
from fastrtc.transport.telephony.twiml import PhoneExtraMissing, connect_call, end_call

URL = "wss://example.com:8443/a&b/telephone/handler"


def test_a_call_is_greeted_connected_and_taken_leave_of():
    response = ET.fromstring(connect_call(URL, {"from": "+15550100", "to": 'a"b<c>'}))

    assert [verb.tag for verb in response] == ["Say", "Connect", "Say"]
    (stream,) = response[1]
    assert stream.tag == "Stream"
    assert stream.attrib == {"url": URL}
    assert [(p.tag, p.get("name"), p.get("value")) for p in stream] == [
        ("Parameter", "from", "+15550100"),
        ("Parameter", "to", 'a"b<c>'),
    ]


def test_a_call_that_is_not_taken_hears_why_and_ends():
    response = ET.fromstring(end_call("All lines are busy."))

    assert [verb.tag for verb in response] == ["Say", "Hangup"]
    assert response[0].text == "All lines are busy."


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "twilio.twiml.voice_response", None)

    for write in (lambda: connect_call(URL, {}), lambda: end_call("bye")):
        with pytest.raises(PhoneExtraMissing, match=r'pip install "fastrtc\[phone\]"') as error:
            write()
        assert isinstance(error.value, FastRTCError | ImportError)
