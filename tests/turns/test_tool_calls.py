"""Tool calls that a reply yields: made as calls of the client, with results for the generator."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from fastrtc import ClientCallError, ClientCallTimeout, ToolCall
from fastrtc.core.context import Connected, Context, connect_context, current_context
from fastrtc.session.client_calls import ClientCalls
from fastrtc.turns.reply import ENDED, Reply

silent = threading.Event()
"""Set when a function that does not answer was called."""


@pytest.fixture
async def called():
    """Connect the context of the test with a client; return what it is asked."""
    asked: list[tuple[str, Any]] = []
    silent.clear()

    def post(text: str) -> None:
        message = json.loads(text)
        asked.append((message["name"], message["data"]))
        if message["name"] == "silent":
            silent.set()
            return
        answer = {"type": "result", "id": message["id"]}
        if message["name"] == "wrong":
            answer["error"] = "no such function"
        else:
            answer["data"] = [message["name"], message["data"]]
        loop.call_soon_threadsafe(calls.receive, answer)

    loop = asyncio.get_running_loop()
    calls = ClientCalls(post, loop)
    context = Context("id")
    connect_context(context, Connected(print, print, calls.call, calls.call_sync, print))
    token = current_context.set(context)
    yield asked
    current_context.reset(token)


def sync(audio: Any = None) -> Iterator[Any]:
    yield "before"
    first = yield ToolCall("one", {"a": 1})
    second = yield ToolCall("two")
    yield first, second
    try:
        yield ToolCall("wrong")
    except ClientCallError as error:
        yield str(error)


async def of_async(audio: Any = None) -> AsyncIterator[Any]:
    yield "before"
    first = yield ToolCall("one", {"a": 1})
    second = await ToolCall("two")
    yield first, second
    try:
        yield ToolCall("wrong")
    except ClientCallError as error:
        yield str(error)


def makes_async(audio: Any = None) -> Any:
    return of_async()


async def coroutine(audio: Any = None) -> Any:
    return of_async()


EXPECTED = ["before", (["one", {"a": 1}], ["two", None]), "no such function"]


async def outputs(function: Any, **options: Any) -> list[Any]:
    reply = Reply(loop=asyncio.get_running_loop(), **options).bind(function)
    reply.start()
    found = []
    while (output := await reply.next()) is not ENDED:
        found.append(output)
    return found


@pytest.mark.parametrize("function", [sync, of_async, makes_async, coroutine])
async def test_results_are_the_values_of_yield(function, called):
    assert await outputs(function) == EXPECTED
    assert called == [("one", {"a": 1}), ("two", None), ("wrong", None)]


async def test_an_iterator_that_is_no_generator_gets_no_results(called):
    assert await outputs(lambda: iter([1, ToolCall("one"), 2])) == [1, 2]
    with pytest.raises(ClientCallError, match="no such function"):
        await outputs(lambda: iter([1, ToolCall("wrong")]))

    class Steps:
        def __aiter__(self):
            return self

        async def __anext__(self):
            if not self.items:
                raise StopAsyncIteration
            return self.items.pop(0)

    steps = Steps()
    steps.items = [1, ToolCall("one"), 2]
    assert await outputs(lambda: steps) == [1, 2]
    steps.items = [ToolCall("wrong")]
    with pytest.raises(ClientCallError, match="no such function"):
        await outputs(lambda: steps)


async def test_a_call_without_an_answer_times_out(called):
    def waits() -> Iterator[Any]:
        try:
            yield ToolCall("silent", timeout_s=0.01)
        except ClientCallTimeout:
            yield "late"

    assert await outputs(waits) == ["late"]


@pytest.mark.parametrize("is_async", [False, True])
async def test_an_interrupted_reply_waits_no_longer(is_async: bool, called):
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    def waits() -> Iterator[Any]:
        try:
            yield ToolCall("silent")
        finally:
            loop.call_soon_threadsafe(ended.set)

    async def waits_async() -> AsyncIterator[Any]:
        try:
            yield ToolCall("silent")
        finally:
            ended.set()

    reply = Reply(loop=loop).bind(waits_async if is_async else waits)
    reply.start()
    assert await asyncio.to_thread(silent.wait, 5)
    reply.supersede()
    assert await reply.next() is ENDED
    await asyncio.wait_for(ended.wait(), 5)


async def test_an_early_reply_calls_nothing_before_it_is_played(called):
    reply = Reply(loop=asyncio.get_running_loop(), early=True).bind(sync)
    reply.start()
    assert await reply.next() == "before"
    await asyncio.sleep(0.02)
    assert called == []
    reply.commit()
    assert [await reply.next(), await reply.next()] == EXPECTED[1:]

    discarded = Reply(loop=asyncio.get_running_loop(), early=True).bind(sync)
    discarded.start()
    assert await discarded.next() == "before"
    called.clear()
    discarded.supersede()
    await asyncio.sleep(0.02)
    assert called == []
    with pytest.raises(RuntimeError, match="No context"):
        current_context.set(None)
        await ToolCall("one")
