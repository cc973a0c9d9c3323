"""Messages of a session as RTVI messages. No I/O."""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import Any

from .messages import create, create_error, create_signal

__all__ = ["CALL_DROPPED", "Outgoing"]

DROPPED = frozenset(
    {
        "conversation",
        "fetch_output",
        "interrupted",
        "log",
        "report_heard",
        "send_input",
        "transcript",
        "turn",
    }
)
"""Messages for this package's own clients. What they say reaches RTVI clients as events of the
conversation, or is of no use to them."""

REPLACED = "replaced"
"""The code of the end of a connection whose client has resumed its session over another one."""

CALL_DROPPED = "call_dropped"
"""The type of a message with the id of a call of the client whose result is no longer awaited."""

MAX_CALLS = 256
"""Calls of the client whose names are remembered until their results; more are never running."""


class Outgoing:
    """Translate what a session sends to its client.

    Results of methods become ``server-response`` or ``error-response``, calls of functions of the
    client ``llm-function-call-started`` and ``llm-function-call-in-progress``, their end without a
    result ``llm-function-call-stopped``, and the program's messages ``server-message``.

    Attributes:
        ended: Whether the session has announced its end.
    """

    def __init__(self) -> None:
        self.ended = False
        self._calls: OrderedDict[str, str] = OrderedDict()  # name by id
        self._functions: OrderedDict[str, str] = OrderedDict()  # of the client, name by id

    def expect(self, id: str, name: str) -> None:
        """Record that a method is called, whose result will be sent."""
        _remember(self._calls, id, name)

    def forget(self, id: str) -> None:
        """Record that no result will be sent."""
        self._calls.pop(id, None)

    def translate(self, text: str) -> list[str]:
        """Return the texts to send for a message of the session."""
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):  # a string that the program has sent
            return [create("server-message", text)]
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            return [create("server-message", message)]
        kind = message["type"]
        if kind in DROPPED and message.keys() <= {"type", "data"}:
            return []
        if kind == "error":
            text = str(message.get("message") or message.get("data"))
            return [create_error(text, fatal="code" in message)]
        if kind == "end_stream" and message.get("code") == REPLACED:
            return []  # the client knows: it has made another connection
        if kind == "end_stream":
            self.ended = True
            return [create("server-message", message), create_signal("peerLeft")]
        if kind == "result" and str(message.get("id")) in self._calls:
            return [self._result(message)]
        if kind == "call" and isinstance(message.get("name"), str) and "id" in message:
            _remember(self._functions, str(message["id"]), message["name"])
            return _call(message)
        if kind == CALL_DROPPED and str(message.get("id")) in self._functions:
            return [self._function_cancelled(str(message["id"]))]
        return [create("server-message", message)]

    def function_stopped(self, id: str, result: Any) -> str:
        """Return the message for a function of the client that has returned a result."""
        data = {"tool_call_id": id, "cancelled": False, "result": result}
        if id in self._functions:
            data["function_name"] = self._functions.pop(id)
        return create("llm-function-call-stopped", data)

    def _function_cancelled(self, id: str) -> str:
        name = self._functions[id]  # kept, as it may be sent again to a client that returns
        cancelled = {"tool_call_id": id, "cancelled": True, "function_name": name}
        return create("llm-function-call-stopped", cancelled)

    def _result(self, message: dict[str, Any]) -> str:
        id = str(message["id"])
        name = self._calls[id]  # kept, as it may be sent again to a client that returns
        if "error" in message:
            return create("error-response", {"error": str(message["error"])}, id)
        return create("server-response", {"t": name, "d": message.get("data")}, id)


def _remember(names: OrderedDict[str, str], id: str, name: str) -> None:
    names[id] = name
    while len(names) > MAX_CALLS:
        names.popitem(last=False)


def _call(message: dict[str, Any]) -> list[str]:
    name, data = message["name"], message.get("data")
    arguments = data if isinstance(data, dict) else {} if data is None else {"data": data}
    call = {
        "function_name": name,
        "tool_call_id": str(message["id"]),
        "arguments": arguments,
        "args": arguments,  # as older clients read it
    }
    return [
        create("llm-function-call-started", {"function_name": name}),
        create("llm-function-call-in-progress", call),
    ]
