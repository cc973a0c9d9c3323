"""What a program does when the user is silent for long."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from numbers import Real
from typing import TYPE_CHECKING, Any, TypeAlias

from ..core.errors import NotConnected
from ..core.outputs import is_output
from ..handlers.link import rebound
from ..handlers.speaking import Sayable, SpeechHandle
from .transitions import State

if TYPE_CHECKING:
    from .dialogue import Dialogue

__all__ = ["IdleClock", "IdleTimer", "IdleTimes", "check_idle"]

IdleTimes: TypeAlias = Mapping[float, Sayable]
"""What to say after how many seconds of silence."""

EARLY_S = 0.001
"""By how much a timer of the event loop may be early, in seconds."""


class IdleClock:
    """Decide when the user has been silent for how long. No I/O, no clock.

    Args:
        times: Lengths of silence, in seconds.
    """

    def __init__(self, times: Iterable[float]) -> None:
        self._times = sorted(times)
        self._passed = 0
        self._since: float | None = None

    @property
    def deadline(self) -> float | None:
        """When the next length is reached; None if none will be."""
        if self._since is None or self._passed == len(self._times):
            return None
        return self._since + self._times[self._passed]

    def begin(self, now: float) -> None:
        """Record that both sides are silent; without effect if they were."""
        if self._since is None:
            self._since, self._passed = now, 0

    def end(self) -> None:
        """Record that one side speaks, or is about to."""
        self._since = None

    def reached(self, now: float) -> list[float]:
        """Return the lengths that were reached since the last call."""
        found = []
        while (deadline := self.deadline) is not None and now >= deadline - EARLY_S:
            found.append(self._times[self._passed])
            self._passed += 1
        return found


class IdleTimer:
    """Say what is to be said when the user is silent, on the event loop of the connection.

    What is said here does not count: the user is still silent.

    Args:
        times: What to say after how many seconds of silence.
        dialogue: The conversation.
    """

    def __init__(self, times: IdleTimes, dialogue: Dialogue) -> None:
        self.times = times
        self._dialogue = dialogue
        self._clock = IdleClock(times)
        self._said: SpeechHandle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._open = False
        dialogue.reports.hooks.append(self._changed)

    def for_handler(self, original: Any, copy: Any) -> IdleTimes:
        """Return the times for a copy of the handler: its methods are those of the copy."""
        return {length: rebound(said, original, copy) for length, said in self.times.items()}

    def open(self) -> None:
        """Begin: the connection is established; on the event loop."""
        self._open = True
        self._look()

    def close(self) -> None:
        """Stop: the connection ends; on the event loop."""
        self._open = False
        self._cancel()

    def _changed(self, state: State) -> None:
        loop = self._dialogue.link.loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(self._look)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        """Follow the conversation, and say what is due."""
        self._cancel()
        if not self._open:
            return
        loop = asyncio.get_running_loop()
        if self._dialogue.conversation.state is State.LISTENING:
            self._clock.begin(loop.time())
        elif not self._speaks_itself:
            self._clock.end()
        for length in self._clock.reached(loop.time()):
            self._say(self.times[length])
        if (deadline := self._clock.deadline) is not None:
            self._timer = loop.call_at(deadline, self._look)

    @property
    def _speaks_itself(self) -> bool:
        """Whether the conversation is not silent only because of what is said here."""
        replies, said = self._dialogue.replies, self._said
        if said is None or said.done or replies.requested:
            return False
        by_reply = self._dialogue.conversation.state in (State.THINKING, State.SPEAKING)
        return by_reply and (replies.says.running or not replies.running)

    def _say(self, speech: Sayable) -> None:
        link = self._dialogue.link
        if link.say is None:
            return
        try:
            self._said = link.say(speech, True)
        except NotConnected:  # it ends just now
            pass
        except Exception as error:  # the conversation goes on
            if link.report is not None:
                link.report(error)


def check_idle(idle: Any, check_audio: Callable[[Any], object]) -> dict[float, Sayable] | None:
    """Return the argument ``idle`` of a handler as a dict of its own.

    Args:
        idle: The argument.
        check_audio: Raises an exception for audio that cannot be played.

    Raises:
        TypeError: If it is no mapping, or a value is neither a function nor a text nor audio.
        ValueError: If a key is not a positive number.
        HandlerError: If a value is audio that cannot be played.
    """
    if idle is None:
        return None
    if not isinstance(idle, Mapping):
        raise TypeError(f"idle must be a dict of seconds and functions, not {idle!r}")
    for seconds, speech in idle.items():
        length = float(seconds) if isinstance(seconds, Real) else math.nan
        if not 0 < length < math.inf:
            raise ValueError(f"idle: {seconds!r} is not a positive number of seconds")
        if isinstance(speech, Iterator) or hasattr(speech, "__anext__"):
            raise TypeError(
                f"idle: the value for {seconds} s is a generator, which runs only once: pass its "
                "function"
            )
        if callable(speech) or isinstance(speech, str):
            continue
        if not is_output(speech):
            raise TypeError(
                f"idle: the value for {seconds} s must be a function, a text or audio, not "
                f"{speech!r}"
            )
        check_audio(speech)
    return dict(idle)
