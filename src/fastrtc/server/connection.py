"""The record of one connection."""

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
    """One connection, from the creation of its session until it starts to close.

    Attributes:
        session: Its life cycle, with the running handler.
        media: The handler's input and output.
        transport: A ``Peer`` or an ``OpenSocket``.
        callbacks: The media callbacks that programs find in ``connections[id]``.
        outputs: The handler's ``AdditionalOutputs``, for its readers.
    """

    session: Session
    media: Media
    transport: Transport
    callbacks: list[Any]
    outputs: OutputQueue

    @property
    def id(self) -> str:
        """The id chosen by the client."""
        return self.session.id
