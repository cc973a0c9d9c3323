"""Audio of the handler on its way to the client, and what else the handler gives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from ..core.alarm import Alarm
from ..core.errors import HandlerError
from ..core.outputs import AdditionalOutputs, CloseStream, split_output
from ..handlers.invoke import Invoker
from .playout import Playout, PlayoutFrame

__all__ = ["AudioOutbound"]

EMPTY_INTERVAL_S = 0.02
"""How long after the call that gave None ``emit`` is asked again, at the earliest: a frame."""


class AudioOutbound:
    """Takes what a handler gives and hands out its audio in real time.

    ``AdditionalOutputs`` are delivered when they are given; audio is queued, up to a
    limit, and leaves in frames of 20 ms; ``CloseStream`` waits until it has.

    Args:
        invoker: Runs the user's code.
        deliver: Called with each ``AdditionalOutputs``.
        playout: Paces the audio; None if the client takes none, which drops it.
    """

    def __init__(
        self,
        invoker: Invoker,
        deliver: Callable[[AdditionalOutputs], None],
        playout: Playout | None,
    ) -> None:
        self.playout = playout
        self._invoker = invoker
        self._deliver = deliver
        self._pushed = Alarm()
        self._sent = Alarm()

    async def run_emit(self, emit: Callable[[], Any]) -> str:
        """Ask a handler's ``emit`` again and again.

        Returns:
            The reason that a ``CloseStream`` gave, when its audio has been played.

        Raises:
            Exception: What ``emit`` raises, or ``HandlerError`` for something unfit.
        """
        loop = asyncio.get_running_loop()
        while True:
            asked_at = loop.time()
            output = await self._invoker.call("emit", emit)
            if output is not None:
                reason = await self.take(output)
                if reason is not None:
                    return reason
                await asyncio.sleep(0)  # an emit that always has something must not keep the loop
            else:
                wait = asked_at + EMPTY_INTERVAL_S - loop.time()
                await asyncio.sleep(max(0.0, wait))

    async def run_generator(self, items: AsyncGenerator[Any, None]) -> str:
        """Send what a generator gives.

        Returns:
            Why the stream ends, when its audio has been played: the reason of its
            ``CloseStream``, or that it has ended.
        """
        async with aclosing(items):
            async for output in items:
                if output is not None:
                    reason = await self.take(output)
                    if reason is not None:
                        return reason
        await self.played()
        return "Stream ended"

    async def take(self, output: Any) -> str | None:
        """Take one output, and wait while too much audio is queued.

        Returns:
            The reason of a ``CloseStream``, when the audio before it has been played.

        Raises:
            HandlerError: If it is nothing that can be sent.
        """
        media, other = split_output(output)
        if isinstance(other, AdditionalOutputs):
            self._deliver(other)
        if media is not None:
            if not isinstance(media, tuple) or not 2 <= len(media) <= 3:
                raise HandlerError(
                    "Audio must be given as (sample_rate, samples) or "
                    f"(sample_rate, samples, layout), not {_shown(media)}"
                )
            await self._queue(*media)
        if isinstance(other, CloseStream):
            await self.played()
            return other.msg
        return None

    async def _queue(self, rate: Any, samples: Any, layout: Any = None) -> None:
        if self.playout is None:
            Playout().push(rate, samples, layout)  # refused here as well if it is no audio
            return
        while self.playout.queued_s > self.playout.options.limit_s:
            await self._sent.wait()
        self.playout.push(rate, samples, layout)
        self._pushed.ring()

    async def played(self) -> None:
        """Wait until all that is queued, and the silence after it, has been sent."""
        if self.playout is None:
            return
        self.playout.end()
        self._pushed.ring()
        while self.playout.has_audio or self.playout.playing:
            await self._sent.wait()

    def clear(self) -> None:
        """Drop the audio that is queued; on the event loop."""
        if self.playout is not None:
            self.playout.clear()
            self._pushed.ring()
            self._sent.ring()

    async def frame(self) -> PlayoutFrame:
        """Wait for the next 20 ms of audio and for the moment to send them."""
        assert self.playout is not None
        loop = asyncio.get_running_loop()
        while True:
            action = self.playout.poll(loop.time())
            if isinstance(action, PlayoutFrame):
                self._sent.ring()
                return action
            if action is None:
                self._sent.ring()
            await self._pushed.wait(action)


def _shown(value: Any) -> str:
    return f"a tuple of {len(value)}" if isinstance(value, tuple) else type(value).__name__
