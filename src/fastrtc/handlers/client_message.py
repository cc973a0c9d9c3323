"""The ``on_message`` of programs: which functions are one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeAlias

__all__ = ["OnMessage", "check_on_message", "takes_message"]

OnMessage: TypeAlias = Callable[[dict[str, Any]], Any]
"""Called with a message of the client: a dict with a string ``"type"``. Sync or async."""


def takes_message(function: Any) -> bool:
    """Return whether a handler's attribute ``on_message`` is a function of one message.

    A handler of an existing program may have a method of this name for something else, such as the
    callback ``on_message(self, socket, message)`` of a WebSocket library, which is not called.
    """
    if not callable(function):
        return False
    try:
        inspect.signature(function).bind({})
    except (TypeError, ValueError):  # other parameters, or a builtin without a signature
        return False
    return True


def check_on_message(function: Any) -> OnMessage | None:
    """Return the argument ``on_message``, a function or None.

    Raises:
        TypeError: If it cannot be called with one argument.
    """
    if function is None:
        return None
    if not takes_message(function):
        raise TypeError(f"on_message must be a function of one message, not {function!r}")
    found: OnMessage = function
    return found
