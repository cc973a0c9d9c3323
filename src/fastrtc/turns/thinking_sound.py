"""The sound that is played while a reply is being prepared."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from ..core.types import AudioFrameType
from .transitions import State

if TYPE_CHECKING:
    from .dialogue import Dialogue

__all__ = ["ThinkingSound"]

DELAY_S = 0.5
"""How long a reply may take without the sound, in seconds: most replies then need none."""


class ThinkingSound:
    """Start and stop the sound with the states of the conversation.

    It starts when the first audio of a reply takes longer than a moment, and stops with that audio,
    with an interruption, or with the end of a reply without audio. What the program says of its own
    accord has none.

    Args:
        audio: The sound, which is repeated.
        dialogue: The conversation.
    """

    def __init__(self, audio: AudioFrameType, dialogue: Dialogue) -> None:
        self.audio = audio
        self._dialogue = dialogue
        self._state = State.LISTENING
        self._timer: asyncio.TimerHandle | None = None
        self._plays = False
        dialogue.reports.hooks.append(self._changed)

    def close(self) -> None:
        """Stop: the connection ends; on the event loop."""
        self._follow(State.LISTENING)

    def _changed(self, state: State) -> None:
        """Follow the conversation before it does what comes with the state; in any thread."""
        loop = self._dialogue.link.loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(self._follow, state)

    def _follow(self, state: State) -> None:
        if state is State.INTERRUPTION_PENDING:  # the playout is paused meanwhile, or quieter
            return
        before, self._state = self._state, state
        if state is State.THINKING:
            if before is not State.THINKING:
                self._wait(DELAY_S)
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._plays:
            self._plays = False
            self._dialogue.link.fill(None)

    def _wait(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._begin)

    def _begin(self) -> None:
        self._timer = None
        replies, link = self._dialogue.replies, self._dialogue.link
        if replies.says.running or (replies.running and replies.spoken.length_s > 0):
            return
        if (queued_s := link.queued_s()) > 0:  # of what must not be interrupted
            self._wait(queued_s)
            return
        self._plays = True
        link.fill(self.audio)
