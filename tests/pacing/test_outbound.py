from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest

from fastrtc.core.errors import HandlerError, HandlerExited, HandlerKeepsFailing
from fastrtc.core.outputs import AdditionalOutputs, CloseStream
from fastrtc.handlers.invoke import Invoker
from fastrtc.pacing.outbound import AudioOutbound
from fastrtc.pacing.playout import Playout, PlayoutFrame, PlayoutOptions
from tests.pacing.recorded import Recorded
from tests.support.peers import eventually
from tests.support.virtual_time import virtual_time

SECOND = (48000, np.ones(48000, np.int16))
FRAME = (48000, np.ones(960, np.int16))


@pytest.fixture(params=[False, True], ids=["by the sender", "where it is due"], autouse=True)
def at_once(request, monkeypatch):
    """Send frames that are due as their audio is queued in the task that queues it, or not."""
    monkeypatch.setattr(Line, "at_once", request.param)


class Line:
    """An outbound, a sender that takes its frames, and what both gave."""

    at_once = False

    def __init__(self, playout: Playout | None) -> None:
        self.delivered: list[AdditionalOutputs] = []
        self.delivered_at: list[float] = []
        self.frames: list[tuple[float, PlayoutFrame]] = []
        self.failures = Recorded()
        self.invoker = Invoker("test", contextvars.copy_context())
        self.out = AudioOutbound(self.invoker, self._deliver, playout, self.failures)
        self.began = asyncio.get_running_loop().time()
        if self.at_once:
            self.out.on_frame = self._send

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time() - self.began

    def _deliver(self, outputs: AdditionalOutputs) -> None:
        self.delivered.append(outputs)
        self.delivered_at.append(self.now)

    async def send(self) -> None:
        while True:
            await self._send(await self.out.frame())

    async def _send(self, frame: PlayoutFrame) -> None:
        self.frames.append((self.now, frame))

    @property
    def sent_s(self) -> float:
        """How much was sent, in seconds."""
        return sum(frame.samples.shape[-1] for _, frame in self.frames) / 48000

    @property
    def loud(self) -> int:
        """How many frames with sound were sent."""
        return sum(frame.samples.any() for _, frame in self.frames)


@asynccontextmanager
async def line(playout: Playout | None = None, *, sent: bool = True) -> AsyncIterator[Line]:
    made = Line((playout or Playout()) if sent else None)
    sender = asyncio.create_task(made.send()) if sent else None
    try:
        yield made
    finally:
        made.invoker.close()
        if sender is not None:
            sender.cancel()
            await asyncio.wait([sender])


async def cancelled(task: asyncio.Task) -> None:
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled(), task.exception()


def script(*outputs):
    """An emit that gives these, and then None for ever."""
    items = iter(outputs)

    async def emit():
        return next(items, None)

    return emit


@virtual_time
async def test_an_async_emit_that_gives_nothing_is_asked_50_times_a_second():
    calls = 0

    async def emit():
        nonlocal calls
        calls += 1

    async with line() as made:
        running = asyncio.create_task(made.out.run_emit(emit))
        await asyncio.sleep(10)
        await cancelled(running)
    assert 490 <= calls <= 501
    assert made.frames == []


async def test_a_sync_emit_that_gives_nothing_is_asked_50_times_a_second():
    calls: list[float] = []
    began = time.monotonic()

    async with line() as made:
        running = asyncio.create_task(
            made.out.run_emit(lambda: calls.append(time.monotonic()))  # real threads, real time
        )
        await eventually(lambda: len(calls) >= 25)
        await cancelled(running)
    assert len(calls) <= 50 * (time.monotonic() - began) + 1


async def test_a_sync_emit_is_at_most_one_output_ahead():
    calls = 0

    def emit():
        nonlocal calls
        calls += 1
        return SECOND

    async with line(Playout(options=PlayoutOptions(limit_s=2))) as made:
        running = asyncio.create_task(made.out.run_emit(emit))
        # Three are queued, one waits to be, and one was asked for meanwhile.
        await eventually(lambda: calls >= 5)
        await asyncio.sleep(0.05)
        assert calls <= 5 + made.sent_s
        await cancelled(running)
    asked = calls
    await asyncio.sleep(0.05)
    assert calls == asked


