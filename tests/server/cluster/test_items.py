"""What is left in the directory for the owner of a connection."""

import json

import pytest

from fastrtc.core.errors import InvalidCandidate
from fastrtc.server.cluster.items import candidate_item, reader_item


def test_a_candidate_keeps_the_fields_that_are_used() -> None:
    value = {"candidate": "candidate:1", "sdpMid": "0", "sdpMLineIndex": 0}
    assert json.loads(candidate_item({**value, "other": "x" * 9000})) == {"candidate": value}
    assert json.loads(candidate_item(None)) == {"candidate": None}


def test_a_candidate_that_is_too_large_is_refused() -> None:
    with pytest.raises(InvalidCandidate, match="too large"):
        candidate_item({"candidate": "x" * 5000})


def test_a_reader_is_its_node() -> None:
    assert json.loads(reader_item("n1")) == {"reader": "n1"}
