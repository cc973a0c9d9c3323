"""The threads that write: shared by what has the same key, and gone after the last recording."""

import logging
import os
import signal
import sys
import threading

import pytest

from fastrtc.recording import threads
from fastrtc.recording.threads import WritingThread


def test_recordings_share_a_thread_which_ends_with_the_last_one() -> None:
    one, same, other = WritingThread.join("a"), WritingThread.join("a"), WritingThread.join("b")
    ran: list[threading.Thread] = []
    done = threading.Semaphore(0)

    def work() -> None:
        ran.append(threading.current_thread())
        done.release()

    for thread in (one, same, other):
        thread.call(work)
        assert done.acquire(timeout=10)
    assert ran[0] is ran[1] is not ran[2]
    one.leave()
    same.call(work)
    assert done.acquire(timeout=10) and ran[3] is ran[0]
    same.leave()
    other.leave()
    for thread in ran[:3]:
        thread.join(10)
    again = WritingThread.join("a")
    again.call(work)
    assert done.acquire(timeout=10) and ran[4] is not ran[0]
    again.leave()
    ran[4].join(10)


def test_what_is_called_before_the_end_is_done_in_order() -> None:
    thread = WritingThread.join("a")
    may_run, done, order = threading.Event(), threading.Event(), list[int]()
    running: list[threading.Thread] = []

    def begin() -> None:
        running.append(threading.current_thread())
        may_run.wait(10)
        order.append(1)

    thread.call(begin)
    thread.call(lambda: order.append(2))
    thread.call(done.set)
    thread.leave()
    may_run.set()
    assert done.wait(10) and order == [1, 2]
    running[0].join(10)


def test_a_recording_that_joins_a_thread_which_is_behind_gets_another_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow, begun, may_end = WritingThread.join("a"), threading.Event(), threading.Event()
    running: list[threading.Thread] = []

    def write() -> None:
        running.append(threading.current_thread())
        begun.set()
        may_end.wait(10)

    slow.call(write)
    assert begun.wait(10)
    monkeypatch.setattr(threads, "BEHIND_S", 0.0)
    free, done = WritingThread.join("a"), threading.Event()
    monkeypatch.undo()
    assert free is not slow and WritingThread.join("a") is free
    free.call(lambda: running.append(threading.current_thread()))
    free.call(done.set)
    assert done.wait(10) and not may_end.is_set()
    slow.leave()
    assert WritingThread.join("a") is free, "the new one is that of the key"
    may_end.set()
    for _ in range(3):
        free.leave()
    for thread in running:
        thread.join(10)


def test_a_function_that_raises_is_logged_and_the_next_one_called(
    caplog: pytest.LogCaptureFixture,
) -> None:
    thread, done = WritingThread.join("a"), threading.Event()
    running: list[threading.Thread] = []
    thread.call(lambda: running.append(threading.current_thread()))
    thread.call(lambda: [][0])
    thread.call(done.set)
    assert done.wait(10)
    thread.leave()
    running[0].join(10)
    (record,) = caplog.records
    assert record.levelno == logging.ERROR and record.exc_info is not None


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_has_threads_of_its_own() -> None:
    thread = WritingThread.join("a")
    running: list[threading.Thread] = []
    thread.call(lambda: running.append(threading.current_thread()))
    with WritingThread._lock:  # another thread holds it at that moment
        child = os.fork()
        if not child:
            signal.alarm(20)
            done = threading.Event()
            WritingThread.join("a").call(done.set)
            os._exit(0 if done.wait(10) else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    thread.leave()
    running[0].join(10)
