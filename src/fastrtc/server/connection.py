"""What an endpoint knows of one connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..session.media import Media
from ..session.outputs import OutputQueue
from ..session.session import Session
from ..transport.base import Transport

__all__ = ["Connection"]


@dataclass(frozen=True)
class Connection:
    """One connection, from the moment that it has a session until it begins to end.

    Attributes:
        session: Its life cycle, and the handler that runs.
        media: What goes to the handler and comes from it.
        transport: What carries them: a ``Peer``, or an ``OpenSocket``.
        callbacks: What programs find in ``connections[id]``.
        outputs: What the handler gave as ``AdditionalOutputs``, for its readers.
    """

    session: Session
    media: Media
    transport: Transport
    callbacks: list[Any]
    outputs: OutputQueue

    @property
    def id(self) -> str:
        """The id that the client chose."""
        return self.session.id
