"""What a client may say about resuming."""

import pytest

from fastrtc.core.resume import ResumeRequest, read_resume


@pytest.mark.parametrize(
    ("message", "request_"),
    [
        ({}, None),
        ({"resume": None}, None),
        ({"resume": False}, None),
        ({"resume": True, "received": 3}, ResumeRequest()),
        ({"resume": "abc"}, ResumeRequest("abc")),
        ({"resume": "abc", "received": 0, "heard": 7}, ResumeRequest("abc", 0, 7)),
    ],
)
def test_it_is_read(message: dict, request_: ResumeRequest | None):
    assert read_resume(message) == request_


@pytest.mark.parametrize(
    "message",
    [
        {"resume": 1},
        {"resume": ""},
        {"resume": "x" * 257},
        {"resume": ["abc"]},
        {"resume": "abc", "received": -1},
        {"resume": "abc", "received": True},
        {"resume": "abc", "heard": 1.5},
        {"resume": "abc", "heard": "1"},
    ],
)
def test_wrong_types_are_errors(message: dict):
    with pytest.raises(ValueError, match="resume|received|heard"):
        read_resume(message)
