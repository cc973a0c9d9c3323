"""What the present connection of a client reports."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .errors import ClientError
from .link import LinkEvents
from .received import parse_message
from .resume_state import ResumeState

__all__ = ["SwitchedEvents"]

END = "end_stream"


class SwitchedEvents:
    """Pass on what one connection reports, until another one has taken its place.

    Args:
        events: Gets what it reports.
        state: Counts the messages.
        on_ended: Called when the connection has ended.

    Attributes:
        on: Whether it is passed on.
        error: Why the connection has ended; None before.
        ended_by_server: Whether the server has said so, in a message.
    """

    def __init__(
        self,
        events: LinkEvents,
        state: ResumeState,
        on_ended: Callable[[ClientError], None],
    ) -> None:
        self._events = events
        self._state = state
        self._on_ended = on_ended
        self.on = True
        self.ended_by_server = False
        self.error: ClientError | None = None

    def audio(self, rate: int, samples: NDArray[np.int16]) -> None:
        """Pass on received audio."""
        if self.on:
            self._events.audio(rate, samples)

    def video(self, image: NDArray[np.uint8]) -> None:
        """Pass on a received frame."""
        if self.on:
            self._events.video(image)

    def message(self, text: str) -> None:
        """Count and pass on a message of the server."""
        if self.on:
            self._state.received += 1
            if END in text and parse_message(text)["type"] == END:
                self.ended_by_server = True
            self._events.message(text)

    def clear(self) -> None:
        """Pass on that unplayed audio is dropped."""
        if self.on:
            self._events.clear()

    def pause(self) -> None:
        """Pass on that audio is held."""
        if self.on:
            self._events.pause()

    def resume(self) -> None:
        """Pass on that audio is played again."""
        if self.on:
            self._events.resume()

    def ended(self, error: ClientError) -> None:
        """Record the end of the connection."""
        self.error = error
        if self.on:
            self._on_ended(error)
