"""The caller of a call, on the event loop of its line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .analysis import Utterance
from .errors import CallFailed
from .impairments import Room
from .leaks import CALLER
from .line import FRAME, FRAME_S, RATE, Line, Message
from .raised import RaisedErrors
from .recording import Track
from .timeline import Event

__all__ = ["Caller"]

HINTS = {
    "log: started_talking": ": it still waits for the end of the speech",
    "log: pause_detected": ": it has heard the end of the speech, and given no sound",
    "log: response_starting": ": it has begun to respond, and given no sound",
}
"""What the last of these messages says about a program that does not reply."""

QUIET_S = 1.0
"""How long the program must be silent after a reply for it to be over, in seconds."""


class Caller:
    """Speak and listen on a line. All methods are called on its loop.

    Args:
        line: The line.
        room: The room of the caller.
        raised: The exceptions of the program.
        expect_errors: Whether errors of the program are only recorded.

    Attributes:
        messages: The messages of the server.
        outputs: The values of each ``AdditionalOutputs`` of the program.
        events: What happened, besides sounds.
        utterances: What the caller said.
        spoken: The audio of the caller, with the noise of the room.
        heard: The audio of the program.
        inputs: The inputs for the handler; None if there are none.
        inputs_due: Whether they are to be set.
    """

    def __init__(
        self, line: Line, room: Room, raised: RaisedErrors, *, expect_errors: bool
    ) -> None:
        self._line = line
        self._room = room
        self._raised = raised
        self._expect_errors = expect_errors
        self.messages: list[Message] = []
        self.outputs: list[tuple[object, ...]] = []
        self.events: list[Event] = []
        self.utterances: list[Utterance] = []
        self.spoken, self.heard = Track(), Track()
        self.inputs: tuple[object, ...] | None = None
        self.inputs_due = False
        self._asked_in_vain = False
        self._frames = 0  # sent
        self._waiting: list[asyncio.Future[None]] = []
        self._speaking: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._errors: list[str] = []  # of the program, and not raised yet
        self._ended: str | None = None  # why the program ended the call
        self._broken: BaseException | None = None
        line.on_audio = self.heard.add
        line.on_message = self._on_message
        line.on_outputs = self._on_outputs
        line.on_end = self._on_end

    async def open(self) -> None:
        """Connect, and begin to send audio."""
        await self._line.open()
        self._speaking = asyncio.create_task(self._speak(), name=f"{CALLER}:speak")

    async def _speak(self) -> None:
        """Send the caller's audio, silence included, in real time of the line."""
        try:
            while True:
                await self._line.wait_until((self._frames + 1) * FRAME_S)
                start = self._frames * FRAME
                frame = self._room.add_noise(self._frame(start))
                self.spoken.add(start / RATE, RATE, frame)
                self._line.send(frame)
                self._frames += 1
                self._answer_inputs()
                self._wake()
        except Exception as error:
            self._broken = error
            self._wake()

    def _frame(self, start: int) -> NDArray[np.int16]:
        frame = np.zeros(FRAME, np.int16)
        for utterance in reversed(self.utterances):
            if utterance.end <= start:
                break
            first = max(start, utterance.start)
            last = min(start + FRAME, utterance.end)
            if first < last:
                part = utterance.audio[first - utterance.start : last - utterance.start]
                frame[first - start : last - start] = part
        return frame

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def _until(
        self, condition: Callable[[], bool], ends_s: float = inf, *, may_end: bool = False
    ) -> bool:
        """Wait until a condition holds; return False if it does not by a time.

        Raises:
            CallFailed: If the program fails meanwhile, or ends the call and *may_end* is False.
        """
        while True:
            if self._broken is not None:
                raise CallFailed(f"The line broke: {self._broken!r}") from self._broken
            if not self._line.tells_errors:
                self._errors += self._raised.take(self._line.id)
            if self._errors and not self._expect_errors:
                errors, self._errors = self._errors, []
                raise CallFailed(
                    f"The program failed: {errors[0]}{self._inputs_hint()}"
                ) from self._raised.get(self._line.id, errors[0])
            if condition():
                return True
            if self._ended is not None:
                if may_end:
                    return False
                raise CallFailed(f"The program ended the call: {self._ended or 'without a reason'}")
            if self._line.now_s() >= ends_s:
                return False
            future = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            await future

    async def listen(self, seconds: float) -> None:
        """Wait for some time."""
        ends_s = self._line.now_s() + seconds
        await self._until(lambda: self._line.now_s() >= ends_s)

    async def lose_network(self, seconds: float) -> None:
        """Lose the network for some time, and resume the session."""
        self._line.lose_network()
        await self.listen(seconds)
        self._line.restore_network()

    async def say(self, said: str, audio: NDArray[np.int16], at: float | None, place: str) -> None:
        """Say something, and wait until it is said.

        Args:
            said: What, in words.
            audio: The audio at 48 kHz, from its first to its last sound.
            at: When to begin, in seconds; None for now.
            place: The line of the script.
        """
        now = self._frames * FRAME
        start = now if at is None else round(at * RATE)
        if start < now - FRAME:
            raise CallFailed(f"It is too late to say {said!r} at {at} s: it is {now / RATE:.2f} s")
        start = max(start, now)
        if self.utterances and start < self.utterances[-1].end:
            raise CallFailed(f"The caller still says {self.utterances[-1].quoted}")
        utterance = Utterance(said, start, audio, place)
        self.utterances.append(utterance)
        await self._until(lambda: self._frames * FRAME >= utterance.end)

    def _replied(self) -> float | None:
        """Return the time of the first sound since the caller last began to speak."""
        since = self.utterances[-1].start if self.utterances else 0
        starts = [sound.start for sound in self.heard.sounds if sound.start >= since]
        return starts[0] / RATE if starts else None

    async def reply(self, limit_s: float) -> float:
        """Wait for the first sound of a reply, and return its time in seconds."""
        ends_s = self._line.now_s() + limit_s
        await self._until(lambda: self._replied() is not None, ends_s)
        starts_s = self._replied()
        if starts_s is None:
            to = f" to {self.utterances[-1].quoted}" if self.utterances else ""
            raise CallFailed(f"No reply{to} within {limit_s:g} s{self._hint()}")
        return starts_s

    async def finish(self, limit_s: float, max_s: float) -> None:
        """Wait until a reply is over, or none begins until the limit."""
        ends_s = self._line.now_s() + limit_s
        if await self._until(lambda: self._replied() is not None, ends_s, may_end=True):
            ends_s = self._line.now_s() + max_s
            if not await self._until(self._quiet, ends_s, may_end=True) and self._ended is None:
                raise CallFailed(f"The program still speaks after {max_s:g} s")

    def _quiet(self) -> bool:
        sounds = self.heard.sounds
        return not sounds or self._frames * FRAME >= sounds[-1].end + QUIET_S * RATE

    async def press(self, digit: str) -> None:
        """Press a key."""
        self.note("caller", f"presses {digit}")
        await self._line.press(digit)

    async def hang_up(self) -> None:
        """End the call."""
        self.note("caller", "hangs up")
        if self._speaking is not None:
            self._speaking.cancel()
        for task in self._tasks:
            task.cancel()
        await self._line.hang_up()

    # What the program sends

    def _on_message(self, message: Message) -> None:
        self.messages.append(message)
        kind, data = message.get("type"), message.get("data")
        self.note("program", f"{kind}: {data}" if data not in (None, "", []) else f"{kind}")
        if kind == "error":
            self._errors.append(str(message.get("message") or data))
        elif kind == "send_input":
            self.inputs_due = self.inputs is not None
            self._asked_in_vain = self._asked_in_vain or self.inputs is None

    def _on_outputs(self, values: tuple[object, ...]) -> None:
        self.outputs.append(values)
        self.note("program", f"outputs {', '.join(map(repr, values))}")

    def _on_end(self, reason: str) -> None:
        self._ended = reason
        self.note("program", f"ends the call: {reason}")
        self._wake()

    def _answer_inputs(self) -> None:
        if self.inputs_due and self.inputs is not None:
            self.inputs_due = False
            self.note("caller", f"sets inputs {', '.join(map(repr, self.inputs))}")
            setting = self._line.set_inputs(self.inputs)
            task = asyncio.create_task(self._set(setting), name=f"{CALLER}:inputs")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _set(self, setting: Coroutine[Any, Any, None]) -> None:
        try:
            await setting
        except Exception as error:
            self._broken = error

    def note(self, who: str, what: str) -> None:
        """Record an event."""
        self.events.append(Event(self._line.now_s(), who, what))

    def _hint(self) -> str:
        """Return how far the program came with its reply, if that is known."""
        since_s = self.utterances[-1].start / RATE if self.utterances else 0.0
        known = [event.what for event in self.events if event.when_s >= since_s]
        hint = next((HINTS[what] for what in reversed(known) if what in HINTS), "")
        return self._inputs_hint() or hint

    def _inputs_hint(self) -> str:
        if self._asked_in_vain:
            return ". It asked for inputs, and the script gave none: call.inputs(...) sets them"
        return ""
