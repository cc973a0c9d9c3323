"""Output that can stop, and continue with what the client has not heard."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ..core.timed_event import TimedEvent
from .playout import Playout, PlayoutFrame
from .sent_audio import HeardUntil, SentAudio

__all__ = ["Detached", "SuspendableOutput"]


class Detached(Exception):
    """The transport that waits for a frame was detached: another one gets the audio."""


class SuspendableOutput:
    """The output of audio over one transport after the other, on the event loop.

    Args:
        playout: Paces the audio; None drops it, as the client receives none.

    Attributes:
        playout: Paces the audio.
        on_played: Called when all queued audio has been sent and played.
        on_frame: Sends a frame that is due as its audio is queued, if a task waits for it.
        on_rewound: Called with the seconds of audio that are sent again, if set.
        sent: What was sent, for a client that may resume its session; None for others.
    """

    def __init__(self, playout: Playout | None) -> None:
        self.playout = playout
        self.on_played: Callable[[], None] = _nothing
        self.on_frame: Callable[[PlayoutFrame], Awaitable[None]] | None = None
        self.on_rewound: Callable[[float], None] | None = None
        self.sent: SentAudio | None = None
        self._pushed = TimedEvent()
        self._sent = TimedEvent()
        self._attachment = 0  # number of transports that were detached
        self._suspended = False

    def detach(self) -> None:
        """Send nothing until ``attach``, and end the ``frame`` that is awaited."""
        self._suspended = True
        self._attachment += 1
        self.on_frame, self.on_played = None, _nothing
        self._pushed.ring()

    def rewind(self, until: HeardUntil) -> None:
        """Queue again what the client has not heard of the audio that was sent, once.

        Args:
            until: How far it has heard.
        """
        if self.playout is not None and self.sent is not None:
            chunks = self.sent.unheard(until)
            self.playout.rewind(chunks)
            self.sent.clear()
            if self.on_rewound is not None:
                self.on_rewound(sum(samples.shape[1] / rate for rate, samples in chunks))

    def hold(self) -> None:
        """Send nothing until ``release``: the network of the client is away for a moment."""
        self._suspended = True

    def release(self, until: HeardUntil) -> None:
        """Continue after ``hold`` with what the client has not heard.

        Args:
            until: How far it has heard.
        """
        self.rewind(until)
        self._continue()

    def use_playout(self, playout: Playout) -> None:
        """Pace the audio, also what is queued, with another playout if its format differs."""
        before = self.playout
        if before is not None and before.format != playout.format:
            before.move_to(playout, asyncio.get_running_loop().time())
            self.playout = playout

    def attach(self) -> None:
        """Send audio to another transport, from now on."""
        if self.sent is not None:
            self.sent.restart()
        self._continue()

    def _continue(self) -> None:
        self._suspended = False
        if self.playout is not None:
            self.playout.restart(asyncio.get_running_loop().time())
        self._pushed.ring()
        self._sent.ring()


def _nothing() -> None:
    """Do nothing."""
