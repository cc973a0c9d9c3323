"""Video between the client and the handler."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

import numpy as np
from av import VideoFrame
from numpy.typing import NDArray

from ..core.failures import CallbackFailures, contained
from ..core.outputs import DELIVERED, CloseStream, Delivered, split_output
from ..core.tasks import end_if_cancelled
from ..handlers.inputs import FunctionInputs
from ..handlers.invoke import Invoker, is_async
from .emit import INTERVAL_S
from .frames import FrameClock, FrameQueue
from .picture import is_picture, to_array, to_frame
from .sender_clocks import SenderClocks
from .taps import PictureTap

__all__ = ["VideoInbound", "VideoOutbound", "run_function"]

FRAMES_WAITING = 4
"""Capacity of the queue in front of a slow handler, in frames: 0.13 s of delay at 30 fps."""


class VideoInbound:
    """Inbound video: from the client to the handler.

    Args:
        skip_frames: Whether only the newest frame is queued.

    Attributes:
        latest: The newest frame of the client; None before the first.
        tap: Records the frames; None for nothing.
        clocks: Tells which audio was captured with a frame; None if nothing does.
    """

    def __init__(self, *, skip_frames: bool = False) -> None:
        self._frames: FrameQueue[VideoFrame] = FrameQueue(1 if skip_frames else FRAMES_WAITING)
        self.latest: VideoFrame | None = None
        self.tap: PictureTap | None = None
        self.clocks: SenderClocks | None = None

    def push(self, frame: VideoFrame) -> None:
        """Queue a frame of the client."""
        self.latest = frame
        if self.tap is not None:
            media_s, audio_s = frame.time, None
            if self.clocks is not None and media_s is not None:
                audio_s = self.clocks.audio_time(media_s)
            self.tap.picture(frame, media_s, audio_s)
        self._frames.put(frame)

    @property
    def dropped(self) -> int:
        """How many frames were dropped, as the handler is slow."""
        return self._frames.dropped

    def black(self) -> NDArray[np.uint8]:
        """Return a black picture of the size of the client's."""
        size = (2, 2) if self.latest is None else (self.latest.height, self.latest.width)
        return np.zeros((*size, 3), np.uint8)

    async def get(self) -> VideoFrame:
        """Wait for the next frame."""
        return await self._frames.get()

    async def run(
        self,
        invoker: Invoker,
        receive: Callable[[Any], Any],
        failures: CallbackFailures,
        name: str = "video_receive",
    ) -> None:
        """Call a handler's ``video_receive`` until the connection ends.

        Args:
            invoker: Runs user code.
            receive: The method.
            failures: Records its exceptions.
            name: Its name; each has a thread of its own.

        Raises:
            HandlerKeepsFailing: If it fails again and again; a single exception costs its frame
                only.
            HandlerExited: If it raises a ``BaseException`` that is not an ``Exception``.
        """
        converting = "picture" if name == "video_receive" else f"{name}-picture"
        while True:
            frame = await self.get()
            try:
                if is_async(receive):
                    picture = await invoker.call(converting, to_array, frame)
                    await invoker.call(name, receive, picture)
                else:
                    await invoker.call(name, lambda f: receive(to_array(f)), frame)
            except Exception as error:
                failures.failed(error)
            else:
                failures.succeeded()


