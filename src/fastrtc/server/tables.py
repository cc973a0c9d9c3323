"""The dicts of connections that programs written for FastRTC read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..transport.webrtc.peer import Peer
from .connection import Connection

__all__ = ["Tables"]

_OF_PEERS = ("pcs", "connection_timeouts")


class Tables:
    """The public dicts of a ``Stream`` or a component, by connection id, as in FastRTC 0.0.34.

    Args:
        owner: The object with the dicts.
        clean_up: Its method in the class of this package, to detect an override.
    """

    def __init__(self, owner: Any, clean_up: Callable[..., Any]) -> None:
        self._owner = owner
        self._clean_up = clean_up
        self._peers: set[str] = set()  # until they are resumed over another transport

    def changed(self, connection: Connection) -> None:
        """Record a new connection, or that its data channel has opened."""
        self._write(connection.id, connection)

    def ended(self, id: str) -> None:
        """Remove a closed connection."""
        self._write(id, None)

    def ending(self, id: str) -> None:
        """Call the program's override of ``clean_up``, if there is one."""
        if type(self._owner).clean_up is not self._clean_up:
            self._owner.clean_up(id)

    def _write(self, id: str, connection: Connection | None) -> None:
        owner = self._owner
        values: dict[str, Any] = {}
        if connection is not None:
            transport = connection.transport
            values = {"handlers": connection.session.handler, "connections": connection.callbacks}
            if isinstance(transport, Peer):
                values |= {"pcs": transport.pc, "connection_timeouts": transport.connected}
            if transport.channel is not None:
                values["data_channels"] = transport.channel
        for name in ("handlers", "connections", "pcs", "connection_timeouts", "data_channels"):
            table: dict[str, Any] = getattr(owner, name)
            if name in values:
                table[id] = values[name]
            elif connection is None or (name in _OF_PEERS and id in self._peers):
                table.pop(id, None)
        if "pcs" in values:
            self._peers.add(id)
        else:
            self._peers.discard(id)
