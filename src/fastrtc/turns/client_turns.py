"""Turns of a conversation whose client may decide about them, as protocols of others allow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..handlers.base import StreamHandlerBase
from ..handlers.link import link_of
from .dialogue import Dialogue
from .manual_turn import ManualTurn
from .speech_buffer import MAX_KEPT_S
from .state import AppState

__all__ = ["ClientTurns", "client_turns_of"]


class ClientTurns:
    """Let a client of another protocol steer the turns of a ``ReplyOnPause``; on its event loop.

    What concerns audio happens where audio is processed, behind what arrived before.

    Args:
        dialogue: The dialogue of the handler.
    """

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue
        self._collected: ManualTurn | None = None  # while the client decides about turns

    @property
    def detects(self) -> bool:
        """Whether the handler can detect turns: it is not made for manual ones."""
        return self._dialogue.detects

    @property
    def has_turn_model(self) -> bool:
        """Whether a model judges whether a turn is complete."""
        return self._dialogue.turn_judge is not None

    def after_audio(self, function: Callable[[], Any]) -> None:
        """Call a function where audio is processed, once that which has arrived is."""
        self._dialogue.link.after_audio(function)

    def set_manual(self, manual: bool) -> None:
        """Let the client decide about turns, or detect them again."""
        self.after_audio(lambda: self._set_manual(manual))

    def _set_manual(self, manual: bool) -> None:
        dialogue = self._dialogue
        if manual is (self._collected is not None):
            return
        with dialogue.hearing:
            dialogue.forget()
            self._collected = ManualTurn() if manual else None
            dialogue.collect = self._collect if manual else None
        dialogue.observe()

    def _collect(self, frame: tuple[int, NDArray[np.int16]], state: AppState) -> None:
        rate, samples = frame
        state.sampling_rate = state.sampling_rate or rate
        state.pause_detected = False
        if self._collected is not None:
            channels = 2 if self._dialogue.face.expected_layout == "stereo" else 1
            self._collected.push(rate, samples, channels, MAX_KEPT_S)

    def commit(self) -> None:
        """End the turn, and keep its audio for the next reply, which is not requested yet."""
        self.after_audio(self._commit)

    def _commit(self) -> None:
        dialogue = self._dialogue
        with dialogue.hearing:
            state = dialogue.face.state
            collected = self._collected
            said = dialogue.take_utterance() if collected is None else collected.take()
            state.started_talking = False
            if said is not None:
                so_far = [] if state.stream is None else [state.stream]
                state.stream = np.concatenate((*so_far, said.reshape(-1)))
        dialogue.observe()

    def discard(self) -> None:
        """Discard the audio of the turn."""
        self.after_audio(self._discard)

    def _discard(self) -> None:
        dialogue = self._dialogue
        with dialogue.hearing:
            if self._collected is not None:
                self._collected.drop()
            else:
                dialogue.forget()
        dialogue.observe()

    def interrupt(self, played_s: float | None = None) -> None:
        """Interrupt the reply that is being prepared or played.

        Args:
            played_s: How much of it was heard, in seconds; None for what was played.
        """
        self._dialogue.replies.heard_s = played_s
        try:
            self._dialogue.interrupt_if_speaking()
        finally:
            self._dialogue.replies.heard_s = None

    def heard(self, played_s: float) -> str | None:
        """Return the text that was heard in the first seconds of the last reply."""
        return self._dialogue.replies.spoken.heard(played_s)


def client_turns_of(handler: Any) -> ClientTurns | None:
    """Return the turns of a ``ReplyOnPause``; None for another handler."""
    if not isinstance(handler, StreamHandlerBase):
        return None
    dialogue = link_of(handler).conversation
    return ClientTurns(dialogue) if isinstance(dialogue, Dialogue) else None
