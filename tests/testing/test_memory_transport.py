"""Calls over memory whose network is lost, and whose session is resumed, in virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from fastrtc import AsyncStreamHandler, Context, Stream, wait_for_item
from fastrtc.testing import Call, CallFailed
from tests.support.steps import stepped, steps_in

RATE, STEPS = 24_000, 40


class Counter(AsyncStreamHandler):
    """Says 4 s of steps, whose frequency tells the time."""

    def __init__(self) -> None:
        super().__init__(output_sample_rate=RATE)
        self.audio: asyncio.Queue[Any] = asyncio.Queue()

    def copy(self) -> Counter:
        return Counter()

    async def start_up(self) -> None:
        self.audio.put_nowait((RATE, stepped(RATE, STEPS)[np.newaxis]))

    async def receive(self, frame: Any) -> None: ...

    async def emit(self) -> Any:
        return await wait_for_item(self.audio)


def made(**options: Any) -> Stream:
    return Stream(Counter(), modality="audio", mode="send-receive", verbose=False, **options)


async def test_a_lost_network_pauses_the_reply() -> None:
    returned: list[Context] = []
    async with Call(made(resume_within_s=10, on_reconnect=returned.append), resume=True) as call:
        await call.wait(1.0)
        await call.lose_network(5.0)
        await call.wait(4.5)

        heard = call._caller.heard
        assert steps_in(48_000, heard.samples) == list(range(STEPS))
        assert not heard.samples[round(1.5 * 48_000) : round(5.9 * 48_000)].any()
        assert len(returned) == 1


async def test_a_network_that_is_away_too_long_ends_the_call() -> None:
    async with Call(made(resume_within_s=2), resume=True) as call:
        await call.wait(0.5)
        with pytest.raises(CallFailed, match="did not return within 2 s"):
            await call.lose_network(5.0)


@pytest.mark.parametrize(("within_s", "asks"), [(30, False), (0, True)])
async def test_a_session_that_cannot_be_resumed(within_s: float, asks: bool) -> None:
    async with Call(made(resume_within_s=within_s), resume=asks) as call:
        with pytest.raises(CallFailed, match="resume=True"):
            await call.lose_network(1.0)
