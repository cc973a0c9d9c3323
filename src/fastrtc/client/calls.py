"""Calls between a client and the program, as messages of types ``call`` and ``result``."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import TypeAlias

from .errors import JSON, ClientError

__all__ = ["CallHandler", "Calls"]

CallHandler: TypeAlias = Callable[[JSON], "JSON | Awaitable[JSON]"]
"""Answers a call of the program: gets its data, and returns the result. Sync or async."""


class Calls:
    """The functions of a client, and its calls that wait for their result.

    Args:
        send: Sends a message.
        run: Runs a coroutine as a task of the client.
    """

    def __init__(
        self,
        send: Callable[[Mapping[str, JSON]], None],
        run: Callable[[Coroutine[None, None, None]], None],
    ) -> None:
        self._send = send
        self._run = run
        self._functions: dict[str, CallHandler] = {}
        self._pending: dict[str, asyncio.Future[JSON]] = {}
        self._numbers = itertools.count(1)

    def handle(self, name: str, function: CallHandler | None) -> None:
        """Set, replace or remove (None) the function of a name."""
        if function is None:
            self._functions.pop(name, None)
        else:
            self._functions[name] = function

    async def call(self, name: str, data: JSON, timeout_s: float) -> JSON:
        """Call a method of the program, and return its result.

        Raises:
            ClientError: If there is no result.
        """
        id = f"client-{next(self._numbers)}"
        result: asyncio.Future[JSON] = asyncio.get_running_loop().create_future()
        self._pending[id] = result
        try:
            self._send({"type": "call", "id": id, "name": name, "data": data})
            return await asyncio.wait_for(result, timeout_s)
        except asyncio.TimeoutError:
            raise _failed(name, f"no answer within {timeout_s:g} s") from None
        except _Failed as error:
            raise _failed(name, str(error)) from None
        finally:
            self._pending.pop(id, None)

    def receive(self, message: dict[str, JSON]) -> None:
        """Process a ``call`` or a ``result`` of the server."""
        id = message.get("id")
        if message["type"] == "call":
            self._run(self._answer(message))
            return
        result = self._pending.get(id) if isinstance(id, str) else None
        if result is None or result.done():  # late
            return
        if "error" in message:
            error = message["error"]
            result.set_exception(_Failed(error if isinstance(error, str) else json.dumps(error)))
        else:
            result.set_result(message.get("data"))

    async def _answer(self, message: dict[str, JSON]) -> None:
        id, name = message.get("id"), message.get("name")
        function = self._functions.get(name) if isinstance(name, str) else None
        answer: dict[str, JSON] = {"type": "result", "id": id}
        if function is None:
            answer["error"] = f"There is no function {name!r}"
        else:
            try:
                value = function(message.get("data"))
                if inspect.isawaitable(value):
                    value = await value
                json.dumps(value)
                answer["data"] = value
            except Exception as error:
                answer["error"] = str(error) or type(error).__name__
        try:
            self._send(answer)
        except ClientError:  # it has ended meanwhile
            pass

    def end(self) -> None:
        """Let all calls that wait fail: the connection has ended."""
        for result in self._pending.values():
            if not result.done():
                result.set_exception(_Failed("the connection has ended"))


class _Failed(Exception):
    """A call has no result."""


def _failed(name: str, reason: str) -> ClientError:
    return ClientError(f"{name}: {reason}", "call_failed", {"name": name, "reason": reason})
