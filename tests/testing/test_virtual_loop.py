"""An event loop on a virtual clock, run from another loop."""

import asyncio
import contextvars
import queue
import socket
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import pytest_asyncio

from fastrtc.core.tasks import run_in_thread
from fastrtc.testing import CallFailed
from fastrtc.testing.virtual_loop import VirtualLoop


@pytest_asyncio.fixture
async def virtual() -> AsyncIterator[VirtualLoop]:
    loop = VirtualLoop()
    yield loop
    await loop.close()
    await loop.close()  # does nothing


async def passes(virtual: VirtualLoop, work: object) -> float:
    """Run a coroutine function, and return how much time passes."""

    async def run() -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await work()  # type: ignore[operator]
        return loop.time() - began

    return await virtual.run(run())


async def test_an_hour_takes_a_moment(virtual: VirtualLoop) -> None:
    began = time.monotonic()
    assert await passes(virtual, lambda: asyncio.sleep(3600)) == pytest.approx(3600)
    assert time.monotonic() - began < 5


async def test_the_clock_stands_still_while_nothing_is_run(virtual: VirtualLoop) -> None:
    ticks: list[float] = []

    async def ticking() -> None:
        while True:
            await asyncio.sleep(1)
            ticks.append(virtual.loop.time())

    async def begin() -> None:
        asyncio.create_task(ticking())  # noqa: RUF006, the loop ends it

    await virtual.run(begin())
    await asyncio.sleep(0.05)
    assert ticks == [] and virtual.paused
    await virtual.run(asyncio.sleep(3.5))
    assert [round(tick - 1000) for tick in ticks] == [1, 2, 3]


async def test_results_exceptions_and_context(virtual: VirtualLoop) -> None:
    variable = contextvars.ContextVar[str]("variable")
    variable.set("seen")

    async def fails() -> None:
        raise KeyError(variable.get())

    with pytest.raises(KeyError, match="seen"):
        await virtual.run(fails())


async def test_what_is_cancelled_outside_is_cancelled_inside(virtual: VirtualLoop) -> None:
    ended = threading.Event()

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    task = asyncio.create_task(virtual.run(waits()))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.wait(5)


async def test_threads_sleep_on_the_clock(virtual: VirtualLoop) -> None:
    for _ in range(20):
        took = await passes(virtual, lambda: run_in_thread(lambda: time.sleep(0.25)))
        assert took == pytest.approx(0.25)
    assert await passes(virtual, lambda: asyncio.to_thread(time.sleep, 60)) == pytest.approx(60)


async def test_a_thread_that_computes_takes_real_time(virtual: VirtualLoop) -> None:
    def computes() -> None:
        while time.thread_time() < 0.4:
            pass

    took = await passes(virtual, lambda: run_in_thread(computes))
    assert 0.3 < took < 30


async def test_a_short_computation_takes_no_time(virtual: VirtualLoop) -> None:
    for _ in range(20):
        assert await passes(virtual, lambda: run_in_thread(lambda: sum(range(10_000)))) < 1e-6


async def test_an_executor_of_the_program_is_waited_for(virtual: VirtualLoop) -> None:
    sleep = time.sleep
    with ThreadPoolExecutor(1) as real:
        real.submit(int).result()

        async def work() -> None:
            loop = asyncio.get_running_loop()
            assert await loop.run_in_executor(real, lambda: sleep(0.3) or "done") == "done"

        assert 0.1 < await passes(virtual, work) < 30


async def test_blocking_the_loop_takes_time(virtual: VirtualLoop) -> None:
    async def sleeps() -> None:
        time.sleep(2)  # noqa: ASYNC251

    assert await passes(virtual, sleeps) == pytest.approx(2)

    async def computes() -> None:
        threading_event = threading.Event()
        threading_event.wait(0.5)  # noqa: ASYNC251
        await asyncio.sleep(0)

    assert 0.1 < await passes(virtual, computes) < 30


async def test_sockets_take_real_time(virtual: VirtualLoop) -> None:
    ours, theirs = socket.socketpair()
    threading.Timer(0.2, theirs.send, (b"x",)).start()

    async def reads() -> None:
        ours.setblocking(False)
        assert await asyncio.get_running_loop().sock_recv(ours, 1) == b"x"

    with ours, theirs:
        assert 0.05 < await passes(virtual, reads) < 30


