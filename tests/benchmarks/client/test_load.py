"""The parts of the cheap client that need no server."""

import base64
import json

import numpy as np
import pytest
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from benchmarks.client.load import frame, mulaw_samples, taken


@pytest.mark.parametrize("size", [0, 125, 126, 1000])
def test_a_frame_is_what_websockets_reads(size):
    payload = bytes(range(256)) * 4
    reader = StreamReader()
    reader.feed_data(frame(payload[:size]))
    with pytest.raises(StopIteration) as read:
        next(Frame.parse(reader.read_exact, mask=True))
    assert (read.value.value.opcode, read.value.value.data) == (Opcode.TEXT, payload[:size])


@pytest.mark.parametrize("size", [0, 125, 126, 70_000])
def test_frames_of_a_server_are_taken_when_they_are_whole(size):
    written = Frame(Opcode.TEXT, b"a" * size).serialize(mask=False)
    buffer = bytearray(written[:-1] if size else written[:1])
    assert taken(buffer) is None
    buffer += written[len(buffer) :] + b"\x89\x00"
    assert taken(buffer) == (1, b"a" * size)
    assert taken(buffer) == (9, b"")
    assert taken(buffer) is None
    assert not buffer


@pytest.mark.parametrize("size", [1, 2, 3, 480])
def test_samples_are_counted_without_decoding_them(size):
    payload = base64.b64encode(np.zeros(size, np.uint8)).decode()
    message = {"event": "media", "media": {"payload": payload}}
    assert mulaw_samples(json.dumps(message).encode()) == size
    compact = json.dumps(message, separators=(",", ":"))
    assert mulaw_samples(compact.encode()) == size


def test_other_messages_have_no_samples():
    assert mulaw_samples(b'{"type": "log", "data": "pause_detected"}') == 0
