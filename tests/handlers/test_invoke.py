"""The one place that runs user code: where it runs, what it sees, and how it ends."""

import asyncio
import concurrent.futures
import contextvars
import functools
import gc
import logging
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing

import numpy as np
import pytest
import pytest_asyncio

from fastrtc.core.errors import HandlerExited
from fastrtc.core.outputs import AdditionalOutputs, CloseStream
from fastrtc.handlers.invoke import Invoker, call_function, is_async

word = contextvars.ContextVar("word", default="none")


@pytest_asyncio.fixture
async def invoker() -> AsyncIterator[Invoker]:
    context = contextvars.copy_context()
    context.run(word.set, "connection's")
    invoker = Invoker("me", context)
    yield invoker
    invoker.close()


def where(*args):
    return threading.current_thread().name


async def where_async(*args):
    return where()


class SyncCallable:
    def __call__(self, *args):
        return where()

    def method(self, *args):
        return where()


class AsyncCallable:
    async def __call__(self, *args):
        return where()

    async def method(self, *args):
        return where()


def wrapped(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)

    return wrapper


SYNC = {
    "function": where,
    "partial": functools.partial(where, 1),
    "callable object": SyncCallable(),
    "bound method": SyncCallable().method,
    "lambda": lambda *args: where(*args),
}
ASYNC = {
    "function": where_async,
    "partial": functools.partial(where_async, 1),
    "partial of a partial": functools.partial(functools.partial(where_async, 1), 2),
    "callable object": AsyncCallable(),
    "partial of a callable object": functools.partial(AsyncCallable(), 1),
    "bound method": AsyncCallable().method,
}
GIVES_A_COROUTINE = {
    "lambda": lambda *args: where_async(*args),
    "decorated": wrapped(where_async),
}

each_sync = pytest.mark.parametrize("function", SYNC.values(), ids=SYNC)
each_async = pytest.mark.parametrize("function", ASYNC.values(), ids=ASYNC)
each_coroutine = pytest.mark.parametrize(
    "function", GIVES_A_COROUTINE.values(), ids=GIVES_A_COROUTINE
)


# Where it runs


@each_sync
async def test_sync_code_runs_in_a_thread_of_its_role(invoker: Invoker, function):
    assert not is_async(function)
    assert await invoker.call("receive", function) == "me:receive"


@each_async
async def test_async_code_runs_on_the_loop(invoker: Invoker, function):
    assert is_async(function)
    assert await invoker.call("receive", function) == threading.main_thread().name


@each_coroutine
async def test_a_coroutine_from_a_sync_function_runs_on_the_loop(invoker: Invoker, function):
    assert not is_async(function)
    assert await invoker.call("receive", function) == threading.main_thread().name


def test_classes_and_builtins_are_sync():
    assert not is_async(AsyncCallable)
    assert not is_async(print)


async def test_arguments_are_passed_on(invoker: Invoker):
    assert await invoker.call("receive", lambda *args: args, 1, [2]) == (1, [2])


async def test_a_role_keeps_its_thread(invoker: Invoker):
    first, second = [await invoker.call("emit", threading.get_ident) for _ in range(2)]

    assert first == second != threading.get_ident()


async def test_threads_are_daemons(invoker: Invoker):
    assert await invoker.call("emit", lambda: threading.current_thread().daemon)


async def test_roles_do_not_wait_for_each_other(invoker: Invoker):
    go_on = threading.Event()
    blocked = asyncio.create_task(invoker.call("receive", go_on.wait))

    assert await asyncio.wait_for(invoker.call("emit", where), 30) == "me:emit"

    assert not blocked.done()
    go_on.set()
    await blocked


