"""`Reply`: what a generator gives, in order, until it is superseded."""

import asyncio
import contextvars
import threading
import time
from concurrent.futures import CancelledError

import numpy as np
import pytest

from fastrtc.core.errors import HandlerExited
from fastrtc.turns.reply import ENDED, MAX_AHEAD, Reply

PATIENCE_S = 10.0

variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")


def taken(reply: Reply) -> list:
    """All that is left of a reply, without its end."""
    outputs = []
    while (output := reply.take()) is not ENDED:
        outputs.append(output)
    return outputs


def until(condition) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def raised_by(function, *args) -> Exception | None:
    try:
        function(*args)
    except Exception as error:
        return error
    return None


async def eventually(condition) -> None:
    await asyncio.to_thread(until, condition)


def started(generator, **options) -> Reply:
    reply = Reply(generator, **options)
    reply.start()
    return reply


def started_here(generator, **options) -> Reply:
    return started(generator, loop=asyncio.get_running_loop(), **options)


class TestSync:
    def test_outputs_come_in_order(self) -> None:
        reply = started(iter(range(100)))
        assert taken(reply) == list(range(100))
        assert reply.take() is ENDED
        assert not reply.superseded

    def test_it_runs_in_one_thread_of_its_own_and_in_the_context_of_the_caller(self) -> None:
        threads = []

        def generate():
            try:
                for k in range(3):
                    threads.append(threading.current_thread())
                    yield k, variable.get()
            finally:
                threads.append(threading.current_thread())

        token = variable.set("mine")
        try:
            reply = started(generate())
        finally:
            variable.reset(token)
        assert taken(reply) == [(k, "mine") for k in range(3)]
        assert len(set(threads)) == 1
        assert threads[0] is not threading.current_thread()
        assert threads[0].daemon

    def test_one_that_gives_nothing_just_ends(self) -> None:
        assert started(iter(())).take() is ENDED

    def test_it_runs_ahead_but_not_far(self) -> None:
        given = []

        def generate():
            for k in range(10 * MAX_AHEAD):
                given.append(k)
                yield k

        reply = started(generate())
        until(lambda: len(given) >= MAX_AHEAD)
        time.sleep(0.05)
        assert len(given) == MAX_AHEAD
        reply.take()
        until(lambda: len(given) > MAX_AHEAD)
        time.sleep(0.05)
        assert len(given) == MAX_AHEAD + 1
        assert taken(reply) == list(range(1, 10 * MAX_AHEAD))

    def test_an_error_comes_once_after_the_outputs_before_it(self) -> None:
        def generate():
            yield 1
            yield 2
            raise ValueError("three")

        reply = started(generate())
        assert [reply.take(), reply.take()] == [1, 2]
        with pytest.raises(ValueError, match="three"):
            reply.take()
        assert reply.take() is ENDED

    @pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
    def test_what_is_no_exception_comes_as_one(self, error: type[BaseException]) -> None:
        def generate():
            yield 1
            raise error

        reply = started(generate())
        assert reply.take() == 1
        with pytest.raises(HandlerExited, match=f"generate raised {error.__name__}"):
            reply.take()

    def test_superseded_it_gives_nothing_and_is_closed_in_its_thread_at_its_next_yield(
        self,
    ) -> None:
        go, closed, threads = threading.Event(), threading.Event(), []

        def generate():
            try:
                threads.append(threading.current_thread())
                yield 1
                yield 2
                go.wait(PATIENCE_S)
                yield "stale"
                yield "not even made"  # pragma: no cover
            finally:
                threads.append(threading.current_thread())
                closed.set()

        reply = started(generate())
        assert reply.take() == 1
        began = time.monotonic()
        reply.supersede()
        reply.supersede()
        assert reply.superseded
        assert reply.take() is ENDED  # 2 was there
        assert time.monotonic() - began < PATIENCE_S / 2, "a blocked generator held it up"
        assert not closed.is_set()
        go.set()
        assert closed.wait(PATIENCE_S)
        assert reply.take() is ENDED
        assert threads[0] is threads[1]

    def test_superseding_ends_a_take_that_waits(self) -> None:
        go = threading.Event()

        def generate():
            go.wait(PATIENCE_S)
            yield 1

        reply = started(generate())
        timer = threading.Timer(0.05, reply.supersede)
        timer.start()
        began = time.monotonic()
        assert reply.take() is ENDED
        assert time.monotonic() - began < PATIENCE_S / 2
        go.set()
        timer.join()

    def test_superseding_frees_one_that_is_far_ahead(self) -> None:
        closed = threading.Event()

        def generate():
            try:
                while True:
                    yield 0
            finally:
                closed.set()

        reply = started(generate())
        until(lambda: len(reply._outputs) == MAX_AHEAD)
        reply.supersede()
        assert closed.wait(PATIENCE_S)

    def test_superseded_before_it_starts_it_never_runs(self) -> None:
        ran = []

        def generate():
            ran.append(1)
            yield 1

        reply = Reply(generate())
        reply.supersede()
        reply.start()
        assert reply.take() is ENDED
        until(lambda: reply._ended)
        assert not ran

    def test_an_error_after_it_was_superseded_is_nobodys(self) -> None:
        go = threading.Event()

        def generate():
            go.wait(PATIENCE_S)
            raise ValueError
            yield

        reply = started(generate())
        reply.supersede()
        go.set()
        until(lambda: reply._ended)
        assert reply.take() is ENDED


