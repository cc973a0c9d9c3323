"""The records that nodes write into a directory."""

import json

import pytest

from fastrtc.core.errors import FastRTCError
from fastrtc.server.cluster.directory import (
    DirectoryUnreachable,
    FleetFull,
    Key,
    Node,
    NodeUnknown,
)

NODE = Node("n1", "unix:/tmp/n1.sock", 3, 10, True, {"/": 7, "/video": None}, {"/": 2})


def test_a_record_is_read_as_it_was_written() -> None:
    assert Node.from_json(NODE.to_json()) == NODE
    assert Node.from_json(NODE.to_json().encode()) == NODE
    assert Node.from_json(Node("n", "unix:/x").to_json()).capacity is None


def test_fields_of_newer_versions_are_ignored() -> None:
    record = {**json.loads(NODE.to_json()), "zone": "a"}
    assert Node.from_json(json.dumps(record)) == NODE


def test_a_record_of_an_older_version_has_no_open_sockets() -> None:
    record = json.loads(NODE.to_json())
    del record["starting"]
    assert Node.from_json(json.dumps(record)).starting == {}


def test_places_for_which_open_sockets_may_start_count_unless_they_are_left_out() -> None:
    free = {"/": 2, "/full": 0, "/busy": 1, "/any": None}
    node = Node("n1", "unix:/x", free=free, starting={"/": 1, "/busy": 1, "/any": 9})
    names = ("/", "/full", "/busy", "/any", "/unknown")
    assert [node.has_place(name, False) for name in names] == [True, False, True, True, False]
    assert [node.has_place(name, True) for name in names] == [True, False, False, True, False]


@pytest.mark.parametrize(
    "record",
    [
        "",
        "{",
        "[]",
        "null",
        "1",
        "{}",
        "[" * 100_000,
        b"\xff",
        *[
            json.dumps({**json.loads(NODE.to_json()), **change})
            for change in (
                {"id": 1},
                {"address": None},
                {"sessions": True},
                {"sessions": 1.5},
                {"capacity": "many"},
                {"draining": 0},
                {"free": []},
                {"free": {"/": "none"}},
                {"starting": []},
                {"starting": {"/": None}},
            )
        ],
    ],
)
def test_other_records_are_refused(record: str | bytes) -> None:
    with pytest.raises(ValueError, match="not a record of a node"):
        Node.from_json(record)


@pytest.mark.parametrize("text", ["", "x" * 257, "\ud800"])
def test_keys_are_short_unicode(text: str) -> None:
    with pytest.raises(ValueError, match="id must be a string of 1 to 256"):
        Key("/", text)
    with pytest.raises(ValueError, match="stream must be a string of 1 to 256"):
        Key(text, "a")


def test_the_name_of_a_stream_is_one_line() -> None:
    with pytest.raises(ValueError, match="line breaks"):
        Key("a\nb", "c")
    assert Key("a", "b\nc") != Key("a\\nb", "c")


def test_the_errors_are_those_of_the_package() -> None:
    for error in (DirectoryUnreachable, FleetFull, NodeUnknown):
        assert issubclass(error, FastRTCError)
