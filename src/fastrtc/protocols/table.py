"""The protocols that ``Stream.mount`` knows, by name; each is loaded when it is used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import TypeAlias

from starlette.routing import BaseRoute

from ..server.stream_endpoint import StreamEndpoint
from ..server.webrtc_protocol import FASTRTC

__all__ = ["MODULES", "check_protocols", "protocol_routes"]

CreateRoutes: TypeAlias = Callable[[StreamEndpoint, str], Sequence[BaseRoute]]
"""Creates the routes of a protocol for an endpoint, below a path."""

MODULES: dict[str, str] = {
    "openai-realtime": "openai_realtime.routes",
    "rtvi": "rtvi.routes",
    "whip": "whip.routes",
}
"""The module of each protocol, with its ``routes``, a ``CreateRoutes``."""


def check_protocols(protocols: object) -> list[str]:
    """Return the names of protocols, each once.

    Raises:
        ValueError: If it is no list of names, or a name is unknown.
    """
    known = [FASTRTC, *MODULES]
    if isinstance(protocols, str) or not isinstance(protocols, Iterable):
        raise ValueError(f"protocols must be a list of names, not {protocols!r}")
    names = list(protocols)
    for name in names:
        if not isinstance(name, str) or name not in known:
            raise ValueError(f"Unknown protocol {name!r}: there are {', '.join(known)}")
    if not names:
        raise ValueError(f"protocols must name at least one of {', '.join(known)}")
    return list(dict.fromkeys(names))


def protocol_routes(names: Iterable[str], endpoint: StreamEndpoint, path: str) -> list[BaseRoute]:
    """Return the routes of protocols, other than this package's own, for an endpoint."""
    routes: list[BaseRoute] = []
    for name in names:
        if name != FASTRTC:
            module = import_module(f"{__package__}.{MODULES[name]}")
            create: CreateRoutes = module.routes
            routes += create(endpoint, path)
    return routes