class TestAsync:
    async def test_outputs_come_in_order_from_the_loop(self) -> None:
        seen = []

        async def generate():
            for k in range(50):
                seen.append((threading.current_thread(), asyncio.get_running_loop()))
                yield k, variable.get()
                await asyncio.sleep(0)

        token = variable.set("mine")
        reply = started_here(generate())
        variable.reset(token)
        assert await asyncio.to_thread(taken, reply) == [(k, "mine") for k in range(50)]
        assert set(seen) == {(threading.current_thread(), asyncio.get_running_loop())}

    async def test_it_starts_from_another_thread(self) -> None:
        async def generate():
            yield 1

        reply = Reply(generate(), loop=asyncio.get_running_loop())
        await asyncio.to_thread(reply.start)
        assert await asyncio.to_thread(taken, reply) == [1]

    async def test_items_come_through_the_given_step(self) -> None:
        async def generate():
            yield 1
            yield 2

        async def step(generator):
            return 10 * await anext(generator)

        assert await asyncio.to_thread(taken, started_here(generate(), step=step)) == [10, 20]

    async def test_it_runs_ahead_but_not_far(self) -> None:
        given = []

        async def generate():
            for k in range(3 * MAX_AHEAD):
                given.append(k)
                yield k

        reply = started_here(generate())
        await eventually(lambda: len(given) >= MAX_AHEAD)
        await asyncio.sleep(0.05)
        assert len(given) == MAX_AHEAD
        assert await asyncio.to_thread(taken, reply) == list(range(3 * MAX_AHEAD))

    async def test_an_error_comes_after_the_outputs_before_it(self) -> None:
        async def generate():
            yield 1
            raise ValueError("two")

        reply = started_here(generate())
        assert await asyncio.to_thread(reply.take) == 1
        with pytest.raises(ValueError, match="two"):
            await asyncio.to_thread(reply.take)
        assert await asyncio.to_thread(reply.take) is ENDED

    @pytest.mark.parametrize("error", [SystemExit, asyncio.CancelledError])
    async def test_what_is_no_exception_comes_as_one(self, error: type[BaseException]) -> None:
        async def generate():
            yield 1
            raise error

        async def leave():
            raise error

        reply = started_here(generate())
        assert await asyncio.to_thread(reply.take) == 1
        with pytest.raises(HandlerExited, match=f"generate raised {error.__name__}"):
            await asyncio.to_thread(reply.take)
        for function in (leave, lambda: leave()):
            reply = Reply(loop=asyncio.get_running_loop()).bind(function)
            reply.start()
            raised = await asyncio.to_thread(raised_by, reply.take)
            assert isinstance(raised, (HandlerExited, CancelledError))

    @pytest.mark.parametrize("kind", ["sync", "async"])
    async def test_a_finally_that_ends_the_program_does_not(self, kind: str) -> None:
        async def generate_async():
            try:
                while True:
                    yield 1
            finally:
                raise SystemExit

        def generate():
            try:
                while True:
                    yield 1
            finally:
                raise SystemExit

        reply = started_here(generate() if kind == "sync" else generate_async())
        await eventually(lambda: len(reply._outputs) == MAX_AHEAD)
        reply.supersede()
        await eventually(lambda: reply._ended)

    async def test_superseding_ends_a_wait_for_something_of_the_loop(self) -> None:
        ended = []

        async def wait():
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(True)

        reply = Reply(loop=asyncio.get_running_loop())
        waiting = asyncio.ensure_future(asyncio.to_thread(raised_by, reply.wait_for, wait))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        reply.supersede()
        assert isinstance(await waiting, CancelledError)
        await eventually(lambda: ended)
        raised = await asyncio.to_thread(raised_by, reply.wait_for, wait)
        assert isinstance(raised, CancelledError)

    async def test_superseded_it_is_cancelled_and_its_finally_runs_to_its_end(self) -> None:
        ended = []

        async def generate():
            try:
                yield 1
                yield 2
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                ended.append("cancelled")
                raise
            finally:
                await asyncio.sleep(0.05)
                ended.append("cleaned up")

        reply = started_here(generate())
        assert await asyncio.to_thread(reply.take) == 1
        await asyncio.sleep(0.02)
        reply.supersede()
        assert await asyncio.to_thread(reply.take) is ENDED
        await asyncio.sleep(0.01)
        reply.supersede()  # does not cancel the cleaning up
        await eventually(lambda: reply._ended)
        assert ended == ["cancelled", "cleaned up"]

    async def test_superseded_while_it_is_far_ahead_it_is_closed(self) -> None:
        closed = []

        async def generate():
            try:
                while True:
                    yield 0
            finally:
                closed.append(True)

        reply = started_here(generate())
        await eventually(lambda: len(reply._outputs) == MAX_AHEAD)
        reply.supersede()
        await eventually(lambda: closed)
        assert await asyncio.to_thread(reply.take) is ENDED

    async def test_superseded_before_it_starts_it_never_runs(self) -> None:
        ran = []

        async def generate():
            ran.append(1)
            yield 1

        reply = Reply(generate(), loop=asyncio.get_running_loop())
        reply.supersede()
        reply.start()
        assert await asyncio.to_thread(reply.take) is ENDED
        await asyncio.sleep(0.02)
        assert not ran

    async def test_a_failing_finally_is_nobodys_once_it_is_superseded(self) -> None:
        async def generate():
            try:
                yield 1
                await asyncio.Event().wait()
            finally:
                raise ValueError

        reply = started_here(generate())
        assert await asyncio.to_thread(reply.take) == 1
        reply.supersede()
        await eventually(lambda: reply._ended)
        assert await asyncio.to_thread(reply.take) is ENDED

    def test_superseding_is_harmless_when_the_loop_is_gone(self) -> None:
        async def generate():
            yield 1

        async def main() -> Reply:
            reply = started_here(generate())
            assert await asyncio.to_thread(taken, reply) == [1]
            return reply

        reply = asyncio.run(main())
        reply.supersede()
        assert reply.take() is ENDED


