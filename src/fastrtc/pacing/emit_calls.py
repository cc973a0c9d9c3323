"""The calls of a handler's ``emit``: when it may have output, in its task or thread."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any

from ..core.failures import CallbackFailures
from ..core.outputs import DELIVERED, CloseStream, Delivered, split_output
from ..core.timed_event import TimedEvent
from ..core.transcript import Transcript
from ..handlers.invoke import Invoker, is_async
from .audio_output import is_nothing, playable_s
from .emit import SLACK_S, EmitClock

__all__ = ["EmitCalls", "Raised"]


@dataclass
class Raised:
    """The outcome of a call that raised."""

    error: Exception


class EmitCalls:
    """Call a handler's ``emit`` repeatedly.

    Args:
        invoker: Runs user code.
        deliver: Called with each ``AdditionalOutputs`` and ``Transcript``.
        failures: Records exceptions of ``emit``.

    Attributes:
        emitting: Whether a sync ``emit`` is running at the moment.
        cleared: How often the queue was cleared; counted by the caller.
        on_held: Called with each output that a thread has given and that is not yet taken.
    """

    def __init__(
        self,
        invoker: Invoker,
        deliver: Callable[[Delivered], None],
        failures: CallbackFailures,
    ) -> None:
        self._invoker = invoker
        self._deliver = deliver
        self._failures = failures
        self._clock = EmitClock()
        self._fed = TimedEvent()
        self._fed_in_thread = threading.Event()
        self._stopped = False
        self._stale = False
        self._by_clock = True
        self._given: deque[tuple[int, Any]] = deque()  # by a thread, and not yet taken
        self.emitting = False
        self.cleared = 0
        self._posted = 0  # outputs of a thread
        self._processed = 0
        self._marks: deque[tuple[int, Callable[[], None]]] = deque()
        self.on_held: Callable[[Any], None] = lambda output: None

    def outputs(
        self, emit: Callable[[], Any], wakes: threading.Event | None, *, stale: bool
    ) -> AsyncGenerator[tuple[int, Any], None]:
        """Return the outputs: each with ``cleared`` before the call, and ``Raised`` for exceptions.

        Args:
            emit: Sync or async.
            wakes: Set when a sync ``emit`` that returned nothing has output; without it, the clock
                decides when it is called again.
            stale: Whether the output of a call that was running when the queue was cleared will
                be dropped.
        """
        self._stale = stale
        if wakes is not None:
            self._fed_in_thread, self._by_clock = wakes, False
        return self._ask(emit) if is_async(emit) else self._ask_in_thread(emit)

    def fed(self) -> None:
        """Record that an async ``receive`` processed input: ``emit`` may have output."""
        self._clock.fed(asyncio.get_running_loop().time())
        self._fed.ring()

    def fed_in_thread(self) -> None:
        """Record that a sync ``receive`` processed input; called in its thread."""
        self._clock.fed(time.monotonic())
        self._fed_in_thread.set()

    def mark(self, callback: Callable[[], None]) -> None:
        """Call back on the loop when what a sync ``emit`` has returned so far is processed.

        Call it in the thread of that ``emit``.
        """
        self._invoker.post(self._mark, self._posted, callback)

    def _mark(self, number: int, callback: Callable[[], None]) -> None:
        if number <= self._processed:
            callback()
        else:
            self._marks.append((number, callback))

    def _processed_one(self) -> None:
        self._processed += 1
        while self._marks and self._marks[0][0] <= self._processed:
            self._marks.popleft()[1]()

    def held_s(self) -> float:
        """Return how much audio a thread has given that is not yet taken, in seconds."""
        return sum(playable_s(output) for _, output in self._given)

    async def rest(self, asked_at: float) -> None:
        """Wait until user code that returned nothing is called again."""
        earliest, latest = self._clock.window(asked_at)
        await self._fed.wait(latest)
        if (early := earliest - asyncio.get_running_loop().time()) > SLACK_S:
            await asyncio.sleep(early)

    async def _ask(self, emit: Callable[[], Any]) -> AsyncGenerator[tuple[int, Any], None]:
        """Return the output of an async ``emit``, and the clear count before the call."""
        loop = asyncio.get_running_loop()
        while True:
            asked_when_cleared, asked_at = self.cleared, loop.time()
            try:
                output = await self._invoker.call_async("emit", emit)
                nothing = is_nothing(output)
            except Exception as error:
                output, nothing = Raised(error), False
            if nothing:
                self._failures.succeeded()
                await self.rest(asked_at)
            else:
                yield asked_when_cleared, output

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
            self.on_held(output)
            given.ring()

        def ask_until_stopped() -> None:
            while not self._stopped:
                asked_when_cleared = self.cleared
                try:
                    output = self._ask_once(emit)
                except Exception as error:
                    output = Raised(error)
                if output is None:
                    self._failures.succeeded()
                else:
                    self._posted += 1
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
                self._processed_one()
                taken.put(None)
            asking.result()
        finally:
            self._stopped = True
            self._fed_in_thread.set()
            taken.put(None)
            asking.cancel()
            await asyncio.wait([asking])

    def _deliver_at_once(self, asked_when_cleared: int, output: Any) -> Any:
        """Deliver what is no media, and return the rest of the output.

        The thread is one call ahead: messages of that call must not overtake the outputs.
        """
        media, other = split_output(output)
        if not isinstance(other, DELIVERED):
            return output
        if media is not None and isinstance(other, Transcript):
            return output  # delivered with its audio
        if self._stale and asked_when_cleared != self.cleared:
            return output
        try:
            self._deliver(other)
        except Exception as error:
            return Raised(error)
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