async def test_a_sync_emit_is_not_asked_again_after_a_close_stream():
    outputs = iter([FRAME, CloseStream("over")])

    async with line(Playout(options=PlayoutOptions(tail_s=0.02))) as made:
        assert await made.out.run_emit(lambda: next(outputs)) == "over"


async def test_what_a_sync_emit_raises_comes_after_what_it_gave():
    outputs = iter([AdditionalOutputs(1), AdditionalOutputs(2)])

    def emit():
        try:
            return next(outputs)
        except StopIteration:
            raise SystemExit("no more") from None

    async with line() as made:
        with pytest.raises(HandlerExited, match="emit raised SystemExit: no more"):
            await made.out.run_emit(emit)
        assert [given.args for given in made.delivered] == [(1,), (2,)]


def failing(*outputs):
    """An emit that gives these, or raises them, and then ends the stream."""
    items = iter(outputs)

    def emit():
        output = next(items, CloseStream("over"))
        if isinstance(output, Exception):
            raise output
        return output

    async def emit_async():
        return emit()

    return {"sync": emit, "async": emit_async}


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_an_exception_of_emit_costs_its_output(kind):
    emit = failing(AdditionalOutputs(1), OSError("a"), OSError("b"), AdditionalOutputs(2), None)
    async with line() as made:
        assert await asyncio.wait_for(made.out.run_emit(emit[kind]), 5) == "over"
        assert made.failures.texts == ["a", "b"]
        assert [given.args for given in made.delivered] == [(1,), (2,)]


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_an_output_that_cannot_be_sent_costs_itself(kind):
    emit = failing("text", AdditionalOutputs(1), (24000, object()), FRAME)
    async with line(Playout(options=PlayoutOptions(tail_s=0.02))) as made:
        assert await asyncio.wait_for(made.out.run_emit(emit[kind]), 5) == "over"
        assert [type(error) for error in made.failures.errors] == [HandlerError] * 2
        assert len(made.delivered) == 1
        assert made.loud > 0


@pytest.mark.parametrize("output", [OSError("user's mistake"), "text"], ids=["raises", "unfit"])
@virtual_time
async def test_an_emit_that_only_fails_is_asked_50_times_a_second_and_ends_after_5_s(output):
    calls = 0

    async def emit():
        nonlocal calls
        calls += 1
        if isinstance(output, Exception):
            raise output
        return output

    async with line() as made:
        with pytest.raises(HandlerKeepsFailing, match=r"in 5 s without a success"):
            await made.out.run_emit(emit)
        assert made.now == pytest.approx(5, abs=0.1)
        assert 200 <= calls <= 255


async def test_a_sync_emit_that_fails_at_once_is_asked_50_times_a_second():
    calls, began = 0, time.monotonic()

    def emit():
        nonlocal calls
        calls += 1
        raise OSError("user's mistake")

    async with line() as made:
        running = asyncio.create_task(made.out.run_emit(emit))
        await eventually(lambda: calls >= 25)
        await cancelled(running)
    assert calls <= 50 * (time.monotonic() - began) + 2


@virtual_time
async def test_one_success_in_5_s_is_enough():
    calls = 0

    async def emit():
        nonlocal calls
        calls += 1
        if calls % 100:
            raise OSError("user's mistake")

    async with line() as made:
        running = asyncio.create_task(made.out.run_emit(emit))
        await asyncio.sleep(60)
        await cancelled(running)


@virtual_time
async def test_audio_that_is_not_due_wakes_nobody():
    polls: list[float] = []

    class Counted(Playout):
        def poll(self, now: float) -> PlayoutFrame | float | None:
            polls.append(now)
            return super().poll(now)

    async with line(Counted()) as made:
        for _ in range(50):
            await made.out.take(FRAME)
            await asyncio.sleep(0.005)
        await asyncio.sleep(1)
        assert made.loud == 50
        assert len(polls) <= 2 * 60 + 2  # a frame and when the next is due, for 50 and the silence


@virtual_time
async def test_a_handler_that_is_fed_a_little_early_is_asked_then():
    asked: list[float] = []

    async with line() as made:

        async def emit():
            asked.append(made.now)

        running = asyncio.create_task(made.out.run_emit(emit))
        await asyncio.sleep(0.0185)
        made.out.fed()
        await asyncio.sleep(0.0001)
        assert asked == pytest.approx([0, 0.0185])
        for _ in range(500):  # 50 calls a second on average all the same
            await asyncio.sleep(0.0185)
            made.out.fed()
        await cancelled(running)
    assert len(asked) <= made.now * 50 + 2