async def test_calls_of_one_role_run_one_after_another(invoker: Invoker):
    running, most, order = 0, 0, []

    def call(number: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        order.append(number)
        time.sleep(0)
        running -= 1

    await asyncio.gather(*(invoker.call("receive", call, number) for number in range(50)))

    assert (most, order) == (1, list(range(50)))


# What it sees


async def test_sync_code_sees_the_context_of_the_connection(invoker: Invoker):
    assert word.get() == "none"
    assert await invoker.call("receive", word.get) == "connection's"


async def test_what_a_role_sets_is_seen_in_its_next_call_and_nowhere_else(invoker: Invoker):
    await invoker.call("receive", word.set, "mine")

    assert await invoker.call("receive", word.get) == "mine"
    assert await invoker.call("emit", word.get) == "connection's"


# Exceptions


@pytest.mark.parametrize("error", [ValueError("broken"), StopAsyncIteration("odd"), KeyError(1)])
async def test_exceptions_reach_the_one_who_called(invoker: Invoker, error: Exception):
    def fail() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        await invoker.call("receive", fail)

    assert caught.value is error
    assert "fail" in [entry.name for entry in caught.traceback]
    assert await invoker.call("receive", where) == "me:receive", "the thread goes on"


async def test_an_async_exception_reaches_the_one_who_called(invoker: Invoker):
    async def fail() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await invoker.call("receive", fail)


async def test_stop_iteration_becomes_a_runtime_error_as_in_a_coroutine(invoker: Invoker):
    def emit():
        return next(iter([]))

    async def emit_async():
        return next(iter([]))

    with pytest.raises(RuntimeError, match=r"emit raised StopIteration") as caught:
        await invoker.call("emit", emit)
    assert isinstance(caught.value.__cause__, StopIteration)
    with pytest.raises(RuntimeError, match=r"raised StopIteration"):
        await invoker.call("emit", emit_async)


async def test_a_cancelled_error_of_the_handler_cancels_no_caller(invoker: Invoker):
    def cancel():
        raise asyncio.CancelledError

    with pytest.raises(HandlerExited, match=r"receive raised CancelledError"):
        await invoker.call("receive", cancel)


async def test_sys_exit_ends_the_call_and_not_the_loop(invoker: Invoker):
    def leave():
        sys.exit(3)

    with pytest.raises(HandlerExited, match=r"receive raised SystemExit: 3"):
        await invoker.call("receive", leave)
    assert await invoker.call("receive", where) == "me:receive"


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit])
async def test_what_async_code_raises_ends_the_call_and_not_the_loop(invoker: Invoker, error):
    async def leave():
        await asyncio.sleep(0)
        raise error("3")

    async def items():
        yield 1
        raise error("3")

    with pytest.raises(HandlerExited, match=f"emit raised {error.__name__}: 3") as caught:
        await invoker.call("emit", leave)
    assert type(caught.value.__cause__) is error
    with pytest.raises(HandlerExited, match=f"generator raised {error.__name__}: 3"):
        async for _ in invoker.iterate("generator", items):
            pass
    with pytest.raises(HandlerExited, match=f"raised {error.__name__}: 3"):  # on the loop
        await invoker.call("emit", lambda: invoker.finish(leave()))


async def test_what_a_thread_awaits_and_its_own_code_cancels_is_told_apart(invoker: Invoker):
    async def cancelled():
        raise asyncio.CancelledError

    with pytest.raises(HandlerExited):
        await invoker.call("emit", lambda: invoker.finish(cancelled()))

    invoker.stop()
    with pytest.raises(concurrent.futures.CancelledError):
        await invoker.call("emit", lambda: invoker.finish(cancelled()))


# Generators


def count(*args) -> Iterator[object]:
    yield where()
    yield from args


async def count_async(*args) -> AsyncIterator[object]:
    yield where()
    for item in args:
        yield item


class Items:
    """Iterable in its own right, and no generator."""

    def __iter__(self):
        return count(1, 2)


class OnlyNext:
    def __init__(self) -> None:
        self.left = [2, 1, "me:generator"]

    def __next__(self):
        if not self.left:
            raise StopIteration
        return self.left.pop()


async def iterator_from_a_coroutine(*args):
    return count(*args)


