"""Those that wait for a commitment continue, or are cancelled."""

import asyncio
import concurrent.futures
import threading

import pytest

from fastrtc.core.commitment import Commitment, current_commitment
from fastrtc.core.context import Context


async def test_those_that_wait_continue_together():
    commitment = Commitment()
    waiting = [asyncio.create_task(commitment.committed()) for _ in range(2)]
    await asyncio.sleep(0)
    threading.Thread(target=commitment.commit).start()
    await asyncio.wait_for(asyncio.gather(*waiting), 10)
    commitment.discard()  # too late
    commitment.commit()
    await commitment.committed()
    commitment.wait_committed()


async def test_a_reply_that_is_discarded_cancels_them():
    commitment = Commitment()
    waiting = asyncio.create_task(commitment.committed())
    await asyncio.sleep(0)
    commitment.discard()
    commitment.commit()  # too late
    with pytest.raises(asyncio.CancelledError):
        await waiting
    with pytest.raises(concurrent.futures.CancelledError):
        commitment.wait_committed()


async def test_a_task_that_is_cancelled_cancels_no_other():
    commitment = Commitment()
    first, second = (asyncio.create_task(commitment.committed()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    commitment.commit()
    await asyncio.wait_for(second, 10)
    assert first.cancelled()


async def test_the_context_asks_the_running_reply():
    context = Context("id")
    await context.committed()  # not early
    context.wait_committed()
    commitment = Commitment()
    token = current_commitment.set(commitment)
    try:
        waiting = asyncio.create_task(context.committed())
        await asyncio.sleep(0)
        assert not waiting.done()
        commitment.commit()
        await waiting
        context.wait_committed()
    finally:
        current_commitment.reset(token)
