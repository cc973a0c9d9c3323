"""The clock of a call, and threads that wait on it."""

import threading
from math import inf

from fastrtc.testing.virtual_clock import VirtualClock, Waiter


def waiting(clock: VirtualClock, timeout_s: float | None = None) -> tuple[Waiter, list[bool]]:
    """A thread that waits; and what its wait returns, once it has."""
    waiter, results = Waiter(clock), []  # type: ignore[var-annotated]

    def run() -> None:
        results.append(waiter.wait(timeout_s))
        clock.scheduler.leave()

    clock.scheduler.enter()
    threading.Thread(target=run).start()
    assert clock.scheduler.settle()
    return waiter, results


def test_a_clock_without_threads_is_quiet() -> None:
    clock = VirtualClock()
    assert clock.scheduler.settle() and clock.next_timer() == inf and not clock.wake_due()


def test_a_running_thread_is_waited_for() -> None:
    clock = VirtualClock()
    clock.scheduler.enter()
    assert not clock.scheduler.settle()  # it computes for more than the grace
    threading.Timer(0.02, clock.scheduler.leave).start()
    clock.scheduler.not_busy_before_now()
    assert clock.scheduler.settle()


def test_a_thread_is_released_before_its_time() -> None:
    clock = VirtualClock()
    waiter, results = waiting(clock, 5.0)
    waiter.release()
    waiter.release()  # does nothing
    assert clock.scheduler.settle() and results == [True]
    assert clock.next_timer() == inf


def test_the_time_of_a_thread_comes() -> None:
    clock = VirtualClock()
    start = clock.now
    late, early = waiting(clock, 5.0), waiting(clock, 2.0)
    assert clock.next_timer() == start + 2.0
    assert not clock.wake_due()
    clock.now += 2.0
    assert clock.wake_due() and clock.scheduler.settle()
    assert (early[1], late[1]) == ([False], [])
    clock.now = clock.next_timer()
    assert clock.wake_due() and clock.scheduler.settle()
    assert late[1] == [False]


def test_what_was_released_before_does_not_wait() -> None:
    clock = VirtualClock()
    waiter = Waiter(clock)
    waiter.release()
    assert waiter.wait()
    assert not Waiter(clock).wait(0.0)
    assert not Waiter(clock).wait(-1.0)


def test_a_thread_without_a_limit_waits_until_it_is_released() -> None:
    clock = VirtualClock()
    waiter, results = waiting(clock)
    clock.now += 1e6
    assert not clock.wake_due() and results == []
    waiter.release()
    assert clock.scheduler.settle() and results == [True]
