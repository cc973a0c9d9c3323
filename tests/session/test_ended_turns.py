"""The turns that the end of a connection interrupts, however it ends."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypeAlias

import pytest

from fastrtc import CloseStream, ReplyOnPause, Stream, Turn, get_current_context
from fastrtc.core.close_reason import ConnectionEnd
from fastrtc.core.context import Context
from fastrtc.server.endpoint import endpoint_of
from fastrtc.testing import Call, CallFailed
from tests.support.models import StreamingEnergy
from tests.testing.programs import RATE, tone

SPEECH = (RATE, tone(0.8))


async def think(audio: Any) -> AsyncIterator[Any]:
    await asyncio.sleep(30)
    yield RATE, tone(1.0)


async def speak_and_think(audio: Any) -> AsyncIterator[Any]:
    yield RATE, tone(0.5)
    await asyncio.sleep(30)
    yield RATE, tone(1.0)


After: TypeAlias = Callable[[Stream, Call], Any]


class Program:
    """A stream, and what it has recorded of its only connection."""

    def __init__(self, fn: Any, startup_fn: Any = None, **options: Any) -> None:
        self.turns: list[Turn] = []
        self.ends: list[ConnectionEnd] = []
        handler = ReplyOnPause(fn, startup_fn, model=StreamingEnergy())
        self.stream = Stream(
            handler,
            modality="audio",
            mode="send-receive",
            server_rtc_configuration={"iceServers": []},
            on_turn=self.turns.append,
            on_disconnect=self.ended,
            **options,
        )

    def ended(self, context: Context, end: ConnectionEnd) -> None:
        self.ends.append(end)

    @property
    def turn(self) -> Turn:
        (turn,) = self.turns
        return turn

    async def run(self, after: After | None = None, over: Any = "memory", **options: Any) -> None:
        """Ask, wait for a second, do something, and hang up."""
        try:
            async with Call(self.stream, over, expect_errors=True, **options) as call:
                await call.say(SPEECH)
                await call.wait(1.5)
                if after is not None:
                    await after(self.stream, call)
        except CallFailed as error:
            assert "ended the call" in str(error)


async def wait(stream: Stream, call: Call) -> None:
    await call.wait(20.0)


async def stop_server(stream: Stream, call: Call) -> None:
    connection = next(iter(endpoint_of(stream).places))
    loop = connection.session.loop

    async def stop() -> None:
        await stream.close_sessions()

    await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(stop(), loop))


async def kick(stream: Stream, call: Call) -> None:
    next(iter(endpoint_of(stream).places)).session.user_context.close("You must leave")
    await call.wait(1.0)


async def lose_network(stream: Stream, call: Call) -> None:
    await call.lose_network(5.0)


ENDS: dict[str, tuple[After | None, dict[str, Any], dict[str, Any]]] = {
    "hang-up": (None, {}, {}),
    "time limit": (wait, {"time_limit": 6.0}, {}),
    "server stop": (stop_server, {}, {}),
    "kick": (kick, {}, {}),
    "network loss": (lose_network, {"resume_within_s": 2.0}, {"resume": True}),
}


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("fn", [think, speak_and_think])
async def test_a_reply_that_is_being_made_is_interrupted(how: str, fn: Any) -> None:
    after, options, call_options = ENDS[how]
    program = Program(fn, **options)
    await program.run(after, **call_options)
    turn, (end,) = program.turn, program.ends
    assert turn.outcome == "interrupted" and turn.error is None
    assert turn.interrupted_s is not None and turn.function_called_s is not None
    ended_s = turn.interrupted_s
    assert ended_s > turn.function_called_s + 0.5
    assert ended_s == pytest.approx(end.duration_s, abs=0.05), "at once, not after shutdown()"
    assert turn.function_ended_s == pytest.approx(ended_s, abs=0.05)
    assert turn.played_s == pytest.approx(0.5 if fn is speak_and_think else 0.0)


async def test_an_idle_caller_leaves_no_turn_open() -> None:
    """A reply that is being made is not idle; the limit ends the call after it."""

    def reply(audio: Any) -> Iterator[Any]:
        time.sleep(6.0)
        yield RATE, tone(0.5)

    program = Program(reply, idle_timeout=3.0)
    await program.run(wait)
    assert program.ends[0].code == "idle"
    assert (program.turn.outcome, program.turn.played_s) == ("completed", 0.5)


@pytest.mark.allow_threads("fastrtc-")
async def test_a_thread_that_goes_on_ends_unseen() -> None:
    goes_on = threading.Event()

    def block(audio: Any) -> Iterator[Any]:
        goes_on.wait(60)
        yield RATE, tone(1.0)

    program = Program(block)
    try:
        with pytest.raises(CallFailed, match="left something running"):
            async with Call(program.stream, expect_errors=True) as call:
                await call.say(SPEECH)
                await call.wait(1.5)
    finally:
        goes_on.set()
    turn = program.turn
    assert (turn.outcome, turn.function_ended_s) == ("interrupted", None)
    assert turn.interrupted_s == pytest.approx(program.ends[0].duration_s, abs=0.05)


@pytest.mark.parametrize("over", ["websocket", "webrtc"])
async def test_a_hang_up_over_a_network_interrupts_the_reply(over: str) -> None:
    program = Program(think)
    await program.run(over=over)
    turn, (end,) = program.turn, program.ends
    assert turn.outcome == "interrupted"
    assert turn.interrupted_s == pytest.approx(end.duration_s, abs=0.5)
    assert turn.function_ended_s is not None and turn.function_called_s is not None
    assert turn.function_ended_s > turn.function_called_s + 0.5


async def test_a_greeting_that_is_being_made_is_interrupted() -> None:
    async def greet() -> AsyncIterator[Any]:
        await asyncio.sleep(30)
        yield RATE, tone(1.0)

    program = Program(think, greet)
    async with Call(program.stream) as call:
        await call.wait(3.0)
    turn = program.turn
    assert (turn.kind, turn.outcome) == ("start_up", "interrupted")
    assert turn.interrupted_s == pytest.approx(3.0, abs=0.05)


@pytest.mark.parametrize("wait_s", [0.02, 0.3])
async def test_a_hang_up_before_the_end_of_a_turn_leaves_no_record(wait_s: float) -> None:
    """Neither at the end of speech nor in the pause after it, with an early function or without."""
    for early in (False, True):
        turns: list[Turn] = []
        handler = ReplyOnPause(think, model=StreamingEnergy(), early=early)
        stream = Stream(handler, modality="audio", mode="send-receive", on_turn=turns.append)
        async with Call(stream) as call:
            await call.say(SPEECH)
            await call.wait(wait_s)
        assert not turns


async def test_a_hang_up_while_the_function_waits_for_inputs_is_recorded() -> None:
    def reply(audio: Any, text: str) -> Iterator[Any]:
        yield RATE, tone(0.5)

    program = Program(reply)
    await program.run()
    turn = program.turn
    assert (turn.outcome, turn.function_called_s) == ("interrupted", None)
    assert turn.turn_ended_s is not None and turn.interrupted_s is not None
    assert turn.interrupted_s > turn.turn_ended_s


@pytest.mark.parametrize("together", [False, True])
async def test_a_reply_that_says_goodbye_is_complete(together: bool) -> None:
    def reply(audio: Any) -> Iterator[Any]:
        yield RATE, tone(0.3)
        if together:
            yield (RATE, tone(0.2)), CloseStream("Goodbye")
        else:
            yield RATE, tone(0.2)
            yield CloseStream("Goodbye")

    program = Program(reply)
    await program.run(wait)
    turn = program.turn
    assert (turn.outcome, turn.interrupted_s) == ("completed", None)
    assert turn.played_s == pytest.approx(0.5)


async def test_a_function_that_ends_the_call_without_audio_is_interrupted() -> None:
    def reply(audio: Any) -> Iterator[Any]:
        get_current_context().close("Enough")
        yield RATE, tone(0.5)

    program = Program(reply)
    await program.run(wait)
    assert (program.turn.outcome, program.turn.played_s) == ("interrupted", 0.0)


@pytest.mark.parametrize("audio_s", [0.0, 0.5])
async def test_a_reply_that_the_program_stops_is_interrupted(audio_s: float) -> None:
    """``reset`` does so without an interruption; what is queued is played."""

    async def reply(audio: Any) -> AsyncIterator[Any]:
        if audio_s:
            yield RATE, tone(audio_s)
        await asyncio.sleep(30)

    async def reset(stream: Stream, call: Call) -> None:
        next(iter(stream.handlers.values())).reset()
        await call.wait(1.0)

    program = Program(reply)
    await program.run(reset)
    turn, (end,) = program.turn, program.ends
    assert turn.outcome == "interrupted" and turn.interrupted_s is not None
    assert turn.interrupted_s == pytest.approx(end.duration_s - 1.0, abs=0.1)
    assert turn.played_s == audio_s