class VideoOutbound:
    """Collect the frames of a handler, and release them in real time.

    Args:
        invoker: Runs user code.
        deliver: Called with each ``AdditionalOutputs`` and ``Transcript``.
        fps: Maximum frame rate; None if the client receives none.
        failures: Records exceptions of ``video_emit``, or of a function, and outputs that cannot be
            sent.

    Attributes:
        tap: Records the frames that are sent; None for nothing.
    """

    def __init__(
        self,
        invoker: Invoker,
        deliver: Callable[[Delivered], None],
        fps: float | None,
        failures: CallbackFailures,
    ) -> None:
        self._invoker = invoker
        self.failures = failures
        self._deliver = deliver
        self._clock = None if fps is None else FrameClock(fps)
        self._frames: FrameQueue[VideoFrame] = FrameQueue(1)
        self.tap: PictureTap | None = None

    @property
    def dropped(self) -> int:
        """How many frames were dropped, as they could not be sent in time."""
        return self._frames.dropped

    def drop(self) -> None:
        """Drop all frames, and send none."""
        self._clock = None

    async def run_emit(self, emit: Callable[[], Any]) -> str:
        """Call a handler's ``video_emit`` whenever the previous frame has been sent.

        Returns:
            The reason of the ``CloseStream``.

        Raises:
            HandlerKeepsFailing: If ``video_emit`` raises, or returns what cannot be sent, again and
                again; once costs that frame only.
            HandlerExited: If it raises a ``BaseException`` that is not an ``Exception``.
        """
        loop = asyncio.get_running_loop()
        while True:
            asked_at = loop.time()
            try:
                output = await self._invoker.call("video_emit", emit)
                reason = await self.take(output, wait=True)
            except Exception as error:
                self.failures.failed(error)
                output = reason = None
            else:
                self.failures.succeeded()
            if reason is not None:
                return reason
            await self._rest(output, asked_at)

    async def _rest(self, output: Any, asked_at: float) -> None:
        """Let other tasks run before user code, which may never wait, is called again.

        Wait longer if it returned None, or if no client receives its frames.
        """
        wait = 0.0
        if output is None or self._clock is None:
            wait = asked_at + INTERVAL_S - asyncio.get_running_loop().time()
        await asyncio.sleep(max(0.0, wait))

    async def run_generator(self, items: AsyncGenerator[Any, None]) -> str:
        """Send the frames of a generator, which is advanced as frames are sent.

        Returns:
            Why the stream ends.

        Raises:
            Exception: Exceptions of the generator.
            HandlerKeepsFailing: If it yielded nothing that can be sent for 5 s.
        """
        loop = asyncio.get_running_loop()
        async with aclosing(items):
            asked_at = loop.time()
            async for output in items:
                reason = None
                try:
                    reason = await self.take(output, wait=True)
                except Exception as error:
                    self.failures.failed(error)
                    output = None  # noqa: PLW2901
                else:
                    self.failures.succeeded()
                if reason is not None:
                    return reason
                await self._rest(output, asked_at)
                asked_at = loop.time()
        await self._frames.empty()
        return "Stream ended"

    async def take(self, output: Any, *, wait: bool) -> str | None:
        """Process one output.

        Args:
            output: The output of the handler; its picture may be a frame already.
            wait: Whether to wait until the previous frame has been sent; otherwise it is replaced.

        Returns:
            The reason of a ``CloseStream``.

        Raises:
            HandlerError: If the output cannot be sent.
        """
        picture, other = split_output(output)
        if isinstance(other, DELIVERED):
            self._deliver(other)
        if picture is not None:
            if not isinstance(picture, VideoFrame):
                picture = await self._invoker.call("picture", to_frame, picture)
            if self._clock is not None:
                if wait:
                    await self._frames.put_wait(picture)
                else:
                    self._frames.put(picture)
        if isinstance(other, CloseStream):
            await self._frames.empty()
            return other.msg
        return None

    async def frame(self) -> VideoFrame:
        """Wait for the next frame, until the time to send it, and set its timestamp."""
        assert self._clock is not None
        loop = asyncio.get_running_loop()
        await self._frames.ready()
        now = loop.time()
        if (due := self._clock.due(now)) > now:
            await asyncio.sleep(due - now)  # meanwhile a newer frame may take its place
        frame = await self._frames.get()
        frame.pts = self._clock.stamp(loop.time())
        frame.time_base = FrameClock.TIME_BASE
        if self.tap is not None:
            self.tap.picture(frame, frame.pts / FrameClock.CLOCK_RATE)
        return frame


async def run_function(
    function: Callable[..., Any],
    inputs: FunctionInputs,
    inbound: VideoInbound,
    outbound: VideoOutbound,
    invoker: Invoker,
) -> str:
    """Send what a function makes of each frame of the client.

    Until its inputs were set, if it needs any, the frames go back as they came.

    Returns:
        The reason of a ``CloseStream``.

    Raises:
        HandlerKeepsFailing: If the function raises, or gives what cannot be sent, again and
            again; once costs that frame only.
        HandlerExited: If it raises what is not an ``Exception``.
    """
    off_loop = not is_async(function)

    async def answer(frame: VideoFrame) -> str | None:
        if not inputs.ready:
            return await outbound.take(frame, wait=False)
        args = inputs.args
        if off_loop:
            output = await invoker.call("video", _process, function, frame, args)
        else:
            picture = await invoker.call("picture", to_array, frame)
            output = function(picture, *args)
            if inspect.isawaitable(output):
                output = await contained(function, output)
                end_if_cancelled()
        follows = False  # the first replaces what still waits; those of a generator follow it
        async with aclosing(_outputs(output, invoker)) as outputs:
            async for item in outputs:
                reason = await outbound.take(item, wait=follows)
                if reason is not None:
                    return reason
                follows = True
                await asyncio.sleep(0)
        return None

    while True:
        frame = await inbound.get()
        try:
            reason = await answer(frame)
        except Exception as error:
            outbound.failures.failed(error)
            continue
        outbound.failures.succeeded()
        if reason is not None:
            return reason


def _process(function: Callable[..., Any], frame: VideoFrame, args: tuple[Any, ...]) -> Any:
    """Call a sync function with the picture of a frame; return its output with a frame."""
    output = function(to_array(frame), *args)
    media, other = split_output(output)
    if isinstance(media, VideoFrame) or not is_picture(media):
        return output  # a coroutine, a generator, nothing, or no picture at all
    picture = to_frame(media)  # here, and not in a second trip to the thread
    return picture if other is None else (picture, other)


async def _outputs(output: Any, invoker: Invoker) -> AsyncGenerator[Any, None]:
    """Yield the output, or the items of a generator."""
    if hasattr(output, "__anext__") or hasattr(output, "__next__"):
        async with aclosing(invoker.iterate("video", lambda: output)) as items:
            async for item in items:
                yield item
    else:
        yield output
