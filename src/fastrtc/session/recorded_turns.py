"""The turns of a recording, with their times as positions in it."""

from __future__ import annotations

import time
from math import inf
from typing import Any

from ..core.conversation_events import TurnListener
from ..core.turn import Turn

__all__ = ["RecordedTurns"]

MAX_TURNS = 10_000
"""Turns of one recording; later ones are left out."""

DURATIONS = frozenset({"silence_s", "played_s"})
"""Fields of a ``Turn`` that end in ``_s`` and are no times."""


class RecordedTurns(TurnListener):
    """Keep the turns that were recorded as a whole, from their beginning to their end.

    Turns that began before the speaker consented, or went on afterwards, are left out. Times are
    those of ``time.monotonic``.

    Args:
        connected_s: When the connection was established.
    """

    def __init__(self, connected_s: float) -> None:
        self._connected_s = connected_s
        self._stretches: list[tuple[float, float]] = []
        self._turns: list[Turn] = []

    def start(self) -> None:
        """Begin a stretch now."""
        self._stretches.append((time.monotonic(), inf))

    def stop(self) -> None:
        """End the stretch now."""
        began_s, _ = self._stretches.pop()
        self._stretches.append((began_s, time.monotonic()))

    def on_turn(self, turn: Turn) -> None:
        """Keep a turn that is complete."""
        if len(self._turns) < MAX_TURNS:
            self._turns.append(turn)

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
            if not any(
                began_s <= min(known, default=-inf) and max(known, default=inf) <= ended_s
                for began_s, ended_s in self._stretches
            ):
                continue
            for name in times:
                if record[name] is not None:
                    record[name] = round(record[name] + shift_s, 4)
            records.append(record)
        return records
