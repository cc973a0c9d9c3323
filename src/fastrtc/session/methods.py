"""Methods of the program that the client may call."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeAlias

from ..core.errors import HandlerExited
from ..core.failures import text_of
from ..handlers.invoke import Invoker
from .client_messages import MAX_MESSAGE_BYTES

__all__ = ["Method", "Methods", "check_method"]

Method: TypeAlias = Callable[..., Any]
"""A function of the program, sync or async, with one parameter or none."""

MAX_RUNNING = 64
"""Calls of one client that run at a time; further ones are refused."""

MAX_ID_LENGTH = 128
"""Maximum length of the id that a client gives to a call, in characters."""


def check_method(function: Any) -> int:
    """Return how many arguments a method gets: 1, or 0 if it has no parameters.

    Raises:
        TypeError: If it cannot be called with one argument, or with none.
    """
    for count in (1, 0):
        try:
            inspect.signature(function).bind(*[None] * count)
        except TypeError:
            continue
        except ValueError:  # a builtin without a signature
            pass
        return count
    raise TypeError(f"A method must have one parameter, the data of the call, not {function!r}")


class Methods:
    """Run the methods that one client calls, and send it the results.

    A sync method runs in a thread, and calls of the same method run one after another; an async
    one runs in a task.

    Args:
        functions: The methods by name, with the number of their arguments.
        invoker: Runs user code.
        post: Sends a message to the client.
        start_task: Runs a coroutine as a task of the session.
        report: Logs the exception of a method, whose name it gets.
    """

    def __init__(
        self,
        functions: Mapping[str, tuple[Method, int]],
        invoker: Invoker,
        post: Callable[[str], None],
        start_task: Callable[[Coroutine[Any, Any, None], str], asyncio.Task[None]],
        report: Callable[[str, Exception], None],
    ) -> None:
        self._functions = functions
        self._invoker = invoker
        self._post = post
        self._start_task = start_task
        self._report = report
        self._running = 0

    def receive(self, message: dict[str, Any]) -> bool | None:
        """Process a ``call`` of the client.

        Returns:
            False if it is no call, but a message of the program.

        Raises:
            ValueError: If it is malformed.
        """
        id, name = message.get("id"), message.get("name")
        if not self._functions and not (isinstance(id, str | int) and isinstance(name, str)):
            return False
        if not isinstance(id, str | int) or isinstance(id, bool) or len(str(id)) > MAX_ID_LENGTH:
            raise ValueError(
                f"A call must have an 'id', a number or a string of up to {MAX_ID_LENGTH} "
                "characters"
            )
        if not isinstance(name, str):
            self._fail(id, "A call must have a 'name', a string")
        elif name not in self._functions:
            self._fail(id, f"There is no method {name[:100]!r}")
        elif self._running >= MAX_RUNNING:
            self._fail(id, f"More than {MAX_RUNNING} calls are running")
        else:
            self._running += 1
            self._start_task(self._run(id, name, message.get("data")), f"method:{name}")
        return None

    async def _run(self, id: str | int, name: str, data: Any) -> None:
        try:
            text = await self._result(id, name, data)
        finally:
            self._running -= 1  # before the client gets the result, and may call again
        self._post(text)

    async def _result(self, id: str | int, name: str, data: Any) -> str:
        function, count = self._functions[name]
        try:
            value = await self._invoker.call(f"method:{name}", function, *[data][:count])
        except Exception as error:
            self._report(name, error)
            if isinstance(error, HandlerExited):
                self._fail(id, text_of(error))
                raise
            return _error(id, text_of(error))
        try:
            text = json.dumps({"type": "result", "id": id, "data": value})
        except (TypeError, ValueError, RecursionError) as error:
            self._report(name, error)
            return _error(id, f"The method {name!r} returned a value that JSON cannot represent")
        if len(text) > MAX_MESSAGE_BYTES:
            size = f"{len(text)} bytes, more than {MAX_MESSAGE_BYTES}"
            return _error(id, f"The result of {name!r} has {size}")
        return text

    def _fail(self, id: str | int, error: str) -> None:
        self._post(_error(id, error))


def _error(id: str | int, error: str) -> str:
    return json.dumps({"type": "result", "id": id, "error": error})
