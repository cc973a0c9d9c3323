"""Check the parameters of functions of the program, before the first call."""

from __future__ import annotations

import inspect
from typing import Any

__all__ = ["check_callback"]


def check_callback(name: str, function: Any, *arguments: str) -> None:
    """Check that a function can be called with positional arguments.

    Builtins without a signature pass, and decorators decide about their own parameters.

    Args:
        name: What the function is, for the message.
        function: The function.
        *arguments: The arguments that it gets, for the message.

    Raises:
        TypeError: If it has other parameters.
    """
    try:
        signature = inspect.signature(function, follow_wrapped=False)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(*arguments)
    except TypeError:
        what = " and ".join(arguments)
        raise TypeError(f"{name} must be a function of {what}, not {function!r}") from None
