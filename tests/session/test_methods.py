"""Methods of the program that the client may call."""

import asyncio
import threading
from typing import Any

import pytest

from fastrtc import get_current_context
from fastrtc.session.hooks import Hooks
from fastrtc.session.methods import MAX_RUNNING, check_method
from tests.session.rig import Rig, until


def serving(*functions: Any) -> Rig:
    methods = {function.__name__: (function, check_method(function)) for function in functions}
    return Rig(hooks=Hooks(methods=methods))


async def call(rig: Rig, id: Any, name: str, **fields: Any) -> dict[str, Any]:
    rig.messages.receive({"type": "call", "id": id, "name": name, **fields})
    found = await until(lambda: [one for one in rig.of_type("result") if one["id"] == id])
    result: dict[str, Any] = found[0]
    return result


async def test_sync_and_async_methods_answer() -> None:
    def double(data: Any) -> Any:
        return data * 2, get_current_context().webrtc_id, threading.current_thread().name

    async def later(data: Any) -> Any:
        await asyncio.sleep(0)
        return data, get_current_context().webrtc_id

    def nothing() -> None: ...

    async with serving(double, later, nothing) as rig:
        result = await call(rig, "a", "double", data=4)
        assert result == {
            "type": "result",
            "id": "a",
            "data": [8, "me", "fastrtc-me:method:double"],
        }
        assert (await call(rig, 7, "later", data=[1]))["data"] == [[1], "me"]
        assert (await call(rig, "c", "later"))["data"] == [None, "me"]
        assert await call(rig, "d", "nothing", data=1) == {
            "type": "result",
            "id": "d",
            "data": None,
        }


async def test_what_a_method_raises_is_the_caller_s_error_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(data: Any) -> Any:
        raise LookupError("no such order")

    async with serving(fail) as rig:
        assert (await call(rig, "a", "fail"))["error"] == "no such order"
        assert (await call(rig, "b", "fail"))["error"] == "no such order"
        assert not rig.session.ended
    assert rig.errors == []  # nothing for the user of the page
    assert "fail failed" in caplog.text


async def test_a_method_that_exits_ends_its_connection_only() -> None:
    async def leave(data: Any) -> Any:
        raise SystemExit(3)

    async with serving(leave) as rig:
        assert "SystemExit" in (await call(rig, "a", "leave"))["error"]
        await until(lambda: rig.session.ended)


async def test_results_that_cannot_be_sent_are_errors() -> None:
    def odd(data: Any) -> Any:
        return object()

    def large(data: Any) -> Any:
        return "a" * 70_000

    async with serving(odd, large) as rig:
        assert "JSON cannot represent" in (await call(rig, "a", "odd"))["error"]
        assert "more than 65536" in (await call(rig, "b", "large"))["error"]


async def test_malformed_calls_are_refused() -> None:
    def f(data: Any) -> Any: ...

    async with serving(f) as rig:
        assert (await call(rig, "a", "g"))["error"] == "There is no method 'g'"
        rig.messages.receive({"type": "call", "id": "b", "name": 3})
        assert rig.of_type("result")[-1] == {
            "type": "result",
            "id": "b",
            "error": "A call must have a 'name', a string",
        }
        for id in (None, True, 1.5, [], "a" * 129):
            rig.messages.receive({"type": "call", "id": id, "name": "f"})
        assert len(rig.errors) == 5 and "must have an 'id'" in rig.errors[0]


async def test_without_methods_another_call_is_a_message_of_the_program() -> None:
    async with serving() as rig:
        assert rig.messages.receive({"type": "call", "number": "+1"}) is False
        assert (await call(rig, "a", "f"))["error"] == "There is no method 'f'"
    assert rig.errors == []


async def test_running_calls_are_bounded_and_a_blocked_method_blocks_no_other() -> None:
    free = threading.Event()

    def block(data: Any) -> str:
        free.wait(20)
        return "free"

    def quick(data: Any) -> str:
        return "quick"

    async with serving(block, quick) as rig:
        for number in range(MAX_RUNNING - 1):
            rig.messages.receive({"type": "call", "id": number, "name": "block"})
        assert (await call(rig, "q", "quick"))["data"] == "quick"
        rig.messages.receive({"type": "call", "id": "last", "name": "block"})
        assert "More than 64 calls" in (await call(rig, "x", "quick"))["error"]
        free.set()
        assert await until(lambda: [one for one in rig.of_type("result") if one["id"] == "last"])
        assert (await call(rig, "y", "quick"))["data"] == "quick"


@pytest.mark.parametrize(
    ("function", "count"), [(lambda data: 1, 1), (lambda: 1, 0), (lambda *all: 1, 1), (len, 1)]
)
def test_a_method_has_one_parameter_or_none(function: Any, count: int) -> None:
    assert check_method(function) == count


@pytest.mark.parametrize("function", [lambda a, b: 1, lambda *, a: 1])
def test_others_are_refused(function: Any) -> None:
    with pytest.raises(TypeError, match="must have one parameter"):
        check_method(function)
