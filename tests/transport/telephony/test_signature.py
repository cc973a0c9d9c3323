"""`X-Twilio-Signature`, held against the example in Twilio's documents."""

import time

import pytest
from starlette.datastructures import QueryParams
from twilio.request_validator import RequestValidator

from fastrtc.transport.telephony.signature import is_signed

# twilio.com/docs/usage/security, "Validating signatures from Twilio"
TOKEN = "12345"
POSTED_URL = "https://example.com/myapp.php?foo=1&bar=2"
POSTED = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675310",
    "Digits": "1234",
    "From": "+14158675310",
    "To": "+18005551212",
}
SIGNATURE = "L/OH5YylLD5NRKLltdqwSvS0BnU="


def test_the_documented_example_is_signed():
    assert is_signed(TOKEN, [POSTED_URL], POSTED, SIGNATURE)
    assert is_signed(TOKEN, ["http://example.com/", POSTED_URL], POSTED, SIGNATURE)


@pytest.mark.parametrize(
    ("token", "url", "posted", "signature"),
    [
        ("54321", POSTED_URL, POSTED, SIGNATURE),
        (TOKEN, "https://example.com/other", POSTED, SIGNATURE),
        (TOKEN, POSTED_URL, POSTED | {"From": "+1900"}, SIGNATURE),
        (TOKEN, POSTED_URL, {}, SIGNATURE),
        (TOKEN, POSTED_URL, POSTED, ""),
        (TOKEN, POSTED_URL, POSTED, "ä"),
        (TOKEN, POSTED_URL, POSTED, None),
    ],
)
def test_anything_else_is_not(token: str, url: str, posted: dict, signature: str | None):
    assert not is_signed(token, [url], posted, signature)


def test_a_name_that_is_posted_twice_is_signed_with_both_values():
    posted = QueryParams([("a", "2"), ("b", "3"), ("a", "1")])
    flat = {"a": "1", "a2": "", "b": "3"}  # written one after the other it is the same
    url = "https://example.com/"
    signature = RequestValidator(TOKEN).compute_signature(url, flat)
    assert is_signed(TOKEN, [url], posted, signature)


def test_a_form_of_ten_thousand_names_takes_no_seconds():
    posted = QueryParams([(f"{k:x}", "1") for k in range(10_000)])
    before = time.thread_time()
    assert not is_signed(TOKEN, [POSTED_URL, "http://example.com/"], posted, SIGNATURE)
    assert time.thread_time() - before < 1.0  # it takes 0.03 s; it took 7 s