GENERATORS = {
    "generator function": (count, "me:generator"),
    "partial": (functools.partial(count), "me:generator"),
    "lambda": (lambda *args: count(*args), "me:generator"),
    "returns an iterator": (lambda *args: iter(list(count(*args))), "me:generator"),
    "returns an iterable": (lambda *args: Items(), "me:generator"),
    "returns what has just __next__": (lambda *args: OnlyNext(), "me:generator"),
    "coroutine of an iterator": (iterator_from_a_coroutine, "me:generator"),
    "async generator function": (count_async, "MainThread"),
    "partial of an async one": (functools.partial(count_async), "MainThread"),
    "lambda of an async one": (lambda *args: count_async(*args), "MainThread"),
}


@pytest.mark.parametrize(("function", "thread"), GENERATORS.values(), ids=GENERATORS)
async def test_generators_of_all_kinds(invoker: Invoker, function, thread: str):
    found = [item async for item in invoker.iterate("generator", function, 1, 2)]

    assert found == [thread, 1, 2]


async def test_a_generator_may_give_none_and_nothing(invoker: Invoker):
    assert [i async for i in invoker.iterate("g", lambda: iter([None, 1]))] == [None, 1]
    assert [i async for i in invoker.iterate("g", lambda: iter([]))] == []


@pytest.mark.parametrize("given", [None, 3])
async def test_what_cannot_be_gone_through_is_named(invoker: Invoker, given):
    def reply():
        return given

    with pytest.raises(TypeError, match=f"reply must be a generator.*, not {type(given).__name__}"):
        async for _ in invoker.iterate("generator", reply):
            pass


@pytest.mark.parametrize(
    "output",
    [
        (24000, np.zeros(480, np.int16)),
        [24000.0, np.zeros(480, np.int16)],
        ((24000, np.zeros(480, np.int16)), AdditionalOutputs(1)),
        AdditionalOutputs(1),
        CloseStream(),
        np.zeros((4, 4, 3), np.uint8),
        b"\0\0",
    ],
    ids=lambda output: type(output).__name__,
)
async def test_an_output_that_is_returned_and_not_yielded_is_an_error(invoker: Invoker, output):
    def reply():
        return output

    async def reply_async():
        return output

    for function in (reply, reply_async):
        with pytest.raises(TypeError, match=rf"{function.__name__} must \"yield\" its"):
            async for _ in invoker.iterate("generator", function):
                pass


async def test_an_exception_ends_a_generator(invoker: Invoker):
    def broken():
        yield 1
        raise ValueError("broken")

    async def broken_async():
        yield 1
        raise ValueError("broken")

    for function in (broken, broken_async):
        found = []
        with pytest.raises(ValueError, match="broken"):
            async for item in invoker.iterate("generator", function):
                found.append(item)
        assert found == [1]


async def test_stop_iteration_raised_in_a_generator_is_an_error(invoker: Invoker):
    def broken():
        yield 1
        next(iter([]))

    with pytest.raises(RuntimeError, match="generator raised StopIteration"):
        async for _ in invoker.iterate("generator", broken):
            pass


async def test_stop_iteration_of_a_function_that_makes_an_iterator_is_an_error(invoker: Invoker):
    def reply():
        return next(iter([]))

    with pytest.raises(RuntimeError, match="generator raised StopIteration"):
        async for _ in invoker.iterate("generator", reply):
            pass


async def test_a_generator_that_waits_is_closed_in_its_own_thread(invoker: Invoker):
    closed, thread = threading.Event(), []

    def reply():
        try:
            yield 1
            yield 2
        finally:
            thread.append(where())
            closed.set()

    async with aclosing(invoker.iterate("generator", reply)) as items:
        assert await anext(items) == 1

    assert await asyncio.to_thread(closed.wait, 30)
    assert thread == ["me:generator"]


async def test_a_generator_that_works_is_closed_at_its_next_yield(invoker: Invoker):
    trace: list[str] = []
    working, go_on, closed = (threading.Event() for _ in range(3))

    def reply():
        try:
            working.set()
            go_on.wait()
            trace.append("yields")
            yield 1
            trace.append("goes on")
        finally:
            trace.append(f"closed in {where()}")
            closed.set()

    async def read() -> None:
        async with aclosing(invoker.iterate("generator", reply)) as items:
            async for _ in items:
                trace.append("was read")

    reading = asyncio.create_task(read())
    await asyncio.to_thread(working.wait)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(reading, 30)
    assert trace == [], "the reader does not wait for the thread"

    go_on.set()

    assert await asyncio.to_thread(closed.wait, 30)
    assert trace == ["yields", "closed in me:generator"]


