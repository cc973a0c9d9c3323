"""The state machine of a conversation. No I/O, no clock, no threads."""

from __future__ import annotations

from .transitions import TABLE, Action, Event, Guard, State, Transition

__all__ = ["Conversation"]


class Conversation:
    """Follow a conversation: who speaks, and what is to be done.

    ``handle`` and ``observe`` return the actions, which the owner performs in this order.

    Attributes:
        state: The current state.
        has_audio: Whether audio of a reply waits to be played, as last observed.
    """

    def __init__(self) -> None:
        self.state = State.LISTENING
        self.has_audio = False

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


_ROWS: dict[tuple[State, Event], list[Transition]] = {}
for _row in TABLE:
    _ROWS.setdefault((_row.source, _row.event), []).append(_row)
