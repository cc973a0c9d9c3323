"""The state machine of a conversation. No I/O, no clock, no threads."""

from __future__ import annotations

from .interruptions import Interruptions, InterruptionWatch, Verdict
from .transitions import TABLE, Action, Event, Guard, State, Transition

__all__ = ["Conversation"]


class Conversation:
    """Follow a conversation: who speaks, and what is to be done.

    ``handle``, ``observe`` and ``hear`` return the actions, which the owner performs in this order.

    Args:
        interruptions: What speech during a reply does; None to leave it to the turn detection.
        by_words: Whether only stop words interrupt a reply.

    Attributes:
        state: The current state.
        has_audio: Whether audio of a reply waits to be played, as last observed.
    """

    def __init__(self, interruptions: Interruptions | None = None, by_words: bool = False) -> None:
        self.state = State.LISTENING
        self.has_audio = False
        self._watch = None
        if interruptions is not None:
            self._watch = InterruptionWatch(interruptions, by_words)

    @property
    def replying(self) -> bool:
        """Whether a reply is awaited or played."""
        return self.state in _REPLYING

    def handle(self, event: Event) -> tuple[Action, ...]:
        """Process an event; return what to do."""
        for row in _ROWS.get((self.state, event), ()):
            if row.guard is None or (row.guard is Guard.AUDIO) is self.has_audio:
                self.state = row.target
                return row.actions
        return ()

    def observe(self, *, talking: bool, awaited: bool, has_audio: bool) -> tuple[Action, ...]:
        """Compare the state with the facts, so that it cannot stay wrong; return what to do.

        Args:
            talking: Whether an utterance of the user is active, or a turn is about to be requested.
            awaited: Whether a reply is requested or runs.
            has_audio: Whether audio of a reply waits to be played.
        """
        self.has_audio = has_audio
        actions: tuple[Action, ...] = ()
        if not talking:
            actions = self.handle(Event.TURN_DROPPED)
        if has_audio:
            return actions + self.handle(Event.AUDIO_QUEUED)
        if awaited:
            return actions + self.handle(Event.REPLY_AWAITED)
        return actions + self.handle(Event.REPLY_FINISHED)

    def hear(
        self, speech_s: float, duration_s: float, played_s: float
    ) -> tuple[Verdict | None, tuple[Action, ...]]:
        """Process the next audio of the user, while no utterance is active.

        Args:
            speech_s: The speech in the audio, in seconds.
            duration_s: The length of the audio, in seconds.
            played_s: How much of the reply was heard, in seconds.

        Returns:
            What the speech means to the turn detection, None if it has to decide; and what to do.
        """
        if self._watch is None:
            return None, ()
        verdict, event = self._watch.push(self.state, speech_s, duration_s, played_s)
        return verdict, () if event is None else self.handle(event)


_REPLYING = (State.THINKING, State.SPEAKING, State.INTERRUPTION_PENDING)

_ROWS: dict[tuple[State, Event], list[Transition]] = {}
for _row in TABLE:
    _ROWS.setdefault((_row.source, _row.event), []).append(_row)
