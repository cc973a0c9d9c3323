"""Ctrl-C with real signals, in processes of their own."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import pytest

from fastrtc.server import shutdown
from fastrtc.server.shutdown import (
    CloseOnLoopShutdown,
    OnInterrupt,
    close_connections,
    interrupt_on_sigterm,
)

SERVER = """
import asyncio, signal
from fastrtc.server.shutdown import OnInterrupt

def say(*words):
    print(*words, flush=True)

async def main():
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def server_stops(number, frame):
        say("server", signal.Signals(number).name)
        loop.call_soon_threadsafe(stop.set)

    {before}

    async def close():
        say("close")
        await asyncio.sleep(0)
        say("closed")

    async with OnInterrupt(close):
        say("ready")
        await stop.wait()
    say("restored", signal.getsignal(signal.SIGINT) is server_stops)

asyncio.run(main())
"""

AS_UVICORN = """
    signal.signal(signal.SIGINT, server_stops)
    signal.signal(signal.SIGTERM, server_stops)
"""


@contextmanager
def running(source: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(source)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for_line(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdout is not None
    for read in process.stdout:
        if read.strip() == line:
            return
    raise AssertionError(f"ended without {line!r}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_connections_end_before_the_server_and_the_server_is_told(number: signal.Signals):
    with running(SERVER.format(before=AS_UVICORN.strip())) as process:
        wait_for_line(process, "ready")
        process.send_signal(number)
        out, err = process.communicate(timeout=20)

    assert out.splitlines() == ["close", "closed", f"server {number.name}", "restored True"], err
    assert process.returncode == 0


def test_a_second_signal_does_not_wait():
    hangs = SERVER.replace("await asyncio.sleep(0)", "await stop.wait()")
    with running(hangs.format(before=AS_UVICORN.strip())) as process:
        wait_for_line(process, "ready")
        process.send_signal(signal.SIGTERM)
        wait_for_line(process, "close")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)

    assert out.splitlines() == ["server SIGINT", "closed", "restored True"], err


WORKER = """
import multiprocessing, signal

def run():
    {server}

process = multiprocessing.get_context("fork").Process(target=run)
process.start()
print("worker", process.pid, flush=True)
signal.signal(signal.SIGINT, signal.SIG_IGN)
process.join()
"""


SAY_WHEN_HANDLED = """
        handle = signal.getsignal(signal.SIGTERM)

        def handle_and_say(number, frame):
            handle(number, frame)
            say("handled", signal.Signals(number).name)

        signal.signal(signal.SIGTERM, handle_and_say)
        say("ready")
