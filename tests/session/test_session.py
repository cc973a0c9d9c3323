"""One life for every connection: NEW, LIVE, CLOSING, CLOSED."""

import asyncio
import concurrent.futures
import contextvars
import gc
import json
import logging
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from fastrtc.core import failures as failures_module
from fastrtc.core.close_reason import INTERNAL_ERROR, CloseReason
from fastrtc.core.context import get_current_context
from fastrtc.core.errors import HandlerError, HandlerExited, WebRTCError
from fastrtc.core.outputs import AdditionalOutputs
from fastrtc.handlers.stream import StreamHandler
from fastrtc.session import error_reports, handler_shutdown
from fastrtc.session import session as module
from fastrtc.session.session import Session, State

caller = contextvars.ContextVar("caller", default="nobody")


class Handler(StreamHandler):
    """Writes down what happens to it."""

    def __init__(self, trace: list[str]) -> None:
        super().__init__()
        self.trace = trace

    def receive(self, frame) -> None: ...

    def emit(self) -> None: ...

    def copy(self) -> "Handler":
        return type(self)(self.trace)

    def shutdown(self) -> None:
        self.trace.append("shutdown")

    def reset(self) -> None:
        super().reset()
        self.trace.append("reset")


class AsyncShutdown(Handler):
    async def shutdown(self) -> None:
        await asyncio.sleep(0)
        self.trace.append("shutdown")


class FailingShutdown(Handler):
    def shutdown(self) -> None:
        super().shutdown()
        raise ValueError("broken")


class FailingAsyncShutdown(Handler):
    async def shutdown(self) -> None:
        self.trace.append("shutdown")
        raise ValueError("broken")