async def test_it_is_closed_also_when_the_connection_closes_meanwhile(invoker: Invoker):
    working, go_on, closed = (threading.Event() for _ in range(3))

    def reply():
        try:
            working.set()
            go_on.wait()
            yield 1
        finally:
            closed.set()

    reading = asyncio.create_task(anext(invoker.iterate("generator", reply)))
    await asyncio.to_thread(working.wait)
    reading.cancel()
    await asyncio.wait([reading])
    invoker.close()

    go_on.set()

    assert await asyncio.to_thread(closed.wait, 30)


async def test_an_async_generator_is_cancelled_where_it_waits(invoker: Invoker):
    trace, waiting = [], asyncio.Event()

    async def reply():
        try:
            yield 1
            waiting.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            trace.append("cancelled")
            raise
        finally:
            trace.append("closed")

    async def read() -> None:
        async with aclosing(invoker.iterate("generator", reply)) as items:
            async for _ in items:
                pass

    reading = asyncio.create_task(read())
    await waiting.wait()
    reading.cancel()
    await asyncio.wait([reading])

    assert trace == ["cancelled", "closed"]


async def test_an_async_generator_that_is_not_read_on_is_closed_at_once(invoker: Invoker):
    trace = []

    async def reply():
        try:
            yield 1
        finally:
            trace.append("closed")

    async with aclosing(invoker.iterate("generator", reply)) as items:
        await anext(items)

    assert trace == ["closed"]


async def test_a_generator_that_fails_as_it_is_closed_is_logged(
    invoker: Invoker, caplog: pytest.LogCaptureFixture
):
    def reply():
        try:
            yield 1
        finally:
            raise ValueError("broken")

    async with aclosing(invoker.iterate("generator", reply)) as items:
        await anext(items)
    await invoker.call("generator", where)  # after the close, in the same thread

    (record,) = caplog.records
    assert (record.levelno, record.getMessage()) == (
        logging.ERROR,
        "A generator failed when it was closed",
    )
    assert record.exc_info


# The end


async def test_nothing_runs_in_threads_after_the_end(invoker: Invoker):
    invoker.close()

    with pytest.raises(asyncio.CancelledError):
        await invoker.call("receive", where)
    assert invoker.closed.is_set()


async def test_a_blocked_thread_does_not_delay_the_end(invoker: Invoker):
    working, go_on, ended = (threading.Event() for _ in range(3))

    def receive() -> None:
        working.set()
        go_on.wait()
        ended.set()

    call = asyncio.create_task(invoker.call("receive", receive))
    await asyncio.to_thread(working.wait)

    invoker.close()
    call.cancel()
    await asyncio.wait([call], timeout=30)

    assert call.cancelled()
    assert not ended.is_set()
    go_on.set()
    assert await asyncio.to_thread(ended.wait, 30)


async def test_a_call_without_a_waiting_caller_is_not_begun(invoker: Invoker):
    go_on, ran = threading.Event(), []
    first = asyncio.create_task(invoker.call("receive", go_on.wait))
    second = asyncio.create_task(invoker.call("receive", ran.append, "second"))
    await asyncio.sleep(0)

    second.cancel()
    await asyncio.wait([second])
    go_on.set()
    await first
    await invoker.call("receive", where)

    assert ran == []


async def test_a_coroutine_that_comes_too_late_is_not_left_unawaited(invoker: Invoker):
    """Python would warn of it, and warnings are errors here."""
    working, go_on = threading.Event(), threading.Event()

    async def never() -> None:
        raise AssertionError("runs although it was cancelled")

    def receive():
        working.set()
        go_on.wait()
        return never()

    call = asyncio.create_task(invoker.call("receive", receive))
    await asyncio.to_thread(working.wait)
    call.cancel()
    await asyncio.wait([call])
    go_on.set()
    await invoker.call("receive", where)
    gc.collect()


