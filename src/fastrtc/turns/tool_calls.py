"""Calls of the client's functions by a reply: their results go back into its generator."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Iterator
from typing import Any

from ..core.errors import ClientCallError
from ..core.tool_call import ToolCall

__all__ = ["ToolSteps", "with_tools"]


def with_tools(
    iterator: Iterator[Any], call: Callable[[ToolCall], Any]
) -> Generator[Any, None, Any]:
    """Iterate over the outputs of a generator; its tool calls are made instead.

    Args:
        iterator: A generator, or any other iterator, which gets no results.
        call: Makes a call, and returns its result.

    Returns:
        What the generator returns.
    """
    try:
        while True:
            output = next(iterator)
            while isinstance(output, ToolCall):
                try:
                    result = call(output)
                except ClientCallError as error:
                    output = _throw(iterator, error)
                else:
                    output = _send(iterator, result)
            yield output
    except StopIteration as end:
        return end.value
    finally:
        close = getattr(iterator, "close", None)
        if close is not None:
            close()


def _send(iterator: Iterator[Any], result: Any) -> Any:
    return iterator.send(result) if isinstance(iterator, Generator) else next(iterator)


def _throw(iterator: Iterator[Any], error: ClientCallError) -> Any:
    if not isinstance(iterator, Generator):
        raise error
    return iterator.throw(error)


class ToolSteps:
    """Iterate over an async generator in the same way.

    Args:
        generator: The generator, or any other async iterator.
        step: Returns its next item.
    """

    def __init__(self, generator: Any, step: Callable[[Any], Awaitable[Any]]) -> None:
        self._generator = generator
        self._step = step

    async def next(self) -> Any:
        """Return the next output that is no tool call.

        Raises:
            StopAsyncIteration: If there is none.
        """
        output = await self._step(self._generator)
        while isinstance(output, ToolCall):
            output = await self._after(output)
        return output

    async def _after(self, tool: ToolCall) -> Any:
        generator = self._generator
        try:
            result = await tool.call()
        except ClientCallError as error:
            if not hasattr(generator, "athrow"):
                raise
            return await generator.athrow(error)
        if not hasattr(generator, "asend"):
            return await self._step(generator)
        return await generator.asend(result)