"""


def test_ctrl_c_and_the_signal_of_a_supervisor_count_as_one():
    hangs = SERVER.replace("await asyncio.sleep(0)", "await stop.wait()")
    hangs = hangs.replace('say("ready")', SAY_WHEN_HANDLED.strip())
    server = textwrap.indent(hangs.format(before=AS_UVICORN.strip()), "    ").strip()
    with running(WORKER.format(server=server)) as process:
        assert process.stdout is not None
        worker = int(process.stdout.readline().split()[1])
        wait_for_line(process, "ready")
        os.kill(worker, signal.SIGINT)
        wait_for_line(process, "close")
        os.kill(worker, signal.SIGTERM)
        # signals of different numbers may be handled in either order
        wait_for_line(process, "handled SIGTERM")
        os.kill(worker, signal.SIGINT)
        out, err = process.communicate(timeout=20)

    assert out.splitlines() == ["server SIGINT", "closed", "restored True"], err


async def test_all_that_listen_close_at_the_same_time():
    told: list[str] = []
    here, there = asyncio.Event(), asyncio.Event()
    before = signal.signal(signal.SIGTERM, lambda number, frame: told.append("server"))

    async def close(mine: asyncio.Event, other: asyncio.Event) -> None:
        mine.set()
        await other.wait()
        told.append("closed")

    try:
        async with (
            OnInterrupt(lambda: close(here, there)),
            OnInterrupt(lambda: close(there, here)),
        ):
            signal.raise_signal(signal.SIGTERM)
            await here.wait()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert told == ["closed", "closed", "server"]


async def test_what_is_registered_twice_is_done_once():
    told: list[str] = []
    passed_on = asyncio.Event()
    before = signal.signal(signal.SIGTERM, lambda number, frame: passed_on.set())

    class Endpoint:
        async def stop(self) -> None:
            told.append("stop")

    one, other = Endpoint(), Endpoint()
    try:
        async with OnInterrupt(one.stop), OnInterrupt(other.stop), OnInterrupt(one.stop):
            signal.raise_signal(signal.SIGTERM)
            await asyncio.wait_for(passed_on.wait(), 10)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert told == ["stop", "stop"]


def test_a_loop_that_is_watched_ends_what_is_left_once_whatever_loop_it_is():
    ended: list[str] = []

    async def on_signal() -> None:
        ended.append("signal")

    async def at_end() -> None:
        await asyncio.sleep(0)
        ended.append("loop")

    watch = CloseOnLoopShutdown(on_signal, at_end).watch

    async def serve() -> None:
        await asyncio.gather(watch(), watch())
        await watch()

    asyncio.run(serve())
    assert ended == ["loop"]
    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    thread.join()
    assert ended == ["loop", "loop"]


async def test_a_signal_ends_what_a_loop_is_watched_for():
    ended: list[str] = []
    passed_on = asyncio.Event()
    before = signal.signal(signal.SIGTERM, lambda number, frame: passed_on.set())

    async def close() -> None:
        ended.append("closed")

    async def nothing() -> None: ...

    watched = CloseOnLoopShutdown(close, nothing)
    try:
        await watched.watch()
        signal.raise_signal(signal.SIGTERM)
        await asyncio.wait_for(passed_on.wait(), 10)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert ended == ["closed"]


async def test_a_close_that_fails_is_logged_and_delays_no_other(caplog):
    told = asyncio.Event()
    before = signal.signal(signal.SIGTERM, lambda number, frame: told.set())

    async def close() -> None:
        raise RuntimeError("stuck")

    try:
        async with OnInterrupt(close):
            signal.raise_signal(signal.SIGTERM)
            await asyncio.wait_for(told.wait(), 10)
    finally:
        signal.signal(signal.SIGTERM, before)
    (record,) = caplog.records
    assert record.exc_info is not None and str(record.exc_info[1]) == "stuck"


def test_without_a_server_ctrl_c_is_what_it_always_was():
    with running(SERVER.format(before="")) as process:
        wait_for_line(process, "ready")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)

    assert "KeyboardInterrupt" in err
    assert out.splitlines() in (["close", "closed"], [])  # 3.10's asyncio.run ends at once


def test_a_signal_that_ends_the_process_ends_it():
    with running(SERVER.format(before="")) as process:
        wait_for_line(process, "ready")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)

    assert process.returncode == -signal.SIGTERM


async def test_without_signals_nothing_happens():
    before, closed = signal.getsignal(signal.SIGINT), []

    async def close() -> None:
        closed.append(True)

    async with OnInterrupt(close):
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
    assert closed == []


async def test_the_handler_of_somebody_who_came_later_is_left_alone():
    before = signal.getsignal(signal.SIGINT)

    async def close() -> None: ...

    def later(number, frame) -> None: ...

    try:
        async with OnInterrupt(close):
            signal.signal(signal.SIGINT, later)
        assert signal.getsignal(signal.SIGINT) is later
    finally:
        signal.signal(signal.SIGINT, before)


async def test_two_at_a_time_take_turns():
    before = signal.getsignal(signal.SIGINT)

    async def close() -> None: ...

    async with OnInterrupt(close), OnInterrupt(close):
        pass

    assert signal.getsignal(signal.SIGINT) is before


def test_in_another_thread_it_does_nothing():
    before, seen = signal.getsignal(signal.SIGINT), []

    async def serve() -> None:
        async def close() -> None: ...

        async with OnInterrupt(close):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    thread.join()

    assert seen == [before]


# A server in another thread


@contextmanager
def serving_in_a_thread(close: Callable[[], Awaitable[None]]) -> Iterator[threading.Thread]:
    """A loop in a thread, which has connections to close, and what it runs on."""
    ready, stop = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        async with OnInterrupt(close):
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    ready.wait()
    try:
        yield thread
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join()


def test_connections_of_another_thread_are_closed_before_it_is_stopped():
    closed: list[str] = []

    async def close() -> None:
        await asyncio.sleep(0)
        closed.append(threading.current_thread().name)

    with serving_in_a_thread(close) as thread, serving_in_a_thread(close):
        close_connections(thread)
        assert closed == [thread.name]
    close_connections(thread)
    assert closed == [thread.name], "it has ended"


def test_ctrl_c_meanwhile_cuts_it_short():
    asked: list[str] = []
    again = asyncio.Event()

    async def close() -> None:
        asked.append("close")
        if len(asked) > 1:
            again.set()
            return
        signal.raise_signal(signal.SIGINT)  # Python calls its handler in the main thread
        await again.wait()

    with serving_in_a_thread(close) as thread:
        close_connections(thread)
    assert asked == ["close"] * 2


def test_a_loop_that_is_blocked_is_not_waited_for(monkeypatch, caplog):
    released = threading.Event()
    monkeypatch.setattr(shutdown, "BLOCKED_AFTER_S", 0.01)
    monkeypatch.setattr(shutdown, "POLL_S", 0.01)

    async def close() -> None:
        released.wait()

    with serving_in_a_thread(close) as thread:
        close_connections(thread)
        released.set()
    assert [record.message for record in caplog.records] == [
        "The event loop is blocked: connections could not be closed"
    ]


def test_sigterm_is_an_interruption_within_the_block_only():
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    with pytest.raises(KeyboardInterrupt), interrupt_on_sigterm() as came:
        signal.raise_signal(signal.SIGTERM)
    assert came == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.parametrize("own", [signal.SIG_IGN, lambda number, frame: None])
def test_the_programs_own_handler_of_sigterm_stays(own):
    before = signal.signal(signal.SIGTERM, own)
    try:
        with interrupt_on_sigterm() as came:
            assert signal.getsignal(signal.SIGTERM) is own
            signal.raise_signal(signal.SIGTERM)
        assert came == [] and signal.getsignal(signal.SIGTERM) is own
    finally:
        signal.signal(signal.SIGTERM, before)


def test_an_interactive_session_keeps_its_sigterm(monkeypatch):
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    with interrupt_on_sigterm():
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
