"""Threads wait and read the time on the clock of their call."""

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from fastrtc.testing.virtual_clock import VirtualClock
from fastrtc.testing.virtual_threads import current_clock, on_clock, virtual_threads

ORIGINALS = (
    threading.Thread.start,
    threading.Condition.wait,
    queue.SimpleQueue,
    time.sleep,
    time.monotonic,
    time.time,
)


def settle(clock: VirtualClock) -> None:
    """Let all threads run until they wait; an executor's own may be late on a busy machine."""
    *_, real_sleep, real_monotonic, _ = ORIGINALS
    deadline = real_monotonic() + 20.0
    while not clock.scheduler.settle():
        assert real_monotonic() < deadline, "a thread waits for what the clock does not know"
        real_sleep(0.01)


def in_call(*functions: Callable[[], None]) -> float:
    """Run functions in threads of a call, jump to each timer, and return the time that passed."""
    clock = VirtualClock()
    start = clock.now
    errors: list[BaseException] = []

    def run(function: Callable[[], None]) -> None:
        try:
            function()
        except BaseException as error:
            errors.append(error)

    with virtual_threads(), on_clock(clock, is_loop=True):
        for function in functions:
            threading.Thread(target=run, args=(function,)).start()
        while clock.threads:
            settle(clock)
            if clock.threads:
                clock.now = clock.next_timer()
                assert clock.now < 1e9, "the threads wait for each other"
                clock.wake_due()
    assert not errors, errors
    return clock.now - start


def test_the_originals_come_back() -> None:
    with virtual_threads():
        assert time.sleep is not ORIGINALS[3]
        with virtual_threads():
            pass
        assert time.sleep is not ORIGINALS[3]
    assert ORIGINALS == (
        threading.Thread.start,
        threading.Condition.wait,
        queue.SimpleQueue,
        time.sleep,
        time.monotonic,
        time.time,
    )


def test_other_threads_keep_real_time() -> None:
    with virtual_threads():
        began = ORIGINALS[4]()
        time.sleep(0.03)
        assert ORIGINALS[4]() - began >= 0.03
        assert abs(time.monotonic() - ORIGINALS[4]()) < 5
        assert not threading.Event().wait(0.01)
        assert current_clock() is None
        items: queue.SimpleQueue[int] = queue.SimpleQueue()
        items.put(1)
        assert items.get() == 1
        with pytest.raises(queue.Empty):
            items.get(timeout=0.01)
        thread = threading.Thread(target=time.sleep, args=(0.01,))
        thread.start()
        thread.join()


def test_sleep_takes_virtual_time() -> None:
    def sleeps() -> None:
        clocks = [
            getattr(time, name + unit)
            for name in ("monotonic", "time", "perf_counter")
            for unit in ("", "_ns")
        ]
        before = [read() for read in clocks]
        time.sleep(100)
        for read, began in zip(clocks, before, strict=True):
            unit = 1e9 if read.__name__.endswith("_ns") else 1
            assert read() - began == pytest.approx(100 * unit), read
        time.sleep(0)

    assert in_call(sleeps) == pytest.approx(100)


def test_threads_that_sleep_at_the_same_time() -> None:
    assert in_call(lambda: time.sleep(3), lambda: time.sleep(5)) == pytest.approx(5)


@pytest.mark.parametrize("kind", ["Queue", "SimpleQueue", "LifoQueue"])
def test_queues(kind: str) -> None:
    received: list[int] = []
    made: list[queue.Queue[int]] = []
    ready = threading.Event()

    def read() -> None:
        made.append(getattr(queue, kind)())
        ready.set()
        received.extend(made[0].get() for _ in range(3))
        with pytest.raises(queue.Empty):
            made[0].get(timeout=7)
        with pytest.raises(queue.Empty):
            made[0].get_nowait()

    def write() -> None:
        ready.wait()
        for n in range(3):
            time.sleep(1)
            made[0].put(n)

    assert in_call(read, write) == pytest.approx(3 + 7)
    assert received == [0, 1, 2]


def test_two_readers_of_a_queue() -> None:
    received: list[int] = []
    made: list[queue.SimpleQueue[int]] = []

    def read() -> None:
        time.sleep(1)
        received.append(made[0].get())

    def write() -> None:
        made.append(queue.SimpleQueue())
        time.sleep(2)
        made[0].put_nowait(1)
        made[0].put(2)

    assert in_call(write, read, read) == pytest.approx(2)
    assert sorted(received) == [1, 2]


def test_conditions_and_what_is_made_of_them() -> None:
    event, future = threading.Event(), Future()  # type: ignore[var-annotated]
    condition, barrier = threading.Condition(), threading.Barrier(2)
    found: list[object] = []

    def waits() -> None:
        found.append(event.wait(2))
        found.append(event.wait())
        found.append(future.result())
        with condition:
            found.append(condition.wait_for(lambda: len(found) > 99, timeout=4))
        barrier.wait()

    def acts() -> None:
        time.sleep(10)
        event.set()
        time.sleep(1)
        future.set_result("done")
        time.sleep(20)
        barrier.wait()

    assert in_call(waits, acts) == pytest.approx(31)
    assert found == [False, True, "done", False]


def test_a_condition_that_is_not_held() -> None:
    def waits() -> None:
        with pytest.raises(RuntimeError, match="un-acquired"):
            threading.Condition().wait()

    in_call(waits)


def test_a_pool_of_threads() -> None:
    def works() -> None:
        with ThreadPoolExecutor(2) as pool:
            for wait in [pool.submit(time.sleep, 2) for _ in range(4)]:
                wait.result()

    assert in_call(works) == pytest.approx(4)


def test_a_pool_from_before_the_call_keeps_its_threads() -> None:
    with ThreadPoolExecutor(2) as pool:

        def works() -> None:
            assert [pool.submit(int, n).result() for n in range(3)] == [0, 1, 2]
            assert pool.submit(int).result(timeout=5) == 0

        assert in_call(works) < 5

    def fails() -> None:
        with pytest.raises(RuntimeError, match="after shutdown"):
            pool.submit(int)

    in_call(fails)


def test_threads_that_wake_at_the_same_time_do_so_in_order() -> None:
    woken: list[str] = []

    def sleeps() -> None:
        for _ in range(5):
            time.sleep(0.1)
            woken.append(threading.current_thread().name)

    def starts() -> None:
        for name in "abcd":
            threading.Thread(target=sleeps, name=name).start()

    assert in_call(starts) == pytest.approx(0.5)
    assert woken == [*"abcd"] * 5


def test_a_thread_is_started_once_and_joined() -> None:
    def starts() -> None:
        thread = threading.Thread(target=time.sleep, args=(10,))
        thread.start()
        with pytest.raises(RuntimeError, match="once"):
            thread.start()
        thread.join(2)
        assert thread.is_alive()
        thread.join()
        assert not thread.is_alive()
        with pytest.raises(RuntimeError, match="current"):
            threading.current_thread().join()

    assert in_call(starts) == pytest.approx(10)


def test_a_thread_that_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("fastrtc.testing.virtual_threads._real_start", fails)
    clock = VirtualClock()
    with virtual_threads(), on_clock(clock, is_loop=True):
        with pytest.raises(RuntimeError, match="new thread"):
            threading.Thread(target=time.sleep, args=(1,)).start()
    assert clock.scheduler.settle() and not clock.threads
