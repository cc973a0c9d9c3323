"""Options that a component inherits from its stream."""

from __future__ import annotations

from typing import Any

from .endpoint import endpoint_of, has_endpoint

__all__ = ["FromStream"]


class FromStream:
    """An attribute of a component: its own value, else its stream's, else a default.

    It is resolved when it is read, so that setting the attribute of a ``Stream`` affects its page,
    too.

    Args:
        default: The value without a stream.
    """

    def __init__(self, default: Any) -> None:
        self._default = default
        self._name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, component: Any, owner: type | None = None) -> Any:
        """Return the value."""
        if component is None:
            return self._default
        if self._name in vars(component):
            return vars(component)[self._name]
        stream = endpoint_of(component).stream if has_endpoint(component) else None
        return self._default if stream is None else getattr(stream, self._name)

    def __set__(self, component: Any, value: Any) -> None:
        """Set the component's own value."""
        vars(component)[self._name] = value