@virtual_time
async def test_an_emit_that_waits_itself_is_asked_again_at_once():
    calls: list[float] = []

    async with line() as made:

        async def emit():
            await asyncio.sleep(0.03)
            calls.append(made.now)

        running = asyncio.create_task(made.out.run_emit(emit))
        await asyncio.sleep(1.0)
        await cancelled(running)
    assert np.diff(calls) == pytest.approx(0.03)


@virtual_time
async def test_audio_leaves_in_real_time_while_it_is_made_faster():
    async with line() as made:
        running = asyncio.create_task(made.out.run_emit(script(*[SECOND] * 10)))
        await asyncio.sleep(1)
        assert made.out.playout.queued_s > 8.9
        await asyncio.sleep(10)
        await cancelled(running)
    assert made.loud == 500
    assert made.frames[499][0] - made.frames[0][0] == pytest.approx(499 * 0.02)


@virtual_time
async def test_the_first_frame_leaves_at_once():
    async with line() as made:
        await asyncio.sleep(7)
        await made.out.take(FRAME)
        await asyncio.sleep(0.001)
        assert [at for at, _ in made.frames] == pytest.approx([7])


@virtual_time
async def test_what_is_queued_is_bounded_and_emit_waits():
    calls = 0

    async def emit():
        nonlocal calls
        calls += 1
        return SECOND

    options = PlayoutOptions(limit_s=5)
    async with line(Playout(options=options)) as made:
        running = asyncio.create_task(made.out.run_emit(emit))
        await asyncio.sleep(60)
        assert made.out.playout.queued_s <= 7  # with the one that waits
        await cancelled(running)
    assert calls == pytest.approx(60 + 6, abs=2)


@virtual_time
async def test_what_waits_for_room_counts_as_queued():
    options = PlayoutOptions(limit_s=5)
    async with line(Playout(options=options)) as made:
        for _ in range(6):
            await made.out.take(SECOND)
        waiting = asyncio.create_task(made.out.take((48000, np.ones(96000, np.int16))))
        await asyncio.sleep(0.1)
        assert made.out.playout.queued_s == pytest.approx(5.9 + 2, abs=0.05)
        await waiting
        assert made.out.playout.queued_s == pytest.approx(5 + 2, abs=0.05)


async def test_what_a_sync_emit_is_ahead_counts_as_queued():
    given = 0

    def emit():
        nonlocal given
        given += 1
        return SECOND

    async with line(Playout(options=PlayoutOptions(limit_s=2))) as made:
        running = asyncio.create_task(made.out.run_emit(emit))
        await eventually(lambda: made.sent_s > 0.1)
        assert given - made.out.playout.queued_s == pytest.approx(made.sent_s, abs=0.03)
        await cancelled(running)


@virtual_time
async def test_clear_drops_what_waits_for_room():
    options = PlayoutOptions(limit_s=5)
    async with line(Playout(options=options)) as made:
        for _ in range(6):
            await made.out.take(SECOND)
        waiting = asyncio.create_task(made.out.take(SECOND))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        made.out.clear()
        await asyncio.sleep(0.001)
        assert waiting.done()
        assert made.out.playout.queued_s == 0
        await waiting
        await made.out.take(FRAME)
        await asyncio.sleep(1)
        assert made.loud == 6 + 1


@virtual_time
async def test_clear_stops_the_sound_at_once():
    async with line() as made:
        await made.out.take(SECOND)
        await asyncio.sleep(0.11)
        made.out.clear()
        await asyncio.sleep(10)
        assert made.loud == 6
        assert len(made.frames) == 16  # the silence after it


@virtual_time
async def test_outputs_are_delivered_at_once():
    async with line() as made:
        outputs = [AdditionalOutputs(k) for k in range(3)]
        running = asyncio.create_task(
            made.out.run_emit(
                script(SECOND, SECOND, outputs[0], (SECOND, outputs[1]), (None, outputs[2]))
            )
        )
        await asyncio.sleep(0.5)
        assert made.delivered == outputs
        assert max(made.delivered_at) <= 0.01
        await asyncio.sleep(5)
        await cancelled(running)
        assert made.loud == 150


