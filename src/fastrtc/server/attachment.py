"""The endpoint of a ``Stream`` or a component, under a name that programs do not use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from ..handlers.inputs import WebRTCData

if TYPE_CHECKING:
    from .endpoint import Endpoint

__all__ = ["attach", "endpoint_of", "has_endpoint", "id_of"]

NAME = "__fastrtc_endpoint__"
"""The key in the ``__dict__`` of a ``Stream`` or a component."""

E = TypeVar("E", bound="Endpoint")


def id_of(webrtc_data: WebRTCData | str) -> str:
    """Return the connection id in the value of a component."""
    return webrtc_data.webrtc_id if isinstance(webrtc_data, WebRTCData) else webrtc_data


def attach(owner: Any, endpoint: E) -> E:
    """Store the endpoint of a ``Stream`` or a component."""
    vars(owner)[NAME] = endpoint
    return endpoint


def has_endpoint(owner: Any) -> bool:
    """Return whether an endpoint is attached; before ``__init__``, none is."""
    return NAME in vars(owner)


def endpoint_of(owner: Any) -> Any:
    """Return the endpoint of a ``Stream`` or a component.

    Raises:
        RuntimeError: If the ``__init__`` of its class does not call that of the base class.
    """
    try:
        return vars(owner)[NAME]
    except KeyError:
        name = type(owner).__name__
        raise RuntimeError(f"{name}.__init__() must call super().__init__()") from None
