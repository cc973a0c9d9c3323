"""A conversation in which the client or the program decides about turns (push to talk)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.messages import create_message
from .dialogue import Dialogue
from .face import rate_of
from .manual_turn import ManualTurn
from .speech_end import speech_end_s
from .state import AppState
from .transitions import Event

__all__ = ["ManualDialogue", "NoModel", "is_manual"]


def is_manual(turn_detection: object, **detecting: object) -> bool:
    """Return whether turns are manual.

    Args:
        turn_detection: The option of the program.
        **detecting: Options for detected turns.

    Raises:
        ValueError: If the option is neither "automatic" nor "manual", or it is manual and there
            are options for detected turns.
    """
    if turn_detection not in ("automatic", "manual"):
        raise ValueError(f'turn_detection must be "automatic" or "manual", not {turn_detection!r}')
    if turn_detection == "automatic":
        return False
    for name, option in detecting.items():
        if option not in (None, False):
            raise ValueError(f'{name} has no effect with turn_detection="manual"')
    return True


class NoModel:
    """The VAD model of a handler whose turns are manual."""

    def vad(self, audio: Any, options: Any) -> Any:
        """Refuse to detect speech.

        Raises:
            RuntimeError: Always.
        """
        raise RuntimeError('turn_detection="manual" loads no VAD model; pass one as model=')

    def warmup(self) -> None:
        """Do nothing: there is nothing to load."""


class ManualDialogue(Dialogue):
    """A dialogue without a VAD model; takes the arguments of ``Dialogue``.

    The client's messages ``begin``, ``commit`` and ``cancel`` call the methods of the same names
    where audio is processed, behind the audio that arrived before them.

    Raises:
        ValueError: If the program judges pauses, in its own ``determine_pause``.
    """

    detects = False

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self._is_overridden("determine_pause"):
            name = type(self.face).__name__
            raise ValueError(f'{name}.determine_pause is not called with turn_detection="manual"')
        self._turn = ManualTurn()
        self.reports.tells_client = True
        self.link.opened = self._greet
        for name, function in (
            ("begin", self.begin),
            ("commit", self.commit),
            ("cancel", self.cancel),
        ):
            self.link.message_types[name] = self._in_order(function)

    def _in_order(self, function: Callable[[], Any]) -> Callable[[dict[str, Any]], None]:
        return lambda message: self.link.after_audio(function)

    def _greet(self) -> None:
        data = {"state": self.conversation.state.value, "turn_detection": "manual"}
        self.link.send(create_message("conversation", data))

    @property
    def _is_closed(self) -> bool:
        """Whether a reply must not be interrupted."""
        replying = self.speaking or self.face.event.is_set()
        return self.replies.says.protected or (replying and not self.face.can_interrupt)

    def begin(self) -> bool:
        """Begin a turn, and interrupt a reply; thread-safe.

        Returns:
            Whether it began; not during a reply that cannot be interrupted.
        """
        if self._is_closed:
            return False
        with self.hearing:
            self._deaf = False
            self._turn.begin()
            self.face.state.started_talking = True
        if self.link.turn_events is not None:
            self.link.turn_events.speech_started(self.link.arrived_at())
        self.handle(Event.SPEECH_STARTED)
        return True

    def commit(self) -> bool:
        """End the turn and reply to it; thread-safe.

        Returns:
            Whether there is audio to reply to.
        """
        state = self.face.state
        with self.hearing:
            said = None if self._is_closed else self._turn.take()
            if said is None:
                state.started_talking = False
            else:
                so_far = [] if state.stream is None else [state.stream]
                state.stream = np.concatenate((*so_far, said))
                self.replies.expect_turn()
        if said is None:
            self.observe()
            return False
        if self.link.turn_events is not None:
            arrived_at = self.link.arrived_at()
            self.link.turn_events.turn_ended("manual", arrived_at - self._silence_s(said))
        self.handle(Event.TURN_ENDED)
        return True

    def _silence_s(self, said: NDArray[np.int16]) -> float:
        """Return how long before the end of a turn the speech in it ended, in seconds."""
        channels = 2 if self.face.expected_layout == "stereo" else 1
        return speech_end_s(said, rate_of(self.face), channels=channels)

    def cancel(self) -> None:
        """End the turn and discard its audio; thread-safe."""
        with self.hearing:
            self._turn.drop()
            self.face.state.started_talking = False
        self.observe()

    def process_audio(self, audio: tuple[int, NDArray[np.int16]], state: AppState) -> None:
        """Collect a frame of the turn, and store the result in *state*."""
        rate, samples = audio
        state.sampling_rate = state.sampling_rate or rate
        face = self.face
        channels = 2 if face.expected_layout == "stereo" else 1
        said = self._turn.push(rate, samples, channels, face.algo_options.max_continuous_speech_s)
        state.pause_detected = said is not None
        if said is not None:
            state.stream = said

    def take_utterance(self) -> NDArray[np.int16] | None:
        """End the turn and return its audio, shape ``(n,)``; None if there is none."""
        return self._turn.take()

    def needs_silence(self) -> bool:
        """Return that silence is no part of a turn, which does not end by itself."""
        return False

    def forget(self) -> None:
        """Discard the audio of the current turn."""
        super().forget()
        self._turn.drop()
