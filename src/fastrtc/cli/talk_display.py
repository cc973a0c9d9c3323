"""The terminal of ``fastrtc talk``: lines about what happened, and one about what happens now."""

from __future__ import annotations

import math
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from .talk_state import Conversation, State

__all__ = ["Display"]

COLORS: dict[State, int] = {
    "listening": 90,
    "hearing you": 32,
    "thinking": 33,
    "speaking": 36,
    "interrupted": 35,
}
"""ANSI colors by state."""

REFRESH_S = 0.1
"""Interval of the line of the state, in seconds."""

BARS = " ▁▂▃▄▅▆▇█"
FLOOR_DB = -60.0


class Display:
    """Print a conversation.

    Args:
        out: Where to print. If it is a terminal, its last line is the current state.
        conversation: The conversation.
        typed: Whether the user types in the last line of the terminal; then the state is not shown.
    """

    def __init__(self, out: TextIO, conversation: Conversation, *, typed: bool = False) -> None:
        self._out = out
        self._conversation = conversation
        self._live = out.isatty() and not typed
        self._shown_s = -math.inf
        self._levels = [0, 0]

    def line(self, now_s: float, text: str) -> None:
        """Print a line that stays."""
        start = "\r\x1b[K" if self._live else ""
        shown = "".join(one if one.isprintable() else " " for one in text)
        print(f"{start}{now_s:7.2f}  {shown}", file=self._out, flush=True)
        self._shown_s = -math.inf

    def level(self, side: int, samples: NDArray[np.int16]) -> None:
        """Record the level of the caller (0) or the program (1)."""
        peak = float(np.abs(samples.astype(np.int32)).max(initial=0))
        decibels = 20 * math.log10(max(peak, 1.0) / 32768)
        bar = round((decibels - FLOOR_DB) / -FLOOR_DB * (len(BARS) - 1))
        self._levels[side] = max(0, bar, self._levels[side] - 1)

    def state(self, now_s: float) -> None:
        """Show the state, on a terminal, if it was last shown some time ago."""
        if not self._live or now_s < self._shown_s + REFRESH_S:
            return
        self._shown_s = now_s
        state = self._conversation.state
        you, program = (BARS[level] for level in self._levels)
        latencies = self._conversation.latencies
        latency = f"  reply after {latencies[-1]:.2f} s" if latencies else ""
        print(
            f"\r\x1b[K{now_s:7.2f}  \x1b[{COLORS[state]}m●\x1b[0m {state:11}  you {you}  program "
            f"{program}{latency}",
            end="",
            file=self._out,
            flush=True,
        )

    def end(self) -> None:
        """Remove the line of the state."""
        if self._live:
            print("\r\x1b[K", end="", file=self._out, flush=True)
