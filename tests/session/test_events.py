"""``on_connect`` and ``on_disconnect``."""

import asyncio
import threading
from typing import Any

import pytest

from fastrtc import Stream, get_current_context
from fastrtc.core.close_reason import GOING_AWAY, POLICY_VIOLATION
from fastrtc.core.loop_lag import lag_of
from fastrtc.server.endpoint import endpoint_of
from fastrtc.session.hooks import Hooks
from fastrtc.testing import Call
from tests.session.rig import Handler, Rig, until
from tests.support.virtual_time import virtual_time
from tests.webrtc.handlers import AsyncAudioEcho


class Log:
    """Writes down the events, with sync or async functions."""

    def __init__(self, *, is_async: bool = False) -> None:
        self.events: list[Any] = []
        self.threads: list[str] = []

        def connect(context: Any) -> None:
            self.note("connect", context)

        def disconnect(context: Any, end: Any) -> None:
            self.note("disconnect", context, end)

        async def connect_later(context: Any) -> None:
            connect(context)

        async def disconnect_later(context: Any, end: Any) -> None:
            await asyncio.sleep(0)
            disconnect(context, end)

        self.hooks = Hooks(
            on_connect=connect_later if is_async else connect,
            on_disconnect=disconnect_later if is_async else disconnect,
        )

    def note(self, name: str, context: Any, *more: Any) -> None:
        assert get_current_context() is context
        self.threads.append(threading.current_thread().name)
        self.events.append((name, *more))


@pytest.mark.parametrize("is_async", [False, True])
async def test_the_program_learns_of_the_connection_and_its_end(is_async: bool) -> None:
    log = Log(is_async=is_async)

    class Noting(Handler):
        def shutdown(self) -> None:
            log.events.append(("shutdown",))

    rig = Rig(Noting(), hooks=log.hooks)
    assert log.events == []
    async with rig:
        await until(lambda: log.events)
        rig.messages.receive({"type": "x"})
        rig.session.close("the client disconnected")
    (connect, shutdown, (name, end)) = log.events
    assert connect == ("connect",) and shutdown == ("shutdown",) and name == "disconnect"
    assert (end.code, end.reason) == ("closed", "the client disconnected")
    assert end.transport == "webrtc" and end.messages == 1 and 0 <= end.duration_s < 30
    on_loop = threading.current_thread().name
    assert all((thread == on_loop) is is_async for thread in log.threads)


async def test_a_connection_that_was_never_established_is_not_told() -> None:
    log = Log()
    rig = Rig(hooks=log.hooks)
    rig.session.close("never connected")
    await rig.session.closed.wait()
    assert log.events == []


ENDS = {
    "server": lambda session: session.close("x", GOING_AWAY, tell=True),
    "error": lambda session: session.fail(ValueError("x")),
    "closed": lambda session: session.close("the client vanished"),
    "idle": lambda session: session.close("x", end="idle"),
    "replaced": lambda session: session.close("x", end="replaced"),
}


@pytest.mark.parametrize("code", ENDS)
async def test_each_end_has_its_code(code: str) -> None:
    log = Log()
    async with Rig(hooks=log.hooks) as rig:
        ENDS[code](rig.session)
    assert log.events[-1][1].code == code


async def test_a_limit_that_the_client_exceeds_is_an_error() -> None:
    log = Log()
    async with Rig(hooks=log.hooks) as rig:
        rig.session.close("too many messages", POLICY_VIOLATION, tell=True)
    assert log.events[-1][1].code == "error"
    assert rig.of_type("end_stream")[0]["code"] == "error"


async def test_an_error_that_ends_it_has_its_code() -> None:
    async with Rig() as rig:
        rig.session.report(ValueError("of a turn"))
        rig.session.fail(ValueError("of all"))
    assert [(one["data"], one.get("code")) for one in rig.of_type("error")] == [
        ("of a turn", None),
        ("of all", "error"),
    ]


async def test_the_context_closes_the_connection_from_any_thread() -> None:
    log = Log()
    async with Rig(hooks=log.hooks) as rig:
        await asyncio.to_thread(rig.context.close, "That is all.")
        await rig.session.closed.wait()
    assert rig.sent == [{"type": "end_stream", "data": "That is all.", "code": "server"}]
    assert log.events[-1][1].code == "server"


async def test_functions_that_fail_cost_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    def fail(*args: Any) -> None:
        raise ValueError("broken")

    async with Rig(hooks=Hooks(on_connect=fail, on_disconnect=fail)) as rig:
        await until(lambda: rig.errors)
        assert not rig.session.ended
    assert rig.errors == ["broken"]
    assert "on_connect failed" in caplog.text and "on_disconnect() failed" in caplog.text


@virtual_time
async def test_an_on_disconnect_that_never_ends_is_abandoned(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def hang(*args: Any) -> None:
        await asyncio.Event().wait()

    async with Rig(hooks=Hooks(on_disconnect=hang)):
        pass
    assert "on_disconnect() takes more than 10 s" in caplog.text


async def test_an_on_connect_that_runs_ends_with_the_connection() -> None:
    cancelled = asyncio.Event()

    async def hang(context: Any) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with Rig(hooks=Hooks(on_connect=hang)):
        await asyncio.sleep(0)
    assert cancelled.is_set()


async def test_the_lag_of_the_loop_is_measured_while_there_are_connections() -> None:
    ends: list[Any] = []
    stream = Stream(
        AsyncAudioEcho(),
        modality="audio",
        mode="send-receive",
        on_disconnect=lambda context, end: ends.append(end),
    )
    async with Call(stream) as call:
        (id,) = stream.handlers
        loop = next(iter(endpoint_of(stream).places)).session.loop
        assert stream.stats(id).loop_lag_s is None
        await call.wait(0.6)
        assert stream.stats(id).loop_lag_s is not None
        await call.hang_up()
        assert lag_of(loop) is None
    assert ends[0].stats.loop_lag_s is not None
