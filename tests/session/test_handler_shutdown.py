"""A handler ends, whatever its `shutdown` and `reset` do; see `test_session.py`, too."""

import asyncio
import contextvars
import inspect
import threading
import time
from collections.abc import AsyncIterator

import pytest

from fastrtc.handlers.invoke import Invoker
from fastrtc.handlers.stream import StreamHandler
from fastrtc.session import handler_shutdown
from fastrtc.session.handler_shutdown import HandlerShutdown, live_sessions

caller: contextvars.ContextVar[str] = contextvars.ContextVar("caller", default="nobody")


class Handler(StreamHandler):
    """Writes down which of its methods ran in which thread."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, str]] = []

    def receive(self, frame) -> None: ...

    def emit(self) -> None: ...

    def copy(self) -> "Handler":
        return type(self)()

    def note(self, name: str) -> None:
        self.calls.append((name, threading.current_thread().name))

    def reset(self) -> None:
        super().reset()
        self.note("reset")


class Sync(Handler):
    def shutdown(self) -> None:
        self.note("shutdown")


class Async(Handler):
    async def shutdown(self) -> None:
        self.note("shutdown")


class Awaitable(Handler):
    def shutdown(self):
        return self.later()

    async def later(self) -> None:
        self.note("shutdown")


@pytest.fixture
async def ending() -> AsyncIterator[HandlerShutdown]:
    context = contextvars.copy_context()
    context.run(caller.set, "the session")
    invoker = Invoker("fastrtc-me", context)
    yield HandlerShutdown("me", invoker, context)
    invoker.close()


@pytest.mark.parametrize("kind", [Sync, Async, Awaitable])
async def test_shutdown_runs_on_the_loop_and_reset_in_a_thread(ending, kind: type[Handler]):
    handler = kind()
    await ending.run(handler)
    here = threading.current_thread().name
    assert handler.calls == [("shutdown", here), ("reset", "fastrtc-me:reset")]


async def test_a_handler_without_a_shutdown_is_reset(ending):
    handler = Handler()
    await ending.run(handler)
    assert [name for name, _ in handler.calls] == ["reset"]


@pytest.mark.parametrize("is_async", [True, False])
async def test_both_see_the_context_of_the_session(ending, is_async: bool):
    seen = []

    class Sees(Handler):
        def shutdown(self):
            seen.append(caller.get())

        def reset(self) -> None:
            seen.append(caller.get())

    class SeesAsync(Sees):
        async def shutdown(self):
            seen.append(caller.get())

    await ending.run((SeesAsync if is_async else Sees)())
    assert seen == ["the session"] * 2


async def test_an_exception_is_logged_and_reset_follows(ending, caplog):
    class Fails(Handler):
        def shutdown(self) -> None:
            raise ValueError("broken")

    handler = Fails()
    await ending.run(handler)
    assert [record.getMessage() for record in caplog.records] == ["Session me: shutdown() failed"]
    assert [name for name, _ in handler.calls] == ["reset"]


@pytest.mark.parametrize("others", [0, 1])
async def test_it_may_block_the_loop_only_while_no_other_session_is_live(
    ending, others: int, monkeypatch: pytest.MonkeyPatch, caplog
):
    monkeypatch.setattr(handler_shutdown, "SHUTDOWN_LIMIT_S", 0.05)
    monkeypatch.setitem(live_sessions, id(asyncio.get_running_loop()), others)

    class Busy(Handler):
        def shutdown(self) -> None:
            until = time.monotonic() + (30 if others else 0.3)
            while time.monotonic() < until:
                pass
            self.note("shutdown")

    first, second = Busy(), Handler()
    await ending.run(first)
    await ending.run(second)
    names = [name for name, _ in first.calls]
    assert names == (["reset"] if others else ["shutdown", "reset"])
    assert [type(record.exc_info[1]) for record in caplog.records] == [TimeoutError] * others


async def test_cancelling_it_cancels_the_call(ending):
    began, cancelled = asyncio.Event(), asyncio.Event()

    class Hangs(Handler):
        async def shutdown(self) -> None:
            began.set()
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()

    running = asyncio.create_task(ending.run(Hangs()))
    await began.wait()
    running.cancel()
    await asyncio.wait([running])
    await asyncio.wait_for(cancelled.wait(), 5)
    assert running.cancelled()


async def test_a_last_call_that_cannot_start_leaves_nothing(ending):
    """The event loop ends in this moment."""

    async def last() -> None: ...

    call = last()
    finishing = asyncio.create_task(ending.finish("last", call))
    await asyncio.sleep(0)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    assert finishing in others and len(others) == 2
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0)
    assert inspect.getcoroutinestate(call) == inspect.CORO_CLOSED
