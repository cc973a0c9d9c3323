"""Reports of how long audio waits in the client, for servers that record turns."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from ..core.rates import FRAME_S
from ..session.playback_reports import MAX_DELAY_S
from .errors import JSON

__all__ = ["PlayoutReports"]


class PlayoutReports:
    """Answer a server that asks how long audio waits in the client before it is played.

    The server asks with ``report_heard`` when the connection is established, and as a reply begins.
    It gets an answer at once, from which it measures the round trip, with the delay of the last
    reply; and another one when the program has taken the first audio of this reply, which arrives
    with the question. Without a question nothing is measured.

    Args:
        send: Sends a message.
        clock: Returns the time in seconds.

    Attributes:
        carry: Carries a report: calls a function when it arrives, to test with a bad network.
    """

    def __init__(self, send: Callable[[str], None], clock: Callable[[], float]) -> None:
        self.carry: Callable[[Callable[[], None]], None] = lambda deliver: deliver()
        self._send = send
        self._clock = clock
        self._open = False
        self._number: int | None = None  # of the question whose audio was not taken yet
        self._asked_at = 0.0
        self._delay_s: float | None = None  # the last one

    def open(self) -> None:
        """Answer a question that came before the client was connected; begin to send."""
        self._open = True
        if self._number is not None:
            self._report(self._number)

    def end(self) -> None:
        """Send nothing more: the connection has ended."""
        self._open = False

    def ask(self, message: Mapping[str, JSON]) -> None:
        """Process ``{"type": "report_heard", "data": {"n": number}}``."""
        data = message.get("data")
        number = data.get("n") if isinstance(data, dict) else None
        if isinstance(number, int):
            self._number, self._asked_at = number, self._clock()
            self._report(number)

    def played(self, arrived_at: float, played_at: float) -> None:
        """Record that the program has taken audio.

        Args:
            arrived_at: When the audio has arrived, on the clock.
            played_at: When it is played.
        """
        if self._number is None or arrived_at < self._asked_at - FRAME_S:
            return
        number, self._number = self._number, None
        delay_s = played_at - arrived_at
        self._delay_s = delay_s if 0 <= delay_s <= MAX_DELAY_S else None
        self._report(number)

    def _report(self, number: int) -> None:
        report = {"type": "heard", "data": {"n": number, "delay_s": self._delay_s}}
        self.carry(lambda: self._send(json.dumps(report)) if self._open else None)