async def test_a_thread_does_not_hold_on_to_what_it_was_given(invoker: Invoker):
    class Frame:
        gone = threading.Event()

        def __del__(self) -> None:
            self.gone.set()

    await invoker.call("receive", lambda frame: None, Frame())

    assert await asyncio.to_thread(Frame.gone.wait, 30)


async def test_a_thread_awaits_on_the_loop(invoker: Invoker):
    def emit() -> object:
        return invoker.finish(where_async())

    assert await invoker.call("emit", emit) == threading.main_thread().name
    assert await invoker.call("emit", lambda: invoker.finish(3)) == 3


@pytest.mark.parametrize("when", ["while it waits", "before"])
async def test_what_a_thread_awaits_ends_with_the_connection(invoker: Invoker, when: str):
    waiting, outcome = asyncio.Event(), []

    async def forever() -> None:
        waiting.set()
        await asyncio.Event().wait()

    def emit() -> None:
        try:
            invoker.finish(forever())
        except BaseException as error:
            outcome.append(type(error))

    if when == "before":
        invoker.stop()
    call = asyncio.create_task(invoker.call("emit", emit))
    if when == "while it waits":
        await waiting.wait()
        invoker.stop()

    await asyncio.wait_for(call, 30)  # and the leak fixtures see no task
    assert outcome == [concurrent.futures.CancelledError]


async def test_functions_are_posted_to_the_loop_from_any_thread(invoker: Invoker):
    posted: asyncio.Future[tuple[int, int]] = asyncio.get_running_loop().create_future()

    def post() -> None:
        invoker.post(lambda a, b: posted.set_result((a, b)), 1, 2)

    await asyncio.to_thread(post)

    assert await asyncio.wait_for(posted, 30) == (1, 2)


def test_a_thread_may_finish_when_the_loop_has_ended():
    go_on, posted, threads = threading.Event(), [], []

    async def connection() -> None:
        invoker = Invoker("me", contextvars.copy_context())
        working = threading.Event()

        def receive() -> None:
            threads.append(threading.current_thread())
            working.set()
            go_on.wait()
            invoker.post(posted.append, "late")

        call = asyncio.create_task(invoker.call("receive", receive))
        await asyncio.to_thread(working.wait)
        call.cancel()
        invoker.close()

    asyncio.run(connection())
    go_on.set()
    threads[0].join(30)

    assert not threads[0].is_alive(), "no exception, no waiting for the loop"
    assert posted == []


# Functions that belong to no connection


@each_sync
async def test_a_sync_function_of_no_connection_runs_in_a_thread_of_its_own(function):
    name = getattr(function, "__name__", "function")
    assert await call_function(function) == f"fastrtc-{name}"


@each_async
async def test_an_async_function_of_no_connection_runs_on_the_loop(function):
    assert await call_function(function) == threading.main_thread().name


@each_coroutine
async def test_so_does_a_coroutine_that_a_sync_one_returned(function):
    assert await call_function(function) == threading.main_thread().name


async def test_the_caller_says_in_which_thread_a_sync_one_runs():
    ran = []

    async def run(call):
        ran.append(call.__qualname__)
        return call()

    assert await call_function(where, run=run) == threading.main_thread().name
    await call_function(where_async, run=run)
    assert ran == ["where"]


async def test_a_function_of_no_connection_gets_arguments_and_sees_the_callers_context():
    word.set("caller's")
    assert await call_function(lambda *args: (*args, word.get()), 1) == (1, "caller's")


async def test_an_async_function_of_no_connection_may_set_variables_for_its_caller():
    async def sets():
        word.set("set by it")

    await call_function(sets)
    assert word.get() == "set by it"


@pytest.mark.parametrize("is_async", [True, False])
async def test_what_exits_in_a_function_of_no_connection_is_an_exception(is_async: bool):
    def decide():
        raise SystemExit("3")

    async def decide_async():
        decide()

    with pytest.raises(HandlerExited, match=r"decide(_async)? raised SystemExit: 3"):
        await call_function(decide_async if is_async else decide)
