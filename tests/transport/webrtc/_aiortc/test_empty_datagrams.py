"""What of a peer's datagrams reaches aiortc."""

from __future__ import annotations

from fastrtc.transport.webrtc._aiortc.empty_datagrams import PATCH, drop_empty_datagrams
from fastrtc.transport.webrtc._aiortc.transports import ice_connections
from tests.support.patches import new_connection, without


async def test_empty_ones_are_dropped() -> None:
    pc = await new_connection()
    drop_empty_datagrams(pc)
    connections = ice_connections(pc)
    assert connections
    for connection in connections:
        for data, component in ((b"", 1), (b"\x80", 1), (b"", 1), (None, None)):
            connection.data_received(data, component)
        queue = connection._queue
        assert [queue.get_nowait() for _ in range(queue.qsize())] == [(b"\x80", 1), (None, None)]
    await pc.close()


async def test_without_the_patch_nothing_is_changed() -> None:
    pc = await new_connection()
    with without(PATCH):
        drop_empty_datagrams(pc)
    assert all("data_received" not in vars(each) for each in ice_connections(pc))
    await pc.close()
