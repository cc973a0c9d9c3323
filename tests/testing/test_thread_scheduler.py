"""Threads of a call run one at a time, in order, while the loop waits for them."""

import threading
import time

from fastrtc.testing.cpu_wait import CpuWait
from fastrtc.testing.thread_scheduler import Parked, ThreadScheduler


class Threads:
    """Threads that record what they do; the test is the loop."""

    def __init__(self) -> None:
        self.scheduler = ThreadScheduler(CpuWait(lambda: []))
        self.scheduler.adopt_loop()
        self.ran: list[str] = []

    def add(self, name: str, computes_s: float = 0.0) -> threading.Thread:
        parked = Parked()

        def run() -> None:
            self.scheduler.park(parked)
            time.sleep(computes_s)
            self.ran.append(name)
            self.scheduler.end()

        with self.scheduler.lock:
            self.scheduler.add(parked)
        thread = threading.Thread(target=run)
        thread.start()
        return thread


def test_threads_run_in_the_order_in_which_they_were_woken() -> None:
    threads = Threads()
    started = [threads.add(name, 0.001) for name in "abcdefgh"]
    time.sleep(0.02)
    assert threads.ran == []
    assert threads.scheduler.settle()
    assert threads.ran == [*"abcdefgh"]
    for thread in started:
        thread.join()


def test_a_thread_that_computes_for_long_holds_up_no_other() -> None:
    threads = Threads()
    slow, quick = threads.add("slow", 3.0), threads.add("quick")
    assert not threads.scheduler.settle()
    assert threads.ran == ["quick"]
    slow.join()
    quick.join()
    assert threads.scheduler.settle() and threads.ran == ["quick", "slow"]


def test_all_that_are_ready_run_if_the_loop_is_blocked() -> None:
    threads = Threads()
    started = [threads.add(name) for name in "abc"]
    threads.scheduler.free_ready()
    for thread in started:
        thread.join()
    assert threads.scheduler.settle() and sorted(threads.ran) == [*"abc"]


def test_threads_run_freely_when_the_call_is_over() -> None:
    threads = Threads()
    before = threads.add("before")
    threads.scheduler.close()
    before.join()
    threads.add("after").join()
    assert threads.ran == ["before", "after"]


def test_a_thread_wakes_the_loop_for_another_one() -> None:
    threads, woken = Threads(), threading.Event()
    threads.scheduler.wake_loop = woken.set
    threading.Thread(target=threads.add, args=("a",)).start()
    assert woken.wait(10)
    while not threads.ran:
        threads.scheduler.settle()


def test_a_thread_that_could_not_be_started() -> None:
    threads, parked = Threads(), Parked()
    with threads.scheduler.lock:
        threads.scheduler.add(parked)
    threads.scheduler.remove(parked)
    assert threads.scheduler.settle()