class Traced(Session):
    """A session that writes down its states."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "state":
            self.__dict__.setdefault("states", []).append(value)
        super().__setattr__(name, value)


class Rig:
    """A session with everything that is around it."""

    def __init__(self, kind: type[Handler] | Callable = Handler, **options: Any) -> None:
        self.trace: list[str] = []
        self.sent: list[dict[str, Any]] = []
        self.outputs: list[AdditionalOutputs] = []
        handler = kind(self.trace) if isinstance(kind, type) else kind
        self.session = Traced(
            "me",
            handler,
            deliver=self.outputs.append,
            release=lambda session: self.trace.append("release"),
            **options,
        )
        self.session.outbox.open(lambda text: self.sent.append(json.loads(text)))
        self.session.on_closed(lambda session: self.trace.append("closed"))

    @property
    def types(self) -> list[str]:
        return [message["type"] for message in self.sent]

    async def closed(self) -> None:
        await asyncio.wait_for(self.session.closed.wait(), 5)


def ended_by(text: str) -> dict[str, str]:
    """The message to the client about the error that ends its connection."""
    return {"type": "error", "message": text, "data": text, "code": "error"}


async def forever() -> None:
    await asyncio.Event().wait()


# One life


async def test_a_life():
    rig = Rig()
    rig.session.on_start(lambda: rig.trace.append("start"))
    assert not rig.session.ended

    rig.session.start()
    assert not rig.session.ended
    rig.session.close("enough")
    assert rig.session.ended
    await rig.closed()

    assert rig.session.states == [State.NEW, State.LIVE, State.CLOSING, State.CLOSED]
    assert rig.trace == ["start", "release", "shutdown", "reset", "closed"]
    assert rig.session.reason.text == "enough"


async def test_a_life_that_ends_before_it_is_live():
    rig = Rig()
    rig.session.on_start(lambda: rig.trace.append("start"))

    rig.session.close("never connected")
    await rig.closed()
    rig.session.start()

    assert rig.session.states == [State.NEW, State.CLOSING, State.CLOSED]
    assert rig.trace == ["release", "shutdown", "reset", "closed"]


async def test_it_starts_once():
    rig = Rig()
    rig.session.on_start(lambda: rig.trace.append("start"))

    rig.session.start()
    rig.session.start()

    assert rig.trace == ["start"]
    rig.session.close("enough")
    await rig.closed()


async def test_it_closes_once_whoever_says_so_and_how_often():
    rig = Rig()
    rig.session.start()

    threads = [threading.Thread(target=rig.session.close, args=(f"thread {n}",)) for n in range(20)]
    for thread in threads:
        thread.start()
    rig.session.close("first")
    rig.session.close("second")
    for thread in threads:
        await asyncio.to_thread(thread.join)
    await rig.closed()
    rig.session.close("late")
    await asyncio.sleep(0)

    assert rig.session.reason.text == "first"
    assert rig.trace == ["release", "shutdown", "reset", "closed"]
    assert rig.session.states == [State.NEW, State.LIVE, State.CLOSING, State.CLOSED]


async def test_a_thread_may_close_it():
    rig = Rig()
    rig.session.start()

    await asyncio.to_thread(rig.session.close, "from a thread")
    await rig.closed()

    assert rig.session.reason.text == "from a thread"


def test_a_thread_may_close_it_when_the_loop_has_ended():
    rigs = []

    async def connect() -> None:
        rigs.append(Rig())

    asyncio.run(connect())

    rigs[0].session.close("late")
    rigs[0].session.close("late", tell=True)


async def test_the_place_is_free_before_any_code_of_the_user_runs():
    rig = Rig()

    async def reply() -> None:
        try:
            await forever()
        finally:
            rig.trace.append("cancelled")

    rig.session.start()
    rig.session.run("reply", reply())
    await asyncio.sleep(0)

    rig.session.close("enough")

    assert rig.trace == ["release"], "at once, in the very call"
    await rig.closed()
    assert rig.trace == ["release", "cancelled", "shutdown", "reset", "closed"]


# shutdown()


@pytest.mark.parametrize("kind", [Handler, AsyncShutdown])
async def test_shutdown_runs_once_and_then_reset(kind: type[Handler], caplog):
    rig = Rig(kind)
    rig.session.handler.args_set.set()

    rig.session.close("enough")
    await rig.closed()

    assert rig.trace == ["release", "shutdown", "reset", "closed"]
    assert not rig.session.handler.args_set.is_set()
    assert caplog.records == []


@pytest.mark.parametrize("kind", [FailingShutdown, FailingAsyncShutdown])
async def test_a_shutdown_that_fails_is_logged_once(kind: type[Handler], caplog):
    rig = Rig(kind)

    rig.session.close("enough")
    await rig.closed()

    assert rig.trace == ["release", "shutdown", "reset", "closed"]
    (record,) = caplog.records
    assert record.getMessage() == "Session me: shutdown() failed"
    assert record.exc_info[0] is ValueError
    assert rig.sent == []


async def test_a_sync_shutdown_runs_on_the_loop():
    class CreatesTasks(Handler):
        def shutdown(self) -> None:
            self.task = asyncio.create_task(forever())
            self.trace.append(threading.current_thread().name)

    rig = Rig(CreatesTasks)
    rig.session.close("enough")
    await rig.closed()

    assert rig.trace[:2] == ["release", threading.current_thread().name]
    assert rig.session.handler.task.cancel()


async def test_a_shutdown_that_holds_up_the_loop_is_named(monkeypatch: pytest.MonkeyPatch, caplog):
    monkeypatch.setattr(handler_shutdown, "SHUTDOWN_WARNING_S", 0.05)

    class Slow(Handler):
        def shutdown(self) -> None:
            time.sleep(0.1)
            super().shutdown()

    rig = Rig(Slow)
    rig.session.close("enough")
    await rig.closed()

    assert rig.trace == ["release", "shutdown", "reset", "closed"]
    (record,) = caplog.records
    assert (record.levelno, "blocked the event loop" in record.getMessage()) == (
        logging.WARNING,
        True,
    )


@pytest.mark.parametrize("others", [True, False])
async def test_a_shutdown_that_does_not_return_is_interrupted_for_the_others(
    others: bool, monkeypatch: pytest.MonkeyPatch, caplog
):
    monkeypatch.setattr(handler_shutdown, "SHUTDOWN_LIMIT_S", 0.05)

    class Busy(Handler):
        def shutdown(self) -> None:
            until = time.monotonic() + (30 if others else 0.3)
            while time.monotonic() < until:
                pass
            super().shutdown()

    other = Rig()
    if others:
        other.session.start()
    rig = Rig(Busy)
    rig.session.start()
    rig.session.close("enough")
    await rig.closed()

    assert ("shutdown" in rig.trace) != others
    assert [type(r.exc_info[1]) for r in caplog.records] == [TimeoutError] * others
    other.session.close("enough")
    await other.closed()


async def test_a_shutdown_that_was_interrupted_runs_in_a_thread_the_next_time(monkeypatch):
    monkeypatch.setattr(handler_shutdown, "SHUTDOWN_LIMIT_S", 0.05)

    class Busy(Handler):
        def shutdown(self) -> None:
            self.trace.append(threading.current_thread().name)
            until = time.monotonic() + 0.3
            while time.monotonic() < until:
                pass
            super().shutdown()

    other = Rig()
    other.session.start()
    rigs = [Rig(Busy), Rig(Busy)]
    for rig in rigs:
        rig.session.close("enough")
        await rig.closed()

    first, second = (rig.trace for rig in rigs)
    assert first == ["release", threading.current_thread().name, "reset", "closed"]
    assert second == ["release", "fastrtc-me:shutdown", "shutdown", "reset", "closed"]
    other.session.close("enough")
    await other.closed()


async def test_a_reset_that_blocks_is_abandoned(monkeypatch: pytest.MonkeyPatch, caplog):
    monkeypatch.setattr(handler_shutdown, "SHUTDOWN_TIMEOUT_S", 0.05)
    go_on = threading.Event()

    class Blocks(Handler):
        def reset(self) -> None:
            go_on.wait()
            super().reset()

    rig = Rig(Blocks)
    rig.session.close("enough")
    await rig.closed()

    assert rig.trace == ["release", "shutdown", "closed"]
    (record,) = caplog.records
    assert (record.levelno, "is abandoned" in record.getMessage()) == (logging.WARNING, True)
    go_on.set()


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
@pytest.mark.parametrize("is_async", [True, False])
async def test_a_shutdown_that_exits_is_logged_and_ends_nothing_else(is_async, error, caplog):
    class Exits(Handler):
        def shutdown(self) -> None:
            raise error("3")

    class ExitsAsync(Handler):
        async def shutdown(self) -> None:
            raise error("3")

    rig = Rig(ExitsAsync if is_async else Exits)
    rig.session.close("enough")
    await rig.closed()

    assert rig.trace == ["release", "reset", "closed"]
    (record,) = caplog.records
    assert record.getMessage().startswith("Session me: shutdown()")
    assert rig.sent == []


async def test_an_abandoned_session_waits_no_more_for_shutdown():
    begun, cancelled = asyncio.Event(), asyncio.Event()

    class Hangs(Handler):
        async def shutdown(self) -> None:
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()

    rig = Rig(Hangs)
    rig.session.abandon()  # nothing yet
    rig.session.close("enough")
    await begun.wait()
    rig.session.abandon()
    await rig.closed()
    await cancelled.wait()


async def test_an_async_shutdown_that_hangs_is_cancelled(monkeypatch: pytest.MonkeyPatch, caplog):
    monkeypatch.setattr(handler_shutdown, "SHUTDOWN_TIMEOUT_S", 0.05)

    class Hangs(Handler):
        async def shutdown(self) -> None:
            await forever()

    rig = Rig(Hangs)
    rig.session.close("enough")
    await rig.closed()

    assert "is abandoned" in caplog.text


async def test_a_reset_that_fails_is_logged(caplog):
    class Fails(Handler):
        def reset(self) -> None:
            raise ValueError("broken")

    rig = Rig(Fails)
    rig.session.close("enough")
    await rig.closed()

    assert [record.getMessage() for record in caplog.records] == ["Session me: reset() failed"]


async def test_shutdown_can_still_say_something():
    class SaysGoodbye(Handler):
        def shutdown(self) -> None:
            self.said = asyncio.create_task(self.send_message('{"type": "goodbye"}'))

    rig = Rig(SaysGoodbye)
    rig.session.close("enough")
    await rig.closed()

    assert rig.types == ["goodbye"]


async def test_a_function_has_no_shutdown():
    def flip(frame):
        return frame

    rig = Rig(flip)
    assert rig.session.handler is flip
    rig.session.close("enough")
    await rig.closed()

    assert rig.trace == ["release", "closed"]


async def test_shutdown_does_not_wait_for_a_blocked_thread():
    working, go_on = threading.Event(), threading.Event()
    rig = Rig()

    def receive() -> None:
        working.set()
        go_on.wait()

    rig.session.start()
    rig.session.run("receive", rig.session.invoker.call("receive", receive))
    await asyncio.to_thread(working.wait)

    rig.session.close("enough")
    await rig.closed()

    assert rig.trace == ["release", "shutdown", "reset", "closed"]
    go_on.set()


# The transport


async def test_the_transport_is_closed_once_also_when_shutdown_fails():
    rig = Rig(FailingShutdown)

    async def close(reason: CloseReason) -> None:
        rig.trace.append("transport")

    rig.session.on_close(close)
    rig.session.close("enough")
    await rig.closed()

    assert rig.trace.count("transport") == 1


async def test_what_stops_the_user_code_comes_between_its_tasks_and_its_shutdown():
    rig = Rig()

    async def work() -> None:
        try:
            await forever()
        finally:
            rig.trace.append("cancelled")

    async def stop() -> None:
        rig.trace.append("stop")

    rig.session.on_stop(stop)
    rig.session.start()
    rig.session.run("work", work())
    await asyncio.sleep(0)
    rig.session.close("enough")
    await rig.closed()

    assert rig.trace == ["release", "cancelled", "stop", "shutdown", "reset", "closed"]


@pytest.mark.parametrize("when", ["on_stop", "on_close"])
async def test_a_part_that_fails_to_close_is_logged(when: str, caplog):
    rig = Rig()

    async def close(reason: CloseReason) -> None:
        raise ConnectionError("gone")

    getattr(rig.session, when)(close)
    rig.session.close("enough")
    await rig.closed()

    assert [record.getMessage() for record in caplog.records] == [
        "Session me did not close cleanly"
    ]
    assert rig.trace == ["release", "shutdown", "reset", "closed"]


# Errors


async def test_an_exception_is_one_record_and_one_message_and_the_end(caplog):
    rig = Rig()

    async def emit() -> None:
        raise ValueError("broken")

    rig.session.start()
    rig.session.run("emit", emit())
    await rig.closed()

    (record,) = caplog.records
    assert (record.levelno, record.getMessage()) == (
        logging.ERROR,
        "Session me: the handler failed",
    )
    assert record.exc_info[0] is ValueError
    assert record.exc_info[2] is not None
    assert rig.sent == [ended_by("broken")]
    assert rig.session.reason.text == "ValueError: broken"


async def test_an_exception_without_words_has_its_name():
    rig = Rig()
    rig.session.fail(KeyError())
    await rig.closed()

    assert rig.sent == [ended_by("KeyError")]


@pytest.mark.parametrize("role", ["async", "sync"])
async def test_a_webrtc_error_tells_the_client_once(role: str, caplog):
    rig = Rig()

    async def emit_async() -> None:
        raise WebRTCError("out of credits")

    def emit() -> None:
        raise WebRTCError("out of credits")

    rig.session.start()
    code = emit_async if role == "async" else emit
    rig.session.run("emit", rig.session.invoker.call("emit", code))
    await rig.closed()

    assert [message["message"] for message in rig.sent] == ["out of credits"]
    assert len(caplog.records) == 1


async def test_a_webrtc_error_from_outside_the_connection_tells_the_client_once():
    rig = Rig()

    rig.session.fail(WebRTCError("out of credits"))
    await rig.closed()

    assert [message["message"] for message in rig.sent] == ["out of credits"]


async def test_only_the_first_of_several_errors_is_told(caplog):
    caplog.set_level(logging.INFO)
    rig = Rig()
    go = asyncio.Event()

    async def emit(number: int) -> None:
        await go.wait()
        raise ValueError(f"broken {number}")

    rig.session.start()
    for number in range(3):
        rig.session.run(f"emit {number}", emit(number))
    await asyncio.sleep(0)
    go.set()
    await rig.closed()

    assert [message["message"] for message in rig.sent] == ["broken 0"]
    assert len(caplog.records) == 1


async def test_an_error_can_be_reported_without_an_end(caplog):
    """As when a reply fails, and the connection goes on."""
    rig = Rig()
    rig.session.start()

    rig.session.report(ValueError("broken"))

    assert rig.types == ["error"]
    assert len(caplog.records) == 1
    assert rig.session.state is State.LIVE
    rig.session.close("enough")
    await rig.closed()


async def test_a_copy_that_fails_makes_no_session():
    class Broken(Handler):
        def copy(self) -> None:
            return None

    with pytest.raises(HandlerError, match=r"Broken.copy\(\) must return a handler"):
        Rig(Broken)


# Failures of callbacks


def broken(text: str) -> ValueError:
    """A new exception each time, raised at one place."""
    try:
        raise ValueError(text)
    except ValueError as error:
        return error


async def test_a_failure_is_logged_with_its_traceback_and_shown_once(caplog):
    rig = Rig()
    rig.session.start()
    failures = rig.session.failures("emit")

    for _ in range(100):
        failures.failed(broken("no luck"))

    assert rig.sent == [{"type": "error", "message": "no luck", "data": "no luck"}]
    (record,) = caplog.records
    assert record.getMessage() == "Session me: emit failed"
    assert record.exc_info[2] is not None
    assert rig.session.state is State.LIVE
    rig.session.close("enough")
    await rig.closed()


async def test_different_failures_are_logged_and_shown_each_and_bounded(caplog):
    rig = Rig()
    rig.session.start()
    failures = rig.session.failures("emit")

    failures.failed(broken("one"))
    failures.failed(TypeError("another"))
    assert len(caplog.records) == 2
    for number in range(1000):
        failures.failed(broken(f"frame {number}"))

    assert 2 < len(rig.sent) == error_reports.MAX_SHOWN
    assert len(caplog.records) == 2
    rig.session.close("enough")
    await rig.closed()


async def test_a_webrtc_error_that_repeats_is_shown_once_and_later_again(monkeypatch):
    rig = Rig()
    rig.session.start()
    failures = rig.session.failures("emit")

    async def fail(times: int) -> None:
        for _ in range(times):
            failures.failed(WebRTCError("Speak up"))

    await rig.session.context.run(asyncio.create_task, fail(100))
    assert [message["message"] for message in rig.sent] == ["Speak up"]
    monkeypatch.setattr(error_reports, "REPEAT_S", 0.0)
    await rig.session.context.run(asyncio.create_task, fail(1))
    assert [message["message"] for message in rig.sent] == ["Speak up"] * 2
    rig.session.close("enough")
    await rig.closed()


async def test_a_callback_that_keeps_failing_ends_it_with_the_reason(monkeypatch, caplog):
    monkeypatch.setattr(failures_module, "FAILING_LIMIT_S", 0.0)
    rig = Rig()
    rig.session.start()

    async def emit() -> None:
        failures = rig.session.failures("emit")
        while True:
            failures.failed(broken("no luck"))

    rig.session.run("emit", emit())
    await rig.closed()

    assert rig.session.reason.code == INTERNAL_ERROR
    assert rig.session.reason.text.startswith("emit has failed 3 times")
    assert rig.session.reason.text.endswith("without a success: no luck")
    assert [message["message"] for message in rig.sent] == ["no luck", rig.session.reason.text]
    first, last = caplog.records
    assert (first.exc_info is None, last.exc_info is None) == (False, True)


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit])
async def test_what_is_no_exception_ends_it_and_not_the_loop(error, caplog):
    rig = Rig()

    async def emit() -> None:
        raise error("3")

    rig.session.start()
    rig.session.run("emit", emit())
    await rig.closed()

    text = f"emit raised {error.__name__}: 3"
    assert rig.sent == [ended_by(text)]
    assert rig.session.reason.text == text
    (record,) = caplog.records
    assert error in (record.exc_info[0], type(record.exc_info[1].__cause__))


@pytest.mark.parametrize("how", ["raises", "awaits", "itself"])
async def test_a_cancellation_by_user_code_ends_it(how: str, caplog):
    """A part that is gone without a word would leave it deaf or mute."""
    rig = Rig()

    async def emit() -> None:
        if how == "raises":
            raise asyncio.CancelledError
        if how == "itself":
            asyncio.current_task().cancel()
        task = asyncio.create_task(forever())
        task.cancel()
        await task

    rig.session.start()
    rig.session.run("emit", emit())
    await rig.closed()

    assert rig.session.reason.text == "emit raised CancelledError"
    assert rig.types == ["error"]
    assert len(caplog.records) == 1


async def test_a_turn_that_exits_ends_it(caplog):
    rig = Rig()
    rig.session.start()

    rig.session.report(HandlerExited("emit raised SystemExit"))
    await rig.closed()

    assert rig.session.reason.code == INTERNAL_ERROR
    assert (rig.types, len(caplog.records)) == (["error"], 1)


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
async def test_a_copy_that_exits_is_an_exception_for_its_offer(error):
    class Exits(Handler):
        def copy(self) -> "Handler":
            raise error("3")

    with pytest.raises(HandlerExited, match=rf"Exits.copy raised {error.__name__}"):
        Rig(Exits)


async def test_outputs_that_cannot_be_delivered_are_an_exception():
    def deliver(outputs: AdditionalOutputs) -> None:
        raise SystemExit(3)

    session = Session("me", Handler([]), deliver=deliver, release=lambda session: None)
    with pytest.raises(HandlerExited, match="deliver raised SystemExit: 3"):
        session.deliver(AdditionalOutputs())
    session.close("enough")
    await session.closed.wait()


# Reasons


async def test_a_part_that_gives_a_reason_ends_it():
    rig = Rig()

    async def emit() -> str:
        return "goodbye"

    rig.session.start()
    rig.session.run("emit", emit())
    await rig.closed()

    assert rig.sent == [{"type": "end_stream", "data": "goodbye", "code": "server"}]
    assert rig.session.reason.text == "goodbye"


async def test_a_part_that_just_ends_does_not_end_it():
    rig = Rig()
    rig.session.start()

    await rig.session.run("start_up", asyncio.sleep(0))

    assert rig.session.state is State.LIVE
    rig.session.close("enough")
    await rig.closed()


async def test_the_client_is_told_one_reason():
    rig = Rig()

    async def emit(reason: str) -> str:
        return reason

    rig.session.start()
    rig.session.run("emit", emit("first"))
    rig.session.run("video_emit", emit("second"))
    await rig.closed()
    rig.session.close("third", tell=True)

    assert rig.sent == [{"type": "end_stream", "data": "first", "code": "server"}]


async def test_a_thread_may_end_it_with_a_reason():
    rig = Rig()
    rig.session.start()

    await asyncio.to_thread(rig.session.close, "from a thread", tell=True)
    await rig.closed()

    assert rig.sent == [{"type": "end_stream", "data": "from a thread", "code": "closed"}]


# The time limit


async def test_the_time_limit_tells_the_client_first():
    trace: list[str] = []
    rig = Rig(time_limit=0.02)
    rig.session.outbox.open(lambda text: trace.append(text))

    async def close(reason: CloseReason) -> None:
        trace.append("transport closed")

    rig.session.on_close(close)
    rig.session.start()
    await rig.closed()

    end = {"type": "end_stream", "data": "Time limit reached", "code": "time_limit"}
    assert json.loads(trace[0]) == end
    assert trace[1:] == ["transport closed"]


async def test_the_time_begins_when_it_is_live_and_leaves_no_timer():
    loop = asyncio.get_running_loop()
    timers = set(loop._scheduled)  # type: ignore[attr-defined]
    rig = Rig(time_limit=3600)
    assert set(loop._scheduled) == timers  # type: ignore[attr-defined]

    rig.session.start()
    started = set(loop._scheduled) - timers  # type: ignore[attr-defined]
    assert len(started) == 2, "of the limit, and of what measures the loop"
    rig.session.close("enough")
    await rig.closed()

    assert all(timer.cancelled() for timer in started)


# Tasks


async def test_its_tasks_are_gone_when_it_is_closed():
    rig = Rig()
    rig.session.start()
    tasks = [rig.session.run(f"part {number}", forever()) for number in range(5)]
    await asyncio.sleep(0)

    rig.session.close("enough")
    await rig.closed()

    assert all(task.cancelled() for task in tasks)
    assert {task.get_name() for task in tasks} == {f"fastrtc-me:part {n}" for n in range(5)}


async def test_a_part_that_ends_before_it_began_leaves_no_coroutine_unawaited():
    """As when a peer connects and disconnects in one go; Python would warn of it."""
    rig = Rig()
    rig.session.on_start(lambda: rig.session.run("emit", forever()) and None)

    rig.session.start()
    rig.session.close("enough")
    await rig.closed()
    await asyncio.wait([rig.session.run("late", forever())])
    gc.collect()


async def test_a_task_that_swallows_its_cancellation_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog
):
    monkeypatch.setattr(module, "TASKS_TIMEOUT_S", 0.02)
    let_go = asyncio.Event()

    async def stubborn() -> None:
        while not let_go.is_set():
            try:
                await let_go.wait()
            except asyncio.CancelledError:
                pass

    rig = Rig()
    rig.session.start()
    rig.session.run("stubborn", stubborn())
    await asyncio.sleep(0)
    rig.session.close("enough")
    await rig.closed()

    assert "did not end when cancelled: {'fastrtc-me:stubborn'}" in caplog.text
    assert rig.trace == ["release", "shutdown", "reset", "closed"]
    let_go.set()


async def test_a_thread_that_waits_for_inputs_ends_with_it():
    rig, outcome = Rig(), []

    def receive() -> None:
        try:
            rig.session.handler.wait_for_args_sync()
        except BaseException as error:
            outcome.append(error)
            raise

    asked = asyncio.Event()
    rig.session.outbox.open(lambda text: asked.set())
    rig.session.start()
    rig.session.run("receive", rig.session.invoker.call("receive", receive))
    await asked.wait()

    rig.session.close("enough")
    await rig.closed()  # and the leak fixtures see neither task nor thread
    await asyncio.to_thread(lambda: [t.join(30) for t in threads_of("fastrtc-me")])

    assert [type(error) for error in outcome] == [concurrent.futures.CancelledError]


def threads_of(prefix: str) -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name.startswith(prefix)]


# What user code sees


async def test_the_copy_is_made_in_the_context_of_the_caller():
    class Curious(Handler):
        def copy(self) -> "Curious":
            made = Curious(self.trace)
            made.seen = (caller.get(), get_current_context().webrtc_id)
            return made

    caller.set("Ada")
    socket = object()
    rig = Rig(Curious, websocket=socket)

    assert rig.session.handler.seen == ("Ada", "me")
    assert rig.session.context.run(get_current_context).websocket is socket
    with pytest.raises(RuntimeError):
        get_current_context()
    rig.session.close("enough")
    await rig.closed()


async def test_all_code_of_the_user_sees_the_connection():
    class Curious(Handler):
        def look(self, *args) -> None:
            self.trace.append((caller.get(), get_current_context().webrtc_id))

        shutdown = look
        reset = look

        async def look_async(self) -> None:
            self.look()

    caller.set("Ada")
    rig = Rig(Curious)
    handler, invoker = rig.session.handler, rig.session.invoker
    rig.session.start()
    await rig.session.run("emit", invoker.call("emit", handler.look))
    await rig.session.run("video_emit", invoker.call("emit", handler.look_async))
    rig.session.close("enough")
    await rig.closed()

    assert rig.trace == [("Ada", "me"), ("Ada", "me"), "release"] + [("Ada", "me")] * 2 + ["closed"]


async def test_the_handler_reaches_the_client_from_the_beginning():
    class Greets(Handler):
        def copy(self) -> "Greets":
            return Greets(self.trace)

    rig = Rig(Greets)

    await rig.session.handler.send_message('{"type": "hello"}')

    assert rig.types == ["hello"]
    assert rig.session.handler.loop is asyncio.get_running_loop()
    rig.session.close("enough")
    await rig.closed()


async def test_outputs_are_delivered_and_the_client_is_told():
    rig, outputs = Rig(), AdditionalOutputs(1)

    rig.session.deliver(outputs)

    assert rig.outputs == [outputs]
    assert rig.sent == [{"type": "fetch_output", "data": []}]
    rig.session.close("enough")
    await rig.closed()


async def test_nothing_holds_a_session_when_it_is_over():
    rig = Rig()
    rig.session.start()
    rig.session.run("emit", forever())
    await rig.session.run("receive", rig.session.invoker.call("receive", lambda: None))
    rig.session.close("enough")
    await rig.closed()
    session, handler = weakref.ref(rig.session), weakref.ref(rig.session.handler)

    del rig
    await asyncio.to_thread(lambda: [t.join(30) for t in threads_of("fastrtc-me")])
    await asyncio.sleep(0)
    gc.collect()

    assert session() is None
    assert handler() is None
