"""A conversation in real time: with the microphone, with typed text, or with a WAV file."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..audio.converter import AudioConverter
from ..testing.line import FRAME, FRAME_S, RATE, Line, Message
from ..testing.recording import Track, save
from .talk_display import Display
from .talk_state import Conversation

__all__ = ["LiveCall", "Playing"]

MAX_MICROPHONE = 10
"""Frames of the microphone that may wait, 0.2 s; the oldest are dropped."""


class Playing(Protocol):
    """A speaker.

    Attributes:
        delay_s: How long after ``play`` the last audio is audible, in seconds.
    """

    delay_s: float

    def play(self, samples: NDArray[np.int16]) -> None:
        """Queue samples at 48 kHz, shape ``(n,)``."""


class LiveCall:
    """Talk over a line; an async context manager that hangs up.

    Args:
        line: The line.
        conversation: Follows the conversation.
        display: Shows it.
        player: Plays what the program says; or None.
        records: Whether the audio is kept for ``save``.

    Attributes:
        ended: Set when the program has ended the connection.
    """

    def __init__(
        self,
        line: Line,
        conversation: Conversation,
        display: Display,
        player: Playing | None,
        *,
        records: bool,
    ) -> None:
        self._line = line
        self._conversation = conversation
        self._display = display
        self._player = player
        self._records = records
        self._converter = AudioConverter(RATE, 1)
        self._spoken, self._heard = Track(), Track()
        self._to_say = np.zeros(0, np.int16)
        self._microphone: deque[NDArray[np.int16]] = deque(maxlen=MAX_MICROPHONE)
        self._task: asyncio.Task[None] | None = None
        self.ended = asyncio.Event()
        line.output_delay_s = 0.0 if player is None else player.delay_s
        line.on_audio = self._on_audio
        line.on_message = self._on_message
        line.on_outputs = self._on_outputs
        line.on_end = self._on_end

    async def __aenter__(self) -> LiveCall:
        """Connect.

        Raises:
            CallFailed: If the server refuses the connection, with its reason.
        """
        await self._line.open()
        self._display.line(0.0, "connected")
        self._task = asyncio.create_task(self._speak(), name="fastrtc-caller:speak")
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Hang up."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._display.end()
        await self._line.hang_up()

    def say(self, audio: NDArray[np.int16]) -> None:
        """Say audio at 48 kHz, shape ``(n,)``, after what is said already."""
        self._to_say = np.concatenate((self._to_say, audio))

    def hear_microphone(self, frame: NDArray[np.int16]) -> None:
        """Say a frame of the microphone."""
        self._microphone.append(frame)

    @property
    def is_saying(self) -> bool:
        """Whether something that was passed to ``say`` is not said yet."""
        return bool(self._to_say.size)

    def now_s(self) -> float:
        """Return the seconds since the call began."""
        return self._line.now_s()

    async def until(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until a condition holds, or the program ends the call; return False on timeout."""
        ends_s = self.now_s() + timeout_s
        while not (condition() or self.ended.is_set()):
            if self.now_s() >= ends_s:
                return False
            await asyncio.sleep(FRAME_S)  # the audio decides
        return True

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a stereo WAV file: the caller on the left, the program on the right.

        Raises:
            OSError: If the file cannot be written.
        """
        save(path, self._spoken.samples, self._heard.samples)

    async def _speak(self) -> None:
        count = 0
        while True:
            await self._line.wait_until((count + 1) * FRAME_S)
            frame = self._next()
            if self._records:
                self._spoken.add(count * FRAME_S, RATE, frame)
            self._line.send(frame)
            self._display.level(0, frame)
            self._print(self._conversation.spoken(self.now_s(), frame))
            self._display.state(self.now_s())
            count += 1

    def _next(self) -> NDArray[np.int16]:
        if self._to_say.size:
            frame, self._to_say = self._to_say[:FRAME], self._to_say[FRAME:]
            return np.pad(frame, (0, FRAME - len(frame)))
        if self._microphone:
            return self._microphone.popleft()
        return np.zeros(FRAME, np.int16)

    def _on_audio(self, when_s: float, rate: int, samples: NDArray[np.int16]) -> None:
        if self._records:
            self._heard.add(when_s, rate, samples)
        self._display.level(1, samples)
        self._print(self._conversation.heard(when_s, samples))
        if self._player is not None:
            self._player.play(self._converter.convert(rate, samples[np.newaxis])[0])
            self._line.output_delay_s = self._player.delay_s

    def _on_message(self, message: Message) -> None:
        self._print(self._conversation.message(message))

    def _on_outputs(self, values: tuple[object, ...]) -> None:
        self._print(self._conversation.outputs(values))

    def _on_end(self, reason: str) -> None:
        self._display.line(self.now_s(), f"the program ended the call: {reason or 'no reason'}")
        self.ended.set()

    def _print(self, lines: Iterator[str]) -> None:
        for text in lines:
            self._display.line(self.now_s(), text)