@virtual_time
async def test_close_waits_until_all_is_played():
    async with line() as made:
        reason = await made.out.run_emit(script(SECOND, SECOND, CloseStream("Goodbye")))
        assert reason == "Goodbye"
        assert made.loud == 100
        assert made.now == pytest.approx(2.2, abs=0.03)  # and the silence after it


@virtual_time
async def test_what_an_async_emit_gives_after_a_clear_is_sent():
    async with line() as made:
        made.out.will_clear()  # somebody interrupted, some time ago
        emitting = made.out.run_emit(script(SECOND, CloseStream("Goodbye")), stale=True)
        assert await asyncio.wait_for(emitting, 10) == "Goodbye"
        assert made.loud == 50


@virtual_time
async def test_a_pause_delays_the_rest_and_the_end_of_playback():
    async with line() as made:
        played: list[float] = []
        made.out.on_played = lambda: played.append(made.now)
        emitting = asyncio.create_task(made.out.run_emit(script(SECOND, CloseStream("Goodbye"))))
        await asyncio.sleep(0.505)
        made.out.pause()
        await asyncio.sleep(10)
        assert made.loud == 26 and not played and not emitting.done()
        made.out.resume()
        assert await emitting == "Goodbye"
        assert made.loud == 50 and played == [pytest.approx(11.2, abs=0.05)]


@virtual_time
async def test_a_pause_holds_the_producer_back_when_the_queue_is_full():
    given = 0

    async def emit():
        nonlocal given
        given += 1
        return SECOND

    async with line() as made:
        made.out.pause()
        emitting = asyncio.create_task(made.out.run_emit(emit))
        await asyncio.sleep(100)
        assert 60 <= given <= 63
        made.out.clear()
        await asyncio.sleep(1)
        assert made.loud >= 49
        await cancelled(emitting)


@virtual_time
async def test_a_task_that_ends_in_a_pause_does_not_wait_for_its_end():
    async with line() as made:
        made.out.pause()
        emitting = asyncio.create_task(made.out.run_emit(script(SECOND, CloseStream())))
        await asyncio.sleep(1)
        await cancelled(emitting)


@virtual_time
async def test_the_volume_is_lowered_for_a_while():
    async with line() as made:
        loud = (48000, np.full(48000, 10_000, np.int16))
        emitting = asyncio.create_task(made.out.run_emit(script(loud, CloseStream())))
        await asyncio.sleep(0.2)
        made.out.duck(20.0)
        await asyncio.sleep(0.2)
        made.out.duck(None)
        await emitting
        levels = [int(np.abs(frame.samples).max()) for _, frame in made.frames]
        assert levels.count(1000) in range(8, 11)


@virtual_time
async def test_a_client_that_receives_nothing_cannot_be_paused():
    async with line(sent=False) as made:
        made.out.pause()
        made.out.duck(20.0)
        made.out.resume()
        assert await made.out.run_emit(script(SECOND, CloseStream("Goodbye"))) == "Goodbye"


@virtual_time
async def test_close_with_the_last_words():
    async with line() as made:
        reason = await made.out.run_emit(script((SECOND, CloseStream())))
        assert reason == "Stream closed"
        assert made.loud == 50


@virtual_time
async def test_close_with_nothing_to_be_played():
    async with line() as made:
        assert await made.out.run_emit(script(CloseStream("x"))) == "x"
        assert made.now < 0.1
        assert made.frames == []


@virtual_time
async def test_close_after_clear_does_not_hang():
    async with line() as made:
        await made.out.take(SECOND)
        closing = asyncio.create_task(made.out.take(CloseStream("x")))
        await asyncio.sleep(0.5)
        made.out.clear()
        assert await closing == "x"
        assert made.now < 1


