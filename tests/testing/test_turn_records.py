"""The records of turns agree with what a caller hears, over the real transports."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from fastrtc import ReplyOnPause, Stream, Turn
from fastrtc.testing import Call
from tests.support.models import StreamingEnergy
from tests.support.peers import eventually

from .programs import RATE, tone

TURNS = 3
MAX_TURNS = 10
JITTER_MS = 40
TOLERANCE_S = 0.03


def reply(audio: Any) -> Iterator[Any]:
    yield RATE, tone(0.3)


def replying(turns: list[Turn]) -> Stream:
    return Stream(
        ReplyOnPause(reply, model=StreamingEnergy()),
        modality="audio",
        mode="send-receive",
        server_rtc_configuration={"iceServers": []},
        on_turn=turns.append,
    )


@pytest.mark.parametrize(
    ("over", "heard_by"), [("webrtc", "client"), ("websocket", "client"), ("twilio", "marks")]
)
async def test_the_silence_of_a_record_is_that_of_the_caller(over: Any, heard_by: str) -> None:
    """On a busy machine many are off; `benchmarks` compares 50 on a quiet one."""
    turns: list[Turn] = []
    off_s: list[float] = []
    stream = replying(turns)
    async with Call(stream, over) as call:
        for k in range(MAX_TURNS):
            await call.say((RATE, tone(0.5 + 0.013 * k)))
            await call.finish()
            await eventually(lambda: len(turns) == len(call.turns))
            silence_s, latency_s = turns[-1].silence_s, call.turns[-1].latency_s
            off_s.append(9.0 if silence_s is None else silence_s - latency_s)
            if k + 1 >= TURNS and min(map(abs, off_s)) < TOLERANCE_S:
                break
    assert {turn.heard_by for turn in turns} == {heard_by}
    print(f"{over}: the records are off by {off_s} s")
    assert min(map(abs, off_s)) < TOLERANCE_S
    assert all(turn.parts is not None and min(turn.parts) >= 0 for turn in turns)  # type: ignore[type-var]
    types = [message["type"] for message in call.messages]
    assert "report_heard" not in types and "turn" not in types


async def test_the_network_of_a_caller_delays_the_reports_of_both_sides() -> None:
    """A round trip is 40 ms then, on average; without it, hardly more than 1 ms."""
    stream = replying([])
    async with Call(stream, "webrtc", jitter_ms=JITTER_MS, loss=0.1, seed=2) as call:
        (id,) = stream.handlers
        for _ in range(TURNS):
            await call.say((RATE, tone(0.5)))
            await call.finish()
        stats = await asyncio.to_thread(stream.stats, id)
    assert stats is not None and stats.round_trip_s is not None and stats.loss_in is not None
    assert stats.round_trip_s > JITTER_MS / 1000 / 4
    assert stats.loss_in > 0.02
