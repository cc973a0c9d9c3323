"""Messages of a session as RTVI messages. No I/O."""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import Any

from .messages import create, create_error, create_signal

__all__ = ["Outgoing"]

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

MAX_CALLS = 256
"""Calls of the client whose names are remembered until their results; more are never running."""


class Outgoing:
    """Translate what a session sends to its client.

    Results of methods become ``server-response`` or ``error-response``, calls of functions of the
    client ``llm-function-call-in-progress``, and the program's messages ``server-message``.

    Attributes:
        ended: Whether the session has announced its end.
    """

    def __init__(self) -> None:
        self.ended = False
        self._calls: OrderedDict[str, str] = OrderedDict()  # name by id

    def expect(self, id: str, name: str) -> None:
        """Record that a method is called, whose result will be sent."""
        self._calls[id] = name
        while len(self._calls) > MAX_CALLS:
            self._calls.popitem(last=False)

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
            return [_call(message)]
        return [create("server-message", message)]

    def _result(self, message: dict[str, Any]) -> str:
        id = str(message["id"])
        name = self._calls[id]  # kept, as it may be sent again to a client that returns
        if "error" in message:
            return create("error-response", {"error": str(message["error"])}, id)
        return create("server-response", {"t": name, "d": message.get("data")}, id)


def _call(message: dict[str, Any]) -> str:
    data = message.get("data")
    arguments = data if isinstance(data, dict) else {} if data is None else {"data": data}
    return create(
        "llm-function-call-in-progress",
        {
            "function_name": message["name"],
            "tool_call_id": str(message["id"]),
            "arguments": arguments,
            "args": arguments,  # as older clients read it
        },
    )
