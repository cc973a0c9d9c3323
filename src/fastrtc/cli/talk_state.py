"""The state of a conversation and its latencies, from messages and audio. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..testing.sound import MIN_LEVEL

__all__ = ["Conversation", "State"]

State = Literal["listening", "hearing you", "thinking", "speaking", "interrupted"]

PAUSE_S = 0.9
"""Silence that ends a reply, or what the caller says, in seconds."""

GAP_S = 0.25
"""Silence after which sound is another reply, if the caller has spoken in between, in seconds."""

SPEAKS_S = 0.15
"""For how long after a sound the caller still counts as speaking, in seconds."""

SHOWN = ("error", "warning", "transcript", "stopword", "end_stream")


class Conversation:
    """Follow a conversation; all times are in seconds since it began.

    Attributes:
        state: What happens at the moment.
        latencies: From the last sound of the caller to the first one of each reply, in seconds.
        replies: The number of replies.
        heard_s: The last sound of the program; None before any.
        spoken_s: The last sound of the caller; None before any.
    """

    def __init__(self) -> None:
        self.state: State = "listening"
        self.latencies: list[float] = []
        self.replies = 0
        self.heard_s: float | None = None
        self.spoken_s: float | None = None
        self._answered = True  # what the caller said last
        self._fresh = False  # the sound is not that of a reply before
        self._speech_s = 0.0  # when the caller began
        self._reply_s = 0.0

    def spoken(self, now_s: float, samples: NDArray[np.int16]) -> Iterator[str]:
        """Process 20 ms of the caller, and yield lines that describe what happens."""
        if _is_sound(samples):
            if self.spoken_s is None or now_s - self.spoken_s > PAUSE_S:
                self._speech_s = now_s
                self._answered = False
            self.spoken_s = now_s
            if self.state == "listening":
                self.state = "hearing you"
        yield from self._tick(now_s)

    def heard(self, now_s: float, samples: NDArray[np.int16]) -> Iterator[str]:
        """Process audio that the caller hears, and yield lines that describe what happens."""
        if not _is_sound(samples):
            return
        begins = self.heard_s is None or now_s - self.heard_s > PAUSE_S
        if begins:
            self._reply_s = now_s
        if begins or now_s - (self.heard_s or 0.0) > GAP_S:
            self._fresh = True
        speaks = self.spoken_s is not None and now_s - self.spoken_s < SPEAKS_S
        self.heard_s = now_s
        if self._fresh and not self._answered and not speaks and self.spoken_s is not None:
            self._answered, self._fresh = True, False
            self.state = "speaking"
            self.replies += 1
            latency = now_s - self.spoken_s
            self.latencies.append(latency)
            spoken = self.spoken_s - self._speech_s
            yield f"you spoke for {spoken:.1f} s; reply after {latency:.2f} s"
        elif begins:
            if self.spoken_s is not None and self._answered:
                yield "the program speaks again"
            else:
                self.replies += 1
                yield f"the program speaks {'first' if self.spoken_s is None else 'meanwhile'}"
            self._answered, self._fresh = True, False
        if not speaks and self.state in ("listening", "thinking"):
            self.state = "speaking"

    def message(self, message: Mapping[str, object]) -> Iterator[str]:
        """Process a message of the server, and yield lines that describe it."""
        kind, data = message.get("type"), message.get("data")
        if kind == "log" and data == "started_talking":
            self.state = "interrupted" if self.state == "speaking" else "hearing you"
        elif kind == "log" and data == "pause_detected":
            self.state = "thinking"
        elif kind == "log" and data == "response_starting":
            self._fresh = True
        elif kind == "interrupted":
            self.state = "interrupted"
            yield "you interrupted the reply"
        elif kind == "transcript" and isinstance(data, Mapping):
            if data.get("final", True):
                yield f"{data.get('who', 'program')}: {data.get('text')}"
        elif kind in SHOWN:
            yield f"{kind}: {message.get('message') or data}"

    def outputs(self, values: tuple[object, ...]) -> Iterator[str]:
        """Process additional outputs of the program, and yield lines that describe them."""
        text = ", ".join(map(repr, values))
        yield f"outputs: {text[:200]}"

    def is_over(self, now_s: float, pause_s: float) -> bool:
        """Return whether there is a reply to what was said last, and silence since."""
        last = max(self.heard_s or 0.0, self.spoken_s or 0.0)
        return self.heard_s is not None and now_s - last >= pause_s

    def summary(self) -> str:
        """Return a line with the number of replies and their latencies."""
        count = f"{self.replies} {'reply' if self.replies == 1 else 'replies'}"
        if not self.latencies:
            return count
        median = float(np.median(self.latencies))
        return f"{count}; latency: median {median:.2f} s, maximum {max(self.latencies):.2f} s"

    def _tick(self, now_s: float) -> Iterator[str]:
        quiet_s = now_s - (self.heard_s if self.heard_s is not None else now_s)
        if self.state == "speaking" and quiet_s > PAUSE_S:
            self.state = "listening"
            assert self.heard_s is not None
            yield f"the reply was {self.heard_s - self._reply_s:.1f} s long"
        unheard = self.spoken_s is not None and now_s - self.spoken_s > 3 * PAUSE_S
        if self.state in ("hearing you", "interrupted") and unheard:
            self.state = "listening"


def _is_sound(samples: NDArray[np.int16]) -> bool:
    return bool(samples.size) and bool(samples.max() >= MIN_LEVEL or samples.min() <= -MIN_LEVEL)