@pytest.mark.parametrize(
    ("output", "what"),
    [
        ("audio", "not str"),
        (b"audio", "not bytes"),
        (24000, "not int"),
        (np.zeros(960), "not ndarray"),
        ((24000,), "not a tuple of 1"),
        ((24000, np.zeros(960), "mono", 1), "not a tuple of 4"),
        ([24000], "not a list of 1"),
        ([24000, np.zeros(960), "mono", 1], "not a list of 4"),
        ((AdditionalOutputs(1), SECOND), "sample rate"),
        ((np.zeros(960), 24000), "sample rate"),
        ((24000.5, np.zeros(960)), "sample rate"),
        ((24000, None), "not NoneType"),
        ((24000, b"abc"), "even number of bytes, not 3"),
        ((24000, np.zeros((3, 5, 960))), "This is not audio"),
        ((24000, np.zeros(960), "quadro"), "layout"),
        ((24000, AdditionalOutputs(1)), "not int"),
    ],
    ids=lambda value: str(value)[:20] if isinstance(value, str) else type(value).__name__,
)
@pytest.mark.parametrize("sent", [True, False], ids=["sent", "dropped"])
@virtual_time
async def test_what_is_no_output_is_refused(output, what, sent):
    async with line(sent=sent) as made:
        with pytest.raises(HandlerError, match=what):
            await made.out.take(output)
        assert made.frames == []


@pytest.mark.parametrize(
    "output",
    [
        list(FRAME),
        [*FRAME, "mono"],
        (48000.0, FRAME[1]),
        [np.float64(48000), FRAME[1].tolist()],
        (48000, FRAME[1].tobytes()),
        [FRAME, AdditionalOutputs(1)],
        [list(FRAME), AdditionalOutputs(1)],
    ],
    ids=["list", "layout", "float", "lists", "bytes", "pair", "pair of lists"],
)
@virtual_time
async def test_other_forms_of_outputs_are_played(output):
    async with line() as made:
        await made.out.run_emit(script(output, CloseStream("end")))
        assert made.loud == 1
        assert len(made.delivered) == (len(output) == 2 and isinstance(output[0], tuple | list))


@pytest.mark.parametrize(
    "samples", [[], [[]], (), b"", bytearray(), np.zeros((1, 0), np.int16)], ids=repr
)
@virtual_time
async def test_an_emit_that_gives_no_samples_is_asked_50_times_a_second(samples):
    calls = 0

    async def emit():
        nonlocal calls
        calls += 1
        return (24000, samples) if calls % 2 else [24000, samples]

    async with line() as made:
        running = asyncio.create_task(made.out.run_emit(emit))
        await asyncio.sleep(2)
        await cancelled(running)
    assert 90 <= calls <= 101
    assert made.frames == []


@virtual_time
async def test_without_a_listener_outputs_still_come_and_close_closes():
    async with line(sent=False) as made:
        outputs = AdditionalOutputs("transcript")
        reason = await made.out.run_emit(script(SECOND, (SECOND, outputs), CloseStream("end")))
        assert reason == "end"
        assert made.delivered == [outputs]
        assert made.now < 0.1
        made.out.clear()


@virtual_time
async def test_without_a_listener_an_emit_that_always_has_audio_is_paced():
    calls = 0

    async def emit():
        nonlocal calls
        calls += 1
        return FRAME

    async with line(sent=False) as made:
        running = asyncio.create_task(made.out.run_emit(emit))
        await asyncio.sleep(60)
        before = calls
        assert before <= 6010  # a minute, and the minute that would have been queued
        await asyncio.sleep(10)
        assert calls - before == pytest.approx(500, abs=5)
        await cancelled(running)


@virtual_time
async def test_without_a_listener_outputs_do_not_wait_for_a_long_chunk():
    five_minutes = (100, np.ones(30_000, np.int16))
    async with line(sent=False) as made:
        for outputs in (AdditionalOutputs("first turn"), AdditionalOutputs("second turn")):
            await made.out.take(five_minutes)
            await made.out.take(outputs)
        assert len(made.delivered) == 2
        assert made.now < 0.1


@virtual_time
async def test_without_a_listener_clear_lets_a_producer_go_on():
    async with line(sent=False) as made:
        made.out.clear()
        for _ in range(61):
            await made.out.take(SECOND)
        waiting = asyncio.create_task(made.out.take(SECOND))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        made.out.clear()
        for _ in range(59):
            await made.out.take(SECOND)
        await waiting
        assert made.now < 0.2


@virtual_time
async def test_an_emit_that_never_waits_does_not_hold_the_loop():
    async def emit():
        return AdditionalOutputs()

    async with line() as made:
        running = asyncio.create_task(made.out.run_emit(emit))
        for _ in range(100):
            await asyncio.sleep(0)
        assert 50 <= len(made.delivered) <= 101
        await cancelled(running)


