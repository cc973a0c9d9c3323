from __future__ import annotations

import asyncio
import types
from typing import Any

import pytest

from fastrtc.transport.webrtc._aiortc.messages import PATCH, flush_messages
from tests.support.patches import without
from tests.support.virtual_time import virtual_time


def fake(**attributes: Any) -> Any:
    return types.SimpleNamespace(**attributes)


def now() -> float:
    return asyncio.get_running_loop().time()


@virtual_time
async def test_messages_are_waited_for_until_they_are_sent():
    sctp = fake(_data_channel_queue=[1], _outbound_queue=[], _sent_queue=[])
    asyncio.get_running_loop().call_later(0.2, sctp._data_channel_queue.clear)
    sctp._sent_queue.append(1)
    asyncio.get_running_loop().call_later(0.3, sctp._sent_queue.clear)
    began = now()
    await flush_messages(fake(sctp=sctp, connectionState="connected"), 5)
    assert now() - began == pytest.approx(0.3, abs=0.02)


@virtual_time
async def test_messages_are_not_waited_for_without_end():
    pc = fake(sctp=fake(_outbound_queue=[1]), connectionState="connected")
    began = now()
    await flush_messages(pc, 0.5)
    assert now() - began == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    "pc",
    [
        fake(sctp=None, connectionState="connected"),
        fake(sctp=fake(_outbound_queue=[1]), connectionState="failed"),
    ],
    ids=["no data channel", "not connected"],
)
@virtual_time
async def test_where_nothing_can_be_sent_nobody_waits(pc):
    began = now()
    await flush_messages(pc, 0.5)
    assert now() == began


@virtual_time
async def test_without_the_names_nobody_waits():
    pc = fake(sctp=fake(_outbound_queue=[1]), connectionState="connected")
    began = now()
    with without(PATCH):
        await flush_messages(pc, 0.5)
    assert now() == began
