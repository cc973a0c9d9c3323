"""The parts of the cheap client that need no server."""

import asyncio
import base64
import json

import numpy as np
import pytest
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from benchmarks.client.lateness import Lateness, Timetable, late_share
from benchmarks.client.load import Load, RtcSession, frame, mulaw_samples, taken


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


class Echo:
    """A session whose frames come back at once, until it ends."""

    def __init__(self):
        self.lateness, self.timetable = Lateness(), Timetable()
        self.ended = False

    async def connect(self):
        pass

    def send(self):
        assert not self.ended
        self.lateness.note(0.0)

    async def close(self):
        self.ended = True


async def test_a_session_that_ended_counts_as_ended_and_its_frames_as_late():
    made = []
    load = Load(lambda: made.append(Echo()) or made[-1])
    try:
        await load.hold(2)
        assert (await load.watch(0.1, restart=True))["ended"] == 0
        made[0].ended = True
        seen = await load.watch(0.3, restart=True)
        assert seen["ended"] == 1
        assert late_share(Lateness(seen["late"]), seen["sent"]) == pytest.approx(0.5, abs=0.2)
        await load.hold(2)  # another in place of the one that ended
        assert len(made) == 3
        assert (await load.watch(0.1, restart=True))["ended"] == 0
    finally:
        await load.close()


async def test_a_session_has_ended_as_soon_as_its_socket_is_closed():
    loop = asyncio.get_running_loop()
    local = ("127.0.0.1", 0)
    transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local)
    session = RtcSession(None, [b""])
    session._transport = transport
    try:
        assert not session.ended
        transport.close()  # as aioice does when consent expires, before it reports that
        assert session.ended
    finally:
        await session.close()
