"""Outbound audio and other outputs: from the handler to the client."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from ..core.failures import CallbackFailures
from ..core.loop_clock import TICK_S
from ..core.outputs import AdditionalOutputs, CloseStream, split_output
from ..core.timed_event import TimedEvent
from ..handlers.invoke import Invoker, is_async
from .audio_output import check_output, is_nothing, playable_s
from .emit import INTERVAL_S, SLACK_S, DroppedAudio, EmitClock
from .playout import Playout, PlayoutFrame

__all__ = ["AudioOutbound"]


@dataclass
class _Raised:
    """The outcome of a call that raised."""

    error: Exception


class AudioOutbound:
    """Collect the outputs of a handler, and release its audio in real time.

    ``AdditionalOutputs`` are delivered at once; audio is queued, up to a limit, and leaves in
    frames (see ``Playout``); a ``CloseStream`` takes effect after the audio before it.

    Args:
        invoker: Runs user code.
        deliver: Called with each ``AdditionalOutputs``.
        playout: Paces the audio; None drops it, as the client receives none.
        failures: Records exceptions of ``emit`` and outputs that cannot be sent.

    Attributes:
        emitting: Whether a sync ``emit`` is running at the moment.
        on_played: Called when all queued audio has been sent and played.
        on_frame: Sends a frame that is due as its audio is queued, if a task waits in ``frame``.
        cleared: How often the queue was cleared; counted by the caller of ``clear``.
    """

    def __init__(
        self,
        invoker: Invoker,
        deliver: Callable[[AdditionalOutputs], None],
        playout: Playout | None,
        failures: CallbackFailures,
    ) -> None:
        self.playout = playout
        self._failures = failures
        self._invoker = invoker
        self._deliver = deliver
        self._pushed = TimedEvent()
        self._sent = TimedEvent()
        self._clock = EmitClock()
        self._fed = TimedEvent()
        self._fed_in_thread = threading.Event()
        self._stopped = False
        self._stale = False
        self._by_clock = True
        self._given: deque[tuple[int, Any]] = deque()  # by a thread, and not yet taken
        self._others_ran = False  # of the tasks of this session, since the last output of `emit`
        self.emitting = False
        self.on_played: Callable[[], None] = lambda: None
        self.on_frame: Callable[[PlayoutFrame], Awaitable[None]] | None = None
        self._was_playing = False
        self.cleared = 0
        self._clears = 0  # the same, counted when it was done
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
        self._stale = stale
        if wakes is not None:
            self._fed_in_thread, self._by_clock = wakes, False
        outputs = self._ask(emit) if is_async(emit) else self._ask_in_thread(emit)
        async with aclosing(outputs):
            async for asked_when_cleared, output in outputs:
                if isinstance(output, _Raised):
                    await self._fail(output.error)
                    continue
                if stale and asked_when_cleared != self.cleared:
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
        self._clock.fed(asyncio.get_running_loop().time())
        self._fed.ring()

    def fed_in_thread(self) -> None:
        """Record that a sync ``receive`` processed input; called in its thread."""
        self._clock.fed(time.monotonic())
        self._fed_in_thread.set()

    async def _ask(self, emit: Callable[[], Any]) -> AsyncGenerator[tuple[int, Any], None]:
        """Return the output of an async ``emit``, and the clear count before the call."""
        loop = asyncio.get_running_loop()
        while True:
            asked_when_cleared, asked_at = self.cleared, loop.time()
            try:
                output = await self._invoker.call_async("emit", emit)
                nothing = is_nothing(output)
            except Exception as error:
                output, nothing = _Raised(error), False
            if nothing:
                self._failures.succeeded()
                await self._rest(asked_at)
            else:
                yield asked_when_cleared, output

    async def _rest(self, asked_at: float) -> None:
        """Wait until user code that returned nothing is called again."""
        earliest, latest = self._clock.window(asked_at)
        await self._fed.wait(latest)
        if (early := earliest - asyncio.get_running_loop().time()) > SLACK_S:
            await asyncio.sleep(early)

    async def _ask_in_thread(
        self, emit: Callable[[], Any]
    ) -> AsyncGenerator[tuple[int, Any], None]:
        """Return the output of a sync ``emit``, and the clear count before the call.

        Its thread keeps calling and is not woken for each output; it is at most one output ahead.
        """
        outputs = self._given
        given = TimedEvent()
        taken: queue.SimpleQueue[None] = queue.SimpleQueue()  # a tenth of a Semaphore's cost
        taken.put(None)

        def give(asked_when_cleared: int, output: Any) -> None:
            outputs.append((asked_when_cleared, self._deliver_at_once(asked_when_cleared, output)))
            if self.playout is not None and self.playout.held_s:
                self.playout.held_s += playable_s(output)
            given.ring()

        def ask_until_stopped() -> None:
            while not self._stopped:
                asked_when_cleared = self.cleared
                try:
                    output = self._ask_once(emit)
                except Exception as error:
                    output = _Raised(error)
                if output is None:
                    self._failures.succeeded()
                else:
                    self._invoker.post(give, asked_when_cleared, output)
                    taken.get()
                if isinstance(split_output(output)[1], CloseStream):
                    return

        asking = asyncio.create_task(self._invoker.call("emit", ask_until_stopped))
        asking.add_done_callback(lambda _: given.ring())
        try:
            while outputs or not asking.done():
                if not outputs:
                    await given.wait()
                    continue
                yield outputs.popleft()
                taken.put(None)
            asking.result()
        finally:
            self._stopped = True
            self._fed_in_thread.set()
            taken.put(None)
            asking.cancel()
            await asyncio.wait([asking])

    def _deliver_at_once(self, asked_when_cleared: int, output: Any) -> Any:
        """Deliver ``AdditionalOutputs``, and return the rest of the output.

        The thread is one call ahead: messages of that call must not overtake the outputs.
        """
        media, other = split_output(output)
        if not isinstance(other, AdditionalOutputs):
            return output
        if self._stale and asked_when_cleared != self.cleared:
            return output
        try:
            self._deliver(other)
        except Exception as error:
            return _Raised(error)
        return media

    def _ask_once(self, emit: Callable[[], Any]) -> Any:
        """Call a sync ``emit``; if it returns nothing, wait until the next call is due."""
        self._fed_in_thread.clear()
        if self._stopped:  # checked after the event, which is set when it changes
            return None
        asked_at = time.monotonic()
        self.emitting = True
        try:
            output = self._invoker.finish(emit())
        finally:
            self.emitting = False
        if not is_nothing(output):
            return output
        if not self._by_clock:
            self._fed_in_thread.wait()
            return None
        earliest, latest = self._clock.window(asked_at)
        self._fed_in_thread.wait(max(0.0, latest - time.monotonic()))
        if (early := earliest - time.monotonic()) > SLACK_S:
            time.sleep(early)
        return None

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
                    await self._rest(asked_at)
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

    async def take(self, output: Any) -> str | None:
        """Process one output, and wait while the queue is full (backpressure).

        Returns:
            The reason of a ``CloseStream``, after the audio before it has been played.

        Raises:
            HandlerError: If the output cannot be sent.
        """
        media, other = split_output(output)
        if isinstance(other, AdditionalOutputs):
            self._deliver(other)
        if media is not None:
            await self._queue(*check_output(media))
        if isinstance(other, CloseStream):
            await self.played()
            return other.msg
        return None

    async def _queue(self, rate: int, samples: NDArray[Any]) -> None:
        if self.playout is None:
            await self._drop(rate, samples)
            return
        if self.playout.full and not await self._wait_for_room(self.playout, rate, samples):
            return
        playout, on_frame = self.playout, self.on_frame
        if on_frame is None or not playout.waits_for_audio or not self._pushed.awaited:
            self.push(rate, samples)
            return
        playout.push_checked(rate, samples)
        while isinstance(action := self._poll(playout), PlayoutFrame):
            await on_frame(action)
        if action is not None:
            self._pushed.wake_at(action)

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
        behind = sum(playable_s(output) for _, output in self._given)
        playout.held_s = samples.shape[1] / rate + behind
        try:
            while playout.full and clears == self._clears:
                await self._sent.wait()
        finally:
            playout.held_s = 0.0
        return clears == self._clears

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
        if self.playout is not None:
            self.playout.clear()
            self._pushed.ring()
        self._sent.ring()

    async def frame(self) -> PlayoutFrame:
        """Wait for the next frame of audio, until the time to send it."""
        assert self.playout is not None
        self._others_ran = True
        while not isinstance(action := self._poll(self.playout), PlayoutFrame):
            await self._pushed.wait(action)
            self._others_ran = True
        return action

    def _poll(self, playout: Playout) -> PlayoutFrame | float | None:
        """Return what ``Playout.poll`` does, and wake the tasks that wait for it."""
        now = asyncio.get_running_loop().time()
        if now < playout.next_frame_at <= now + TICK_S:  # timers are as early as that
            now = playout.next_frame_at
        action = playout.poll(now)
        if not isinstance(action, float):
            self._sent.ring()
            if action is None and self._was_playing:
                self.on_played()
        self._was_playing = playout.playing
        return action
