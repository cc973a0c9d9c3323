"""Bodies of requests to `/api/offer`."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastrtc.protocols.rtvi.offers import (
    Candidates,
    InvalidRequest,
    Offer,
    read_candidates,
    read_offer,
)

CANDIDATE = "candidate:1 1 udp 2122260223 192.0.2.1 5000 typ host"


def body(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def test_offers() -> None:
    assert read_offer(body(sdp="v=0", type="offer", pc_id=None)) == Offer("v=0")
    given = body(
        sdp="v=0", type="offer", pc_id="rtvi-a", restart_pc=True, requestData={"plan": "pro"}
    )
    assert read_offer(given) == Offer("v=0", "rtvi-a", True, {"plan": "pro"})
    assert read_offer(body(sdp="v=0", request_data={"a": 1})).metadata == {"a": 1}


def test_candidates() -> None:
    one = {"candidate": CANDIDATE, "sdp_mid": "0", "sdp_mline_index": 0}
    found = read_candidates(body(pc_id="rtvi-a", candidates=[one, {"candidate": ""}]))
    assert found.pc_id == "rtvi-a"
    first, end = found.candidates
    assert first.candidate is not None and first.candidate.sdpMid == "0"
    assert first.candidate.ip == "192.0.2.1" and end.candidate is None


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "sdp"),
        ({"sdp": 7}, "sdp"),
        ({"sdp": "v=0", "type": "answer"}, "offer"),
        ({"sdp": "v=0", "restart_pc": "yes"}, "restart_pc"),
        ({"sdp": "v=0", "pc_id": ""}, "pc_id"),
        ({"sdp": "v=0", "pc_id": "a\nb"}, "pc_id"),
        ({"sdp": "v=0", "requestData": [1]}, "requestData"),
        ({"sdp": "v=0", "requestData": {"a": "x" * 20_000}}, "requestData"),
    ],
)
def test_malformed_offers(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        read_offer(body(**fields))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"candidates": []}, "pc_id"),
        ({"pc_id": "a"}, "candidates"),
        ({"pc_id": "a", "candidates": [1]}, "object"),
        ({"pc_id": "a", "candidates": [{"candidate": "x"}]}, "Malformed candidate"),
        ({"pc_id": "a", "candidates": [{"candidate": CANDIDATE, "sdp_mid": 7}]}, "sdpMid"),
        ({"pc_id": "a", "candidates": [{}] * 129}, "candidates"),
    ],
)
def test_malformed_candidates(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        read_candidates(body(**fields))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(st.text(max_size=8), values),
    max_leaves=12,
)
NAMES = ["sdp", "type", "pc_id", "restart_pc", "candidates", "requestData"]
BODIES = st.dictionaries(st.sampled_from(NAMES), JSON).map(json.dumps).map(str.encode)


@given(BODIES | st.binary(max_size=60))
def test_any_body_is_read_or_refused(data: bytes) -> None:
    for read, kind in ((read_offer, Offer), (read_candidates, Candidates)):
        try:
            assert isinstance(read(data), kind)
        except InvalidRequest as error:
            assert str(error)
