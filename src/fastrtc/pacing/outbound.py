"""Outbound audio and other outputs: from the handler to the client."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from numpy.typing import NDArray

from ..core.failures import CallbackFailures
from ..core.loop_clock import TICK_S
from ..core.outputs import DELIVERED, CloseStream, Delivered, split_output
from ..core.speech import Speech
from ..core.tasks import runs_on_a_loop
from ..core.transcript import Transcript
from ..handlers.invoke import Invoker
from .audio_output import check_output, is_nothing, playable_s
from .cues import Cues
from .emit import INTERVAL_S, DroppedAudio
from .emit_calls import EmitCalls, Raised
from .level_meter import LevelMeter
from .playout import Playout, PlayoutFrame
from .suspendable import Detached, SuspendableOutput
from .taps import OutboundTap

__all__ = ["AudioOutbound"]


class AudioOutbound(SuspendableOutput):
    """Collect the outputs of a handler, and release its audio in real time.

    ``AdditionalOutputs`` and ``Transcript`` are delivered at once, but a transcript beside audio
    when that begins to be played; audio is queued, up to a limit, and leaves in frames (see
    ``Playout``); a ``CloseStream`` takes effect after the audio before it.

    Args:
        invoker: Runs user code.
        deliver: Called with each ``AdditionalOutputs`` and ``Transcript``.
        playout: Paces the audio; None drops it, as the client receives none.
        failures: Records exceptions of ``emit`` and outputs that cannot be sent.

    Attributes:
        on_played: Called when all queued audio has been sent and played.
        on_polled: Called with the playout, and the frame that is about to be sent, or None if there
            is nothing left to send; None for nothing.
        on_cleared: Called with the playout before the queue is cleared; None for nothing.
        on_frame: Sends a frame that is due as its audio is queued, if a task waits in ``frame``.
        turn: Held by a task while the audio of other tasks waits.
        meter: Measures the level of the audio that is sent; None for nothing.
        unplayed_s: Returns how much queued audio was not played, in seconds; a transport whose
            client has a buffer replaces it.
        captions: Whether the texts of ``Speech`` are delivered as transcripts.
        cues: What is called as audio is played: its transcripts.
        tap: Records the audio; None for nothing.
        sent: What was sent, for a client that may resume its session; None for others.
    """

    def __init__(
        self,
        invoker: Invoker,
        deliver: Callable[[Delivered], None],
        playout: Playout | None,
        failures: CallbackFailures,
    ) -> None:
        super().__init__(playout)
        self._failures = failures
        self._deliver = deliver
        self._calls = EmitCalls(invoker, deliver, failures)
        self._calls.on_held = self._hold
        self._others_ran = False  # of the tasks of this session, since the last output of `emit`
        self.on_polled: Callable[[Playout, PlayoutFrame | None], None] | None = None
        self.on_cleared: Callable[[Playout], None] | None = None
        self.turn = asyncio.Lock()
        self.meter: LevelMeter | None = None
        self.unplayed_s: Callable[[], float] = self._unsent_s
        self.captions = False
        self.cues = Cues(self._played_s)
        self.tap: OutboundTap | None = None
        self._was_playing = False
        self._clears = 0
        self._dropped = DroppedAudio()

    async def run_emit(
        self,
        emit: Callable[[], Any],
        wakes: threading.Event | None = None,
        *,
        stale: bool = False,
    ) -> str:
        """Call a handler's ``emit`` repeatedly.

        Args:
            emit: Sync or async.
            wakes: Set when a sync ``emit`` that returned nothing has output; without it, the clock
                decides when it is called again.
            stale: Whether to drop the output of a call that was running when the queue was cleared.

        Returns:
            The reason of the ``CloseStream``, after its audio has been played.

        Raises:
            HandlerKeepsFailing: If ``emit`` raises, or returns what cannot be sent, again and
                again; once costs that output only.
            HandlerExited: If it raises a ``BaseException`` that is not an ``Exception``.
        """
        calls = self._calls
        outputs = calls.outputs(emit, wakes, stale=stale)
        async with aclosing(outputs):
            async for asked_when_cleared, output in outputs:
                if isinstance(output, Raised):
                    await self._fail(output.error)
                    continue
                if stale and asked_when_cleared != calls.cleared:
                    continue
                reason = await self.accept(output)
                if reason is not None:
                    return reason
                if not self._others_ran:
                    await asyncio.sleep(0)  # let other tasks run if emit always has output
                self._others_ran = False
        return "Stream ended"

    def fed(self) -> None:
        """Record that an async ``receive`` processed input: ``emit`` may have output."""
        self._others_ran = True
        self._calls.fed()

    def fed_in_thread(self) -> None:
        """Record that a sync ``receive`` processed input; called in its thread."""
        self._calls.fed_in_thread()

    @property
    def emitting(self) -> bool:
        """Whether a sync ``emit`` is running at the moment."""
        return self._calls.emitting

    def mark(self, callback: Callable[[], None]) -> None:
        """Call back on the loop when what a sync ``emit`` has returned so far is queued.

        Call it in the thread of that ``emit``.
        """
        self._calls.mark(callback)

    def mark_output(self, callback: Callable[[], None]) -> None:
        """Call back on the loop when what ``emit`` has returned so far is queued.

        Call it where ``emit`` runs: in its thread, or on the loop.
        """
        if runs_on_a_loop():
            callback()
        else:
            self._calls.mark(callback)

    def will_clear(self) -> None:
        """Record that ``clear`` is about to be called; callable from any thread."""
        self._calls.cleared += 1

    async def run_generator(self, items: AsyncGenerator[Any, None]) -> str:
        """Send the outputs of a generator.

        Returns:
            The reason of the ``CloseStream``, or that it has ended; after its audio was played.
        """
        loop = asyncio.get_running_loop()
        async with aclosing(items):
            asked_at = loop.time()
            async for output in items:
                reason = await self.accept(output)
                if reason is not None:
                    return reason
                if is_nothing(output):
                    await self._calls.rest(asked_at)
                else:
                    await asyncio.sleep(0)  # let other tasks run if it always has output
                asked_at = loop.time()
        await self.played()
        return "Stream ended"

    async def accept(self, output: Any) -> str | None:
        """Process one output; an output that cannot be sent is recorded and dropped.

        Returns:
            The reason of a ``CloseStream``, after the audio before it has been played.

        Raises:
            HandlerKeepsFailing: If no output could be sent for 5 s.
        """
        try:
            reason = await self.take(output)
        except Exception as error:
            await self._fail(error)
            return None
        self._failures.succeeded()
        return reason

    async def _fail(self, error: Exception) -> None:
        """Record an exception, and wait before user code that fails at once is called again."""
        self._failures.failed(error)
        await asyncio.sleep(INTERVAL_S)

    async def take(self, output: Any, *, in_turn: bool = False) -> str | None:
        """Process one output, and wait while the queue is full (backpressure).

        Args:
            output: The output.
            in_turn: Whether the caller holds ``turn``.

        Returns:
            The reason of a ``CloseStream``, after the audio before it has been played.

        Raises:
            HandlerError: If the output cannot be sent.
        """
        media, other = split_output(output)
        said = other if isinstance(other, Transcript) and media is not None else None
        if said is None and isinstance(other, DELIVERED):
            self._deliver(other)
        if media is not None:
            if said is None and self.captions and isinstance(media, Speech) and media.text:
                said = Transcript(media.text)
            rate, samples = check_output(media)
            queued = await self._queue(rate, samples, in_turn=in_turn)
            if said is not None and queued:
                self._announce(said, samples.shape[1] / rate)
        if isinstance(other, CloseStream):
            await self.played()
            return other.msg
        return None

    def _announce(self, said: Transcript, seconds: float) -> None:
        """Deliver a transcript when the last audio, of that length, begins to be played."""
        if self.playout is None:
            self._deliver(said)
        else:
            self.cues.add(self.playout.pushed_s - seconds, lambda: self._deliver(said))

    def _unsent_s(self) -> float:
        if self.playout is None:
            return 0.0
        return self.playout.queued_s + self.playout.ahead_s(asyncio.get_running_loop().time())

    def _played_s(self) -> float:
        if self.playout is None:
            return math.inf
        return self.playout.pushed_s + self.playout.held_s - self.unplayed_s()

    async def _queue(self, rate: int, samples: NDArray[Any], *, in_turn: bool) -> bool:
        """Queue audio; return whether it was not dropped because the queue was cleared."""
        if self.playout is None:
            await self._drop(rate, samples)
            return True
        if not in_turn and (self.playout.full or self.turn.locked()):
            clears = self._clears
            async with self.turn:
                if clears != self._clears:
                    return False
                return await self._queue(rate, samples, in_turn=True)
        if self.playout.full and not await self._wait_for_room(self.playout, rate, samples):
            return False
        playout, on_frame = self.playout, self.on_frame
        if on_frame is None or not playout.waits_for_audio or not self._pushed.awaited:
            self.push(rate, samples)
            return True
        playout.push_checked(rate, samples)
        while isinstance(action := self._poll(playout), PlayoutFrame):
            await on_frame(action)
        if action is not None:
            self._pushed.wake_at(action)
        return True

    def push(self, rate: int, samples: NDArray[Any]) -> None:
        """Queue audio, if the client receives any, whether there is room or not.

        Args:
            rate: Sample rate in Hz.
            samples: As ``check_audio`` returns them.
        """
        playout = self.playout
        if playout is None:
            return
        playout.push_checked(rate, samples)
        if not playout.waits_for_audio:
            return
        if asyncio.get_running_loop().time() < playout.next_frame_at - TICK_S:
            self._pushed.wake_at(playout.next_frame_at)
        else:
            self._pushed.ring()

    async def _wait_for_room(self, playout: Playout, rate: int, samples: NDArray[Any]) -> bool:
        """Wait until the queue has room; return whether the queue was not cleared meanwhile."""
        clears = self._clears
        playout.held_s = samples.shape[1] / rate + self._calls.held_s()
        try:
            while playout.full and clears == self._clears:
                await self._sent.wait()
        finally:
            playout.held_s = 0.0
        return clears == self._clears

    def _hold(self, output: Any) -> None:
        """Count audio that a thread has given while an earlier one waits for room."""
        if self.playout is not None and self.playout.held_s:
            self.playout.held_s += playable_s(output)

    async def _drop(self, rate: int, samples: NDArray[Any]) -> None:
        loop = asyncio.get_running_loop()
        while self._dropped.room_at > loop.time():
            await self._sent.wait(self._dropped.room_at)
        self._dropped.add(samples.shape[1] / rate, loop.time())

    async def played(self) -> None:
        """Wait until all queued audio, and the silence after it, has been sent."""
        if self.playout is None:
            return
        self.playout.end()
        self._pushed.ring()
        while self.playout.has_audio or self.playout.playing:
            await self._sent.wait()

    def clear(self) -> None:
        """Drop audio that is queued or waits for room; call on the event loop."""
        self._clears += 1
        self._dropped.clear()
        self.cues.clear()
        if self.sent is not None:
            self.sent.clear()
        if self.playout is not None:
            if self.on_cleared is not None:
                self.on_cleared(self.playout)
            self.playout.clear()
            self._pushed.ring()
        self._sent.ring()

    def pause(self, *, held: bool = False) -> None:
        """Send no audio until ``resume`` or ``clear``; call on the event loop.

        Args:
            held: Whether the client pauses as well, and keeps the audio that was sent ahead.
        """
        if self.playout is not None:
            self.playout.pause(asyncio.get_running_loop().time(), held=held)

    def resume(self) -> None:
        """End a pause; call on the event loop."""
        if self.playout is not None:
            self.playout.resume(asyncio.get_running_loop().time())
            self._pushed.ring()

    def duck(self, db: float | None) -> None:
        """Lower the volume by *db* decibels; None ends it; call on the event loop."""
        if self.playout is not None:
            self.playout.duck(db)

    async def frame(self) -> PlayoutFrame:
        """Wait for the next frame of audio, until the time to send it.

        Raises:
            Detached: If the transport is detached meanwhile.
        """
        assert self.playout is not None
        attachment = self._attachment
        self._others_ran = True
        while not isinstance(action := self._poll(self.playout), PlayoutFrame):
            await self._pushed.wait(action)
            if attachment != self._attachment:
                raise Detached
            self._others_ran = True
        return action

    def _poll(self, playout: Playout) -> PlayoutFrame | float | None:
        """Return what ``Playout.poll`` does, and wake the tasks that wait for it."""
        if self._suspended:
            return None
        now = asyncio.get_running_loop().time()
        if now < playout.next_frame_at <= now + TICK_S:  # timers are as early as that
            now = playout.next_frame_at
        action = playout.poll(now)
        if not isinstance(action, float):
            if self.tap is not None and action is not None:
                rtp, due_s = not playout.options.lead_s, playout.frame_due
                self.tap.played(due_s, playout.rate, action.samples, catches_up=rtp)
            self._sent.ring()
            if self.on_polled is not None:
                self.on_polled(playout, action)
            if action is None:
                if self._was_playing and not playout.playing:
                    self.on_played()
            else:
                if self.meter is not None:
                    self.meter.push(action.samples)
                if self.sent is not None:
                    self.sent.add(action, playout.rate, now)
        self._was_playing = playout.playing
        return action