# --- generators ----------------------------------------------------------------------------------


@virtual_time
async def test_a_generator_is_played_to_its_end():
    outputs = AdditionalOutputs(1)

    async def generator():
        yield SECOND
        yield None
        yield SECOND
        yield outputs

    async with line() as made:
        assert await made.out.run_generator(generator()) == "Stream ended"
        assert made.loud == 100
        assert made.delivered == [outputs]
        assert made.delivered_at[0] < 0.05
        assert made.now == pytest.approx(2.2, abs=0.05)


@virtual_time
async def test_a_generator_may_close_the_stream_before_its_end():
    closed = []

    async def generator():
        try:
            yield (SECOND, CloseStream("enough"))
            yield SECOND
        finally:
            closed.append(True)

    async with line() as made:
        assert await made.out.run_generator(generator()) == "enough"
        assert made.loud == 50
        assert closed == [True]


@virtual_time
async def test_a_generator_of_nothing_but_none_holds_nobody_up():
    asked = 0

    async def generator():
        nonlocal asked
        while True:
            asked += 1
            yield None

    async with line() as made:
        running = asyncio.create_task(made.out.run_generator(generator()))
        await asyncio.sleep(10)
        await cancelled(running)
    assert 490 <= asked <= 502


@virtual_time
async def test_a_generator_that_fails_is_closed_and_its_error_comes_out():
    async def generator():
        yield FRAME
        raise ZeroDivisionError("user's mistake")

    async with line() as made:
        with pytest.raises(ZeroDivisionError):
            await made.out.run_generator(generator())


@virtual_time
async def test_an_output_of_a_generator_that_cannot_be_sent_costs_itself():
    async def generator():
        yield "text"
        yield FRAME

    async with line() as made:
        assert await made.out.run_generator(generator()) == "Stream ended"
        assert len(made.failures.errors) == 1
        assert made.loud > 0


@virtual_time
async def test_a_generator_that_is_cancelled_is_closed():
    closed = []

    async def generator():
        try:
            while True:
                yield FRAME
                await asyncio.sleep(1)
        finally:
            closed.append(True)

    async with line() as made:
        running = asyncio.create_task(made.out.run_generator(generator()))
        await asyncio.sleep(3.5)
        await cancelled(running)
    assert closed == [True]


async def test_a_sync_generator():
    def generator():
        yield (48000, np.ones(1920, np.int16))
        yield (24000, np.ones(480, np.float32))

    playout = Playout(options=PlayoutOptions(grace_s=0, tail_s=0.02))
    async with line(playout) as made:
        reason = await made.out.run_generator(made.invoker.iterate("generator", generator))
        assert reason == "Stream ended"
        assert made.loud >= 3


async def test_the_sound_that_is_sent_is_what_was_given():
    async with line(Playout(options=PlayoutOptions(tail_s=0.02))) as made:
        samples = np.arange(1, 2881, dtype=np.int16)
        await made.out.run_emit(
            script((48000, samples[:1000]), (48000, samples[1000:]), CloseStream())
        )
        heard = np.concatenate([frame.samples for _, frame in made.frames], axis=1)[0]
        assert heard[heard != 0].tolist() == samples.tolist()


@virtual_time
async def test_audio_that_is_due_is_sent_by_who_queues_it():
    async with line(Playout(options=PlayoutOptions(lead_s=0.05, tail_s=0.0))) as it:
        await asyncio.sleep(0)  # the sender waits
        assert await it.out.accept(SECOND) is None
        assert len(it.frames) == (3 if it.at_once else 0)
        await asyncio.sleep(0)
        await it.out.played()
        assert it.sent_s == 1
        assert [frame.pts for _, frame in it.frames] == list(range(0, 48000, 960))
        early = [0.02 * k - at for k, (at, _) in enumerate(it.frames)]
        assert max(early) <= 0.05 + 1e-3
        assert min(early[3:]) >= 0.05 - 1e-3


@virtual_time
async def test_audio_is_left_to_the_sender_where_nobody_waits_for_it():
    async with line(sent=False) as it:
        it.out.playout = Playout()
        await it.out.accept(FRAME)
        assert not it.frames
        assert it.out.playout.has_audio
