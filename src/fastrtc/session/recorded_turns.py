"""The turns of a recording, with their times as positions in it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Collection
from math import inf
from typing import Any

from ..core.conversation_events import ConversationEvent, SpeechDropped, TurnListener
from ..core.turn import Turn

__all__ = ["RecordedTurns"]

MAX_TURNS = 10_000
"""Turns of one recording; later ones are left out."""

OPEN_TURNS_TIMEOUT_S = 30.0
"""How long to wait for the turns that have begun before a limit, in seconds."""

DURATIONS = frozenset({"silence_s", "played_s", "leading_silence_s"})
"""Fields of a ``Turn`` that end in ``_s`` and are no times."""


class RecordedTurns(TurnListener):
    """Keep the turns that were recorded as a whole, from their beginning to their end.

    Turns that began before the speaker consented, or went on afterwards, are left out; those that
    had begun when a limit ended the recording are kept. Times are those of ``time.monotonic``.

    Args:
        connected_s: When the connection was established.
    """

    def __init__(self, connected_s: float) -> None:
        self._connected_s = connected_s
        self._stretches: list[tuple[float, float]] = []
        self._turns: list[Turn] = []
        self._limited = False  # whether the last stretch has ended by itself
        self._awaited: set[int] = set()  # turns that had begun then
        self._complete = asyncio.Event()

    def start(self) -> None:
        """Begin a stretch now."""
        self._stretches.append((time.monotonic(), inf))

    def stop(self) -> None:
        """End the stretch now."""
        began_s, _ = self._stretches.pop()
        self._stretches.append((began_s, time.monotonic()))

    def limit(self, position_s: float, open_turns: Collection[int]) -> None:
        """End the last stretch at a position, as the recording has ended by itself.

        Args:
            position_s: The length of the recording, in seconds.
            open_turns: The numbers of the turns that are not complete.
        """
        began_s, ended_s = self._stretches.pop()
        first_s = self._stretches[0][0] if self._stretches else began_s
        self._stretches.append((began_s, min(ended_s, first_s + position_s)))
        self._limited = True
        self._awaited.update(open_turns)

    async def wait(self) -> None:
        """Wait until the turns that had begun before a limit are complete, for 30 s at most."""
        if self._awaited:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._complete.wait(), OPEN_TURNS_TIMEOUT_S)

    def end_wait(self, *, consent: bool = True) -> None:
        """Wait for no more turns.

        Args:
            consent: Whether the turns that went on after the limit are kept.
        """
        self._limited = self._limited and consent
        self._awaited.clear()
        self._complete.set()

    def on_event(self, event: ConversationEvent) -> None:
        """Do not wait for speech that gets no reply."""
        if isinstance(event, SpeechDropped):
            self._end_turn(event.turn)

    def on_turn(self, turn: Turn) -> None:
        """Keep a turn that is complete."""
        if len(self._turns) < MAX_TURNS:
            self._turns.append(turn)
        self._end_turn(turn.number)

    def _end_turn(self, number: int) -> None:
        self._awaited.discard(number)
        if not self._awaited:
            self._complete.set()

    def _is_recorded(self, first_s: float, last_s: float) -> bool:
        """Return whether a turn is kept.

        Args:
            first_s: Its first known time.
            last_s: Its last one.
        """
        if self._limited:
            began_s, ended_s = self._stretches[-1]
            if began_s <= first_s <= ended_s:
                return True
        return any(began_s <= first_s and last_s <= ended_s for began_s, ended_s in self._stretches)

    def positions(self) -> list[dict[str, Any]]:
        """Return the turns, with texts, and times in seconds since the recording began."""
        if not self._stretches:
            return []
        shift_s = self._connected_s - self._stretches[0][0]
        records = []
        for turn in self._turns:
            record = turn.as_dict(texts=True)
            times = [name for name in record if name.endswith("_s") and name not in DURATIONS]
            known = [record[name] + self._connected_s for name in times if record[name] is not None]
            if not known or not self._is_recorded(min(known), max(known)):
                continue
            for name in times:
                if record[name] is not None:
                    record[name] = round(record[name] + shift_s, 4)
            records.append(record)
        return records