async def test_a_thread_blocked_forever_stops_nothing(virtual: VirtualLoop) -> None:
    blocked: queue.Queue[None] = queue.Queue()

    async def begin() -> None:
        threading.Thread(target=blocked.get, daemon=True).start()

    await virtual.run(begin())
    assert await passes(virtual, lambda: asyncio.sleep(1000)) == pytest.approx(1000)
    blocked.put(None)


async def test_the_loop_waits_for_a_lock_of_a_thread_that_is_ready(virtual: VirtualLoop) -> None:
    lock, holds = threading.Lock(), queue.Queue[int]()

    async def work() -> None:
        items: queue.Queue[int] = queue.Queue()

        def holds_it() -> None:
            with lock:
                holds.put(items.get())

        threading.Thread(target=holds_it).start()
        await asyncio.sleep(1)
        items.put(1)  # the thread does not run yet
        with lock:
            assert holds.get_nowait() == 1

    assert await passes(virtual, work) < 30


async def test_the_loop_computes_while_a_thread_is_ready(virtual: VirtualLoop) -> None:
    """Threads run in the same order however long a busy machine holds up the loop."""
    ran: list[int] = []

    async def work() -> None:
        threads = [threading.Thread(target=ran.append, args=(number,)) for number in range(5)]
        for thread in threads:
            thread.start()
        ends = time.thread_time() + 0.3
        while time.thread_time() < ends:
            pass
        assert ran == []
        await asyncio.sleep(1)
        assert ran == [*range(5)]

    await virtual.run(work())


class SlowlyStarted(threading.Thread):
    """A thread that gets no CPU for a while, as on a busy machine."""

    _never = threading.Event()

    def _bootstrap(self) -> None:
        self._never.wait(0.6)
        super()._bootstrap()  # type: ignore[misc]


@pytest.mark.parametrize("by", ["the loop", "a thread"])
async def test_a_thread_is_started_while_another_is_ready(virtual: VirtualLoop, by: str) -> None:
    ran: list[int] = []

    def start() -> None:
        threading.Thread(target=ran.append, args=(1,)).start()
        SlowlyStarted(target=ran.append, args=(2,)).start()
        assert ran == []

    async def work() -> None:
        if by == "the loop":
            start()
        else:
            await run_in_thread(start)
        await asyncio.sleep(1)
        assert ran == [1, 2]

    await virtual.run(work())


async def test_the_loop_asks_again_and_again_what_a_thread_has_done(virtual: VirtualLoop) -> None:
    ran = threading.Event()

    async def work() -> None:
        threading.Thread(target=ran.set).start()
        while not ran.is_set():
            pass

    await virtual.run(work())


async def test_a_result_frees_no_thread(
    virtual: VirtualLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    freed: list[None] = []
    monkeypatch.setattr(virtual.clock.scheduler, "free_ready", lambda: freed.append(None))
    for _ in range(100):
        await virtual.run(asyncio.sleep(0))
    assert freed == []


async def test_the_loop_joins_a_thread(virtual: VirtualLoop) -> None:
    async def work() -> None:
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()
        thread.join(0)

    assert await passes(virtual, work) < 0.1


async def test_a_thread_is_woken_from_outside_while_the_clock_stands_still(
    virtual: VirtualLoop,
) -> None:
    made: list[queue.Queue[int]] = []
    done = threading.Event()

    async def begin() -> None:
        made.extend((queue.Queue(), queue.Queue()))
        threading.Thread(target=lambda: made[1].put(made[0].get())).start()
        threading.Thread(target=lambda: made[1].get() and done.set()).start()

    await virtual.run(begin())
    made[0].put(1)
    assert await asyncio.to_thread(done.wait, 10)


async def test_a_closed_loop_runs_nothing() -> None:
    loop = VirtualLoop()
    await loop.close()
    with pytest.raises(RuntimeError, match="closed"):
        await loop.run(asyncio.sleep(0))


async def test_a_program_that_blocks_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastrtc.testing.virtual_loop.BLOCKED_S", 0.2)
    loop, ends = VirtualLoop(), threading.Event()

    async def blocks() -> None:
        ends.wait()  # noqa: ASYNC251

    try:
        with pytest.raises(CallFailed, match=rf"blocked the event loop for 0.2 s, at {__file__}:"):
            await loop.run(blocks())
    finally:
        ends.set()
        await loop.close()
