"""Calls of the program to functions of the client."""

import asyncio
import json
import threading
from typing import Any

import pytest

from fastrtc.core.errors import ClientCallError, ClientCallTimeout
from fastrtc.session.client_calls import MAX_PENDING
from tests.session.rig import Rig, until


def answer(rig: Rig, **fields: Any) -> None:
    """Answer the last call, as a client would."""
    rig.messages.receive({"type": "result", "id": rig.of_type("call")[-1]["id"], **fields})


async def test_a_call_returns_the_result_of_the_client() -> None:
    async with Rig() as rig:
        call = asyncio.ensure_future(rig.context.call("location", {"exact": True}))
        (sent,) = await until(lambda: rig.of_type("call"))
        assert sent == {
            "type": "call",
            "id": sent["id"],
            "name": "location",
            "data": {"exact": True},
        }
        answer(rig, data=[1, None])
        assert await call == [1, None]
    assert rig.errors == []


async def test_a_call_from_a_thread() -> None:
    async with Rig() as rig:
        calling = asyncio.ensure_future(asyncio.to_thread(rig.context.call_sync, "f", 1))
        await until(lambda: rig.of_type("call"))
        answer(rig, data="done")
        assert await calling == "done"
        with pytest.raises(RuntimeError, match="await call"):
            rig.context.call_sync("f")


async def test_an_error_of_the_client_is_raised() -> None:
    async with Rig() as rig:
        for error, text in (("no such function", "no such function"), ({"a": 1}, '{"a": 1}')):
            call = asyncio.ensure_future(rig.context.call("f"))
            count = len(rig.sent)
            await until(lambda count=count: len(rig.sent) > count)
            answer(rig, error=error)
            with pytest.raises(ClientCallError) as raised:
                await call
            assert str(raised.value) == text


async def test_calls_overlap_and_their_results_are_not_mixed_up() -> None:
    async with Rig() as rig:
        calls = [asyncio.ensure_future(rig.context.call("f", n)) for n in range(20)]
        await until(lambda: len(rig.of_type("call")) == 20)
        for message in reversed(rig.of_type("call")):
            rig.messages.receive(
                {"type": "result", "id": message["id"], "data": message["data"] * 2}
            )
        assert await asyncio.gather(*calls) == [2 * n for n in range(20)]


async def test_a_call_times_out_and_the_late_result_is_an_error_for_its_sender() -> None:
    async with Rig() as rig:
        with pytest.raises(ClientCallTimeout, match="f: the client did not answer within 0.01 s"):
            await rig.context.call("f", timeout_s=0.01)
        answer(rig, data=1)
        (call,) = rig.of_type("call")
        assert rig.errors == [f"The result of the call {call['id']!r} came too late"]
        with pytest.raises(TimeoutError):
            await asyncio.to_thread(rig.context.call_sync, "f", None, 0.01)
        assert not rig.session.ended


async def test_a_result_that_nothing_waits_for_is_a_message_of_the_program() -> None:
    async with Rig() as rig:
        for id in ("unknown", 3, None, ["x"]):
            assert rig.messages.receive({"type": "result", "id": id}) is False
    assert rig.sent == []


async def test_the_end_of_the_connection_ends_calls() -> None:
    async with Rig() as rig:
        waiting = asyncio.ensure_future(rig.context.call("f"))
        in_thread = asyncio.ensure_future(asyncio.to_thread(rig.context.call_sync, "f"))
        await until(lambda: len(rig.of_type("call")) == 2)
        rig.session.close("enough")
        for call in (waiting, in_thread):
            with pytest.raises(ClientCallError, match="The connection has ended"):
                await call
    with pytest.raises(ClientCallError, match="the connection has ended"):
        await rig.context.call("f")


async def test_a_cancelled_call_leaves_nothing() -> None:
    async with Rig() as rig:
        call = asyncio.ensure_future(rig.context.call("f"))
        await until(lambda: rig.of_type("call"))
        call.cancel()
        await asyncio.wait([call])
        answer(rig, data=1)
        assert not rig.session.calls._pending
        assert len(rig.errors) == 1


async def test_what_cannot_be_sent_is_refused() -> None:
    async with Rig() as rig:
        with pytest.raises(TypeError):
            await rig.context.call("f", object())
        with pytest.raises(ValueError, match="a call may have 65536 bytes"):
            await rig.context.call("f", "a" * 65_536)
        for name in ("", 3):
            with pytest.raises(ValueError, match="must be a string"):
                await rig.context.call(name)  # type: ignore[arg-type]
        assert not rig.session.calls._pending
    assert rig.sent == []


async def test_calls_that_wait_are_bounded() -> None:
    async with Rig() as rig:
        calls = [asyncio.ensure_future(rig.context.call("f")) for _ in range(MAX_PENDING)]
        await until(lambda: len(rig.of_type("call")) == MAX_PENDING)
        with pytest.raises(ClientCallError, match="more than 256 calls"):
            await rig.context.call("f")
        rig.session.close("enough")
        await asyncio.gather(*calls, return_exceptions=True)


async def test_results_that_arrive_while_threads_give_up() -> None:
    """The time-out of a thread and the result on the loop may coincide."""
    async with Rig() as rig:

        def call() -> str:
            try:
                return str(rig.context.call_sync("f", None, 0.001))
            except ClientCallTimeout:
                return "late"

        calls = [asyncio.ensure_future(asyncio.to_thread(call)) for _ in range(50)]
        answered = 0
        while not all(one.done() for one in calls):
            for message in rig.of_type("call")[answered:]:
                answered += 1
                rig.messages.receive({"type": "result", "id": message["id"], "data": "in time"})
            await asyncio.sleep(0)
        assert {*await asyncio.gather(*calls)} <= {"late", "in time"}
        assert all("too late" in error for error in rig.errors)
    assert json.dumps(rig.sent)
    assert threading.active_count() < 100
