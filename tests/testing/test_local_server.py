"""Calls to real servers at the same time: each has its own connection, tasks and failures."""

import asyncio
from typing import Any

import pytest

from fastrtc.testing import Call, CallFailed

from .test_lines import LIVE, SPEECH, Ending, answer, replying, serving


async def talk(stream: Any, over: Any, wait_s: float = 0.1) -> None:
    async with Call(stream, over) as call:
        await call.wait(wait_s)
        await call.say(SPEECH)
        await call.finish()
    (turn,) = call.turns
    assert turn.latency_s < 4


@LIVE
async def test_calls_to_one_stream(over: Any) -> None:
    """One ends after the other, and ends no other."""
    stream = replying(answer, concurrency_limit=9)
    await asyncio.gather(*(talk(stream, over, 0.1 + 0.5 * number) for number in range(4)))
    assert stream.verbose
    await talk(stream, over)


async def test_calls_to_streams_of_their_own() -> None:
    await asyncio.gather(*(talk(replying(answer), "websocket") for _ in range(4)))


class Leaking(Ending):
    """Leaves a task running."""

    def copy(self) -> "Leaking":
        return Leaking(True)

    async def start_up(self) -> None:
        self.left = asyncio.create_task(asyncio.sleep(1000), name="left")


@LIVE
async def test_only_the_call_that_leaves_a_task_fails(over: Any) -> None:
    leaks = serving(Leaking(True), concurrency_limit=9)

    async def leak(seconds: float) -> None:
        with pytest.raises(CallFailed, match="left something running") as failed:
            async with Call(leaks, over) as call:
                await call.wait(seconds)
        assert str(failed.value).count("task left") == 1

    await asyncio.gather(
        leak(0.5), leak(1.0), talk(replying(answer), over), talk(replying(answer), over)
    )


async def test_a_server_that_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYSTEM", "spaces")  # where a stream without TURN servers does not start
    with pytest.raises(CallFailed, match="did not start"):
        async with Call(replying(answer), "websocket"):
            pass


async def test_tasks_of_the_test_do_not_count() -> None:
    own = asyncio.create_task(asyncio.sleep(1000))
    await talk(replying(answer), "websocket")
    own.cancel()