class TestOf:
    @pytest.mark.parametrize("given", [["a", "b"], ("a", "b"), iter(["a", "b"]), None])
    def test_a_function_may_return_anything_that_can_be_gone_through(self, given) -> None:
        reply = Reply().bind(lambda factor: given, (1,))
        reply.start()
        assert taken(reply) == ([] if given is None else ["a", "b"])

    def test_the_function_is_called_in_the_thread_of_the_reply(self) -> None:
        threads = []

        def function():
            threads.append(threading.current_thread())
            return [1]

        reply = Reply().bind(function)
        assert threads == []
        reply.start()
        assert taken(reply) == [1]
        assert threads[0] is not threading.current_thread()

    async def test_a_coroutine_may_give_an_iterator_or_an_async_one(self) -> None:
        async def items():
            yield 1

        async def sync():
            return [1]

        async def not_sync():
            return items()

        for function in (items, sync, not_sync, lambda: sync(), lambda: items()):
            reply = Reply(loop=asyncio.get_running_loop()).bind(function)
            reply.start()
            assert await asyncio.to_thread(taken, reply) == [1]

    def test_an_async_function_needs_a_loop(self) -> None:
        async def items():
            yield 1

        with pytest.raises(RuntimeError, match="no event loop"):
            Reply().bind(items)
        behind_a_lambda = Reply().bind(lambda: items())
        behind_a_lambda.start()
        with pytest.raises(RuntimeError, match="no event loop"):
            behind_a_lambda.take()


AUDIO = (24000, np.zeros(480, np.int16))


def returns_audio():
    return AUDIO


def returns_samples():
    return AUDIO[1]


def returns_bytes():
    return b"\0\0"


def returns_after_yielding():
    yield AUDIO
    return AUDIO


@pytest.mark.parametrize("function", [returns_audio, returns_samples, returns_bytes])
def test_a_return_in_place_of_a_yield_is_told(function) -> None:
    reply = Reply().bind(function)
    reply.start()
    with pytest.raises(TypeError, match=f'{function.__name__} must "yield" its outputs'):
        reply.take()


def test_a_return_at_the_end_of_a_generator_is_told_after_its_outputs() -> None:
    reply = Reply().bind(returns_after_yielding)
    reply.start()
    assert reply.take() is AUDIO
    with pytest.raises(TypeError, match='"yield" its outputs, not "return"'):
        reply.take()


async def test_a_return_of_a_coroutine_is_told() -> None:
    async def returns():
        return AUDIO

    reply = Reply(loop=asyncio.get_running_loop()).bind(returns)
    reply.start()
    with pytest.raises(TypeError, match='returns must "yield" its outputs'):
        await asyncio.to_thread(reply.take)


def test_an_iterator_may_be_returned() -> None:
    reply = Reply().bind(lambda: [AUDIO, AUDIO])
    reply.start()
    assert [reply.take(), reply.take(), reply.take()] == [AUDIO, AUDIO, ENDED]
