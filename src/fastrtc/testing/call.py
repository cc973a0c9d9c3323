"""A simulated caller: speaks, listens, interrupts and hangs up, and measures what it hears."""

from __future__ import annotations

import os
import sys
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from math import inf
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from ..speech_to_text.protocol import STTModel
from .analysis import make_turns
from .caller import Caller
from .errors import CallFailed
from .impairments import Network, Room
from .line import Message
from .lines import Over, line_for
from .raised import RaisedErrors
from .recording import save
from .speech import Speech, Voice, describe, to_audio
from .timeline import format_timeline
from .turn import Turn

if TYPE_CHECKING:
    from ..stream import Stream

__all__ = ["Call", "Reply"]

LIMIT_S = 10.0
"""How long to wait for a reply by default, in seconds."""

MAX_REPLY_S = 60.0
"""How long a reply may be by default, in seconds."""

KEYS = "0123456789*#ABCD"

T = TypeVar("T")


@dataclass(frozen=True)
class Reply:
    """A reply that the caller begins to hear.

    Attributes:
        starts_s: Its first sound, in seconds since the call began.
    """

    starts_s: float


class Call:
    """A scripted call to a stream; an async context manager that hangs up at its end.

    All times are in seconds since the call began, on the clock of the line: over ``"memory"`` it is
    virtual, so that a call of minutes takes a moment, and each run gives the same result to the
    sample; over the others it is real.

    Args:
        stream: The stream to call. It need not be mounted. Over all but memory, also the URL of a
            server.
        over: ``"memory"`` for the session, turn detection, playout and handler without a network;
            ``"webrtc"``, ``"websocket"`` or ``"twilio"`` for a server on 127.0.0.1.
        voice: Speaks the texts of the caller; by default espeak-ng.
        ears: Recognizes the words of the replies, for ``Turn.heard``.
        headers: Headers of each request, such as those that ``authorize`` checks; not over memory.
        limit_s: How long to wait for a reply, in seconds.
        connect_limit_s: How long the call may take to be connected, in seconds; not over memory.
        hang_up_limit_s: How long the program may take to end the connection after that, in seconds.
        resume: Whether the caller asks to resume the session when its network is lost: see
            ``lose_network``.
        expect_errors: Whether errors of the program are only recorded in ``messages``. By default
            the method that waits when one arrives raises it.
        loss: Share of packets that the network loses, 0 to 1.
        jitter_ms: By how much the network delays packets at most, in milliseconds.
        reorder: Share of packets that the network swaps, 0 to 1.
        outage: Start and length of an outage of the network, in seconds.
        noise_db: Level of the noise in the caller's room, in dB below full scale, such as -40.
        seed: Seed of the random numbers of network and room.

    Attributes:
        messages: The messages of the server.
        outputs: The values of each ``AdditionalOutputs`` of the program.

    Raises:
        ValueError: If an argument is out of range; the message names it.
    """

    def __init__(
        self,
        stream: Stream | str,
        over: Over = "memory",
        *,
        voice: Voice | None = None,
        ears: STTModel | None = None,
        headers: Mapping[str, str] | None = None,
        limit_s: float = LIMIT_S,
        connect_limit_s: float = 20.0,
        hang_up_limit_s: float = 12.0,
        resume: bool = False,
        expect_errors: bool = False,
        loss: float = 0.0,
        jitter_ms: float = 0.0,
        reorder: float = 0.0,
        outage: tuple[float, float] | None = None,
        noise_db: float | None = None,
        seed: int = 0,
    ) -> None:
        network = Network(loss, jitter_ms, reorder, outage, seed)
        self._line = line_for(over, stream, network, headers or {})
        self._line.connect_limit_s = _positive("connect_limit_s", connect_limit_s)
        self._line.hang_up_limit_s = _positive("hang_up_limit_s", hang_up_limit_s)
        self._line.resumes = resume
        self._voice = voice
        self._ears = ears
        self._limit_s = _positive("limit_s", limit_s)
        self._raised = RaisedErrors()
        self._caller = caller = Caller(
            self._line, Room(noise_db, seed), self._raised, expect_errors=expect_errors
        )
        self.messages: list[Message] = caller.messages
        self.outputs: list[tuple[object, ...]] = caller.outputs
        self._state = "new"

    # The script

    async def __aenter__(self) -> Call:
        """Connect.

        Raises:
            CallFailed: If the server refuses the call, with its reason.
        """
        __tracebackhide__ = True
        if self._state != "new":
            raise CallFailed("A call is made once: create another Call")
        self._state = "open"
        self._raised.begin()
        try:
            await self._do(self._caller.open())
        except BaseException:
            self._raised.end()
            await self._line.release()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Hang up, unless the script has.

        Raises:
            CallFailed: As ``hang_up``, unless the block has raised.
        """
        __tracebackhide__ = True
        try:
            await self.hang_up()
        except CallFailed:
            if error is None:
                raise

    async def say(self, speech: Speech, *, at: float | None = None) -> None:
        """Say something, and return when it is said.

        Args:
            speech: Text; the path of a 16-bit WAV file, as a ``Path`` or a string that ends in
                ``.wav``; or a sample rate in Hz and samples.
            at: When to begin; now by default.

        Raises:
            CallFailed: If it cannot be said, the time has passed, or the program has ended the
                call or failed.
        """
        __tracebackhide__ = True
        try:
            audio = to_audio(speech, self._voice)
        except CallFailed as error:
            raise error.with_traceback(None) from error.__cause__
        await self._do(self._caller.say(describe(speech), audio, at, _place()))

    async def reply(self, *, limit_s: float | None = None) -> Reply:
        """Wait for the first sound of the reply to what was said last, or of a greeting.

        Args:
            limit_s: How long to wait, in seconds; that of the call by default.

        Raises:
            CallFailed: If there is none in time, or the program has ended the call or failed.
        """
        __tracebackhide__ = True
        return Reply(await self._do(self._caller.reply(self._limit(limit_s))))

    async def wait(self, seconds: float) -> None:
        """Listen for some time.

        Raises:
            CallFailed: If the program has ended the call or failed.
        """
        __tracebackhide__ = True
        await self._do(self._caller.listen(_positive("seconds", seconds)))

    async def finish(self, *, limit_s: float | None = None, max_s: float = MAX_REPLY_S) -> None:
        """Wait until the reply to what was said last is over: silence for a second.

        A program that does not reply is waited for until the limit; it may be right not to. One
        that ends the call ends the wait.

        Args:
            limit_s: How long to wait for the reply to begin, in seconds; that of the call by
                default.
            max_s: How long the reply may be, in seconds.

        Raises:
            CallFailed: If the reply is longer, or the program fails.
        """
        __tracebackhide__ = True
        await self._do(self._caller.finish(self._limit(limit_s), _positive("max_s", max_s)))

    async def lose_network(self, seconds: float) -> None:
        """Lose the network for some time, and resume the session; only over memory.

        The server notices the loss at once. The program hears nothing meanwhile, and what it says
        waits, until ``resume_within_s`` of the stream ends the session.

        Args:
            seconds: How long the network is away.

        Raises:
            CallFailed: If the session cannot be resumed, as without ``resume=True``; or if the
                program has ended the call or failed.
        """
        __tracebackhide__ = True
        await self._do(self._caller.lose_network(_positive("seconds", seconds)))

    async def press(self, digit: str) -> None:
        """Press a key of the telephone.

        Args:
            digit: One of ``0-9 * # A-D``.

        Raises:
            CallFailed: If there is no such key, or the line has none.
        """
        __tracebackhide__ = True
        if len(digit) != 1 or digit not in KEYS:
            raise CallFailed(f"There is no key {digit!r}: press one of {KEYS}")
        await self._do(self._caller.press(digit))

    def inputs(self, *values: object) -> None:
        """Set the inputs of the handler, now and whenever the program asks for them.

        Args:
            *values: Those that ``Stream.set_input`` takes after the id.
        """
        self._caller.inputs, self._caller.inputs_due = values, True

    async def hang_up(self) -> None:
        """End the call; further calls do nothing.

        Raises:
            CallFailed: If the program does not end the connection, or leaves a task or a thread
                running.
        """
        __tracebackhide__ = True
        if self._state != "open":
            return
        try:
            await self._do(self._caller.hang_up())
        finally:
            self._state = "over"
            self._raised.end()
            await self._line.release()

    # The results

    @property
    def turns(self) -> list[Turn]:
        """The turns so far: what the caller said, and the replies."""
        caller = self._caller
        return make_turns(caller.utterances, caller.heard.samples, caller.heard.sounds, self._ears)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a stereo WAV file: the caller on the left, the program on the right.

        Raises:
            OSError: If the file cannot be written.
        """
        save(path, self._caller.spoken.samples, self._caller.heard.samples)

    def timeline(self) -> str:
        """Return what happened as text, one line per event."""
        caller = self._caller
        return format_timeline(caller.utterances, caller.heard.sounds, caller.events)

    # On the loop of the line

    async def _do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a part of the script on the loop of the line."""
        __tracebackhide__ = True
        if self._state != "open":
            work.close()
            raise CallFailed("The call is not open: use it within `async with Call(stream)`")
        try:
            return await self._line.run(work)
        except CallFailed as error:
            raise error.with_traceback(None) from error.__cause__

    def _limit(self, limit_s: float | None) -> float:
        return self._limit_s if limit_s is None else _positive("limit_s", limit_s)


def _positive(name: str, value: float) -> float:
    if not 0 < value < inf:
        raise ValueError(f"{name} must be a positive number of seconds, not {value!r}")
    return value


def _place() -> str:
    """Return the file and line of the script that called a method of ``Call``."""
    frame: FrameType | None = sys._getframe(1)
    here = os.path.dirname(__file__)
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith(here) and "asyncio" not in name:
            return f"{os.path.basename(name)}:{frame.f_lineno}"
        frame = frame.f_back
    return ""
