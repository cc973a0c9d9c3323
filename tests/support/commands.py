"""Programs that a test steers over stdin: each request is answered by a line of JSON."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Coroutine, Iterable
from typing import Any, TypeVar

__all__ = ["a_few_at_a_time", "answer_requests"]

T = TypeVar("T")


async def answer_requests(commands: object) -> None:
    """Answer the requests of the test, one after the other, until it closes stdin.

    Args:
        commands: Its method ``do`` of ``{"do": "call", "count": 3}`` gets the other fields.
    """
    async for line in _lines():
        request = json.loads(line)
        answer = await getattr(commands, request.pop("do"))(**request)
        print(json.dumps(answer), flush=True)


async def _lines() -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield line


async def a_few_at_a_time(all: Iterable[Coroutine[Any, Any, T]], at_a_time: int = 10) -> list[T]:
    """Await coroutines, *at_a_time* of them at once, and return their results in order."""
    places = asyncio.Semaphore(at_a_time)

    async def run(one: Coroutine[Any, Any, T]) -> T:
        async with places:
            return await one

    return await asyncio.gather(*map(run, all))
