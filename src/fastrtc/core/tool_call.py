"""A call of a function of the client, which a reply function yields."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from .context import get_current_context

__all__ = ["ToolCall"]


@dataclass(frozen=True)
class ToolCall:
    """A call of a function of the client: ``result = yield ToolCall(name, arguments)``.

    A reply function, or a function that ``say`` gets, yields it, sync or async; the result comes
    back as the value of ``yield``. Other async code awaits it: ``result = await ToolCall(...)``.
    For clients of the OpenAI Realtime API it is a function call; for those of this package it is
    ``Context.call``. In a function that is called early, it waits until the reply is certain to be
    played.

    Attributes:
        name: The name of the function.
        arguments: Its arguments; anything that JSON can represent, mostly a dict.
        timeout_s: How long to wait for the result, in seconds.

    Raises:
        ClientCallError: At the ``yield`` or ``await``, if the client has no such function, its
            function failed, or the connection has ended.
        ClientCallTimeout: If there is no result in time.
    """

    name: str
    arguments: Any = None
    timeout_s: float = 60.0

    async def call(self) -> Any:
        """Call the function on the connection of the running code, and return its result."""
        context = get_current_context()
        await context.committed()
        return await context.call(self.name, self.arguments, self.timeout_s)

    def __await__(self) -> Generator[Any, None, Any]:
        """Call the function, and wait for its result."""
        return self.call().__await__()
