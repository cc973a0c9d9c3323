"""Base class of all stream handlers."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any, Protocol, cast

from ..core.messages import DataChannel, create_message
from ..core.rates import FRAMES_PER_SECOND
from ..core.tasks import runs_on
from ..core.types import Layout
from .arguments import check_fps, check_input_rate, check_output_rate
from .inputs import PLACEHOLDER
from .link import create_link, link_of
from .speaking import Sayable, SpeechHandle, interrupt, say

if TYPE_CHECKING:
    from av import AudioFrame

__all__ = ["StreamHandlerBase", "WaitsForInputs", "wait_in_connection"]


class StreamHandlerBase:
    """Base class of all stream handlers: sample rates, inputs and messages.

    Args:
        expected_layout: ``"mono"`` or ``"stereo"``: the channel layout of the audio that
            ``receive`` gets. Stereo samples are interleaved: shape ``(1, 2 * n)``.
        output_sample_rate: Sample rate of the output of ``emit`` in Hz; a multiple of 50. Audio
            returned with another rate is resampled.
        output_frame_size: Ignored; frames are 20 ms long.
        input_sample_rate: Sample rate of the audio that ``receive`` gets, in Hz.
        fps: Frames per second of the video that the handler sends; a positive number.

    Attributes:
        latest_args: ``["__webrtc_value__", *inputs]`` once inputs were set.
        args_set: Set when inputs were set, cleared by ``reset``.
        channel_set: Set when the data channel is available.

    Raises:
        ValueError: If ``expected_layout`` is invalid, a rate is not a positive integer (of any
            numeric type), or the output rate is not a multiple of 50.
    """

    def __init__(
        self,
        expected_layout: Layout = "mono",
        output_sample_rate: int = 24000,
        output_frame_size: int | None = None,
        input_sample_rate: int = 48000,
        fps: int = 30,
    ) -> None:
        if expected_layout not in ("mono", "stereo"):
            raise ValueError(f"expected_layout must be 'mono' or 'stereo', not {expected_layout!r}")
        output_sample_rate = check_output_rate(output_sample_rate)
        input_sample_rate = check_input_rate(input_sample_rate)
        fps = cast(int, check_fps(fps))  # unchanged, may be a fraction
        frame_size = output_sample_rate // FRAMES_PER_SECOND
        if output_frame_size is not None and output_frame_size != frame_size:
            warnings.warn(
                f"output_frame_size is ignored: frames hold 20 ms, {frame_size} samples "
                f"at {output_sample_rate} Hz",
                UserWarning,
                stacklevel=2,
            )
        self.expected_layout: Layout = expected_layout
        self.output_sample_rate = output_sample_rate
        self.output_frame_size = frame_size
        self.input_sample_rate = input_sample_rate
        self.fps = fps
        self.latest_args: list[object] = []
        self.args_set = asyncio.Event()
        self.channel_set = asyncio.Event()
        create_link(self)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop of the connection, or the running loop if there is no connection yet.

        Raises:
            AttributeError: Without either, so that ``hasattr(handler, "loop")`` is False.
        """
        link = link_of(self)
        if link.loop is None:
            try:
                link.loop = asyncio.get_running_loop()
            except RuntimeError:
                raise AttributeError(
                    f"{type(self).__name__} has no loop: it is not connected, and no event loop "
                    "is running"
                ) from None
        return link.loop

    @property
    def _loop(self) -> asyncio.AbstractEventLoop | None:  # programs of FastRTC 0.0.34 assign it
        return link_of(self).loop

    @_loop.setter
    def _loop(self, loop: asyncio.AbstractEventLoop | None) -> None:
        link_of(self).loop = loop

    @property
    def channel(self) -> DataChannel | None:
        """The data channel of the connection, or None if there is none."""
        return link_of(self).channel

    @property
    def clear_queue(self) -> Callable[[], None]:
        """A function that drops the audio that is queued but not yet played."""
        return link_of(self).clear_queue or _nothing

    @property
    def _clear_queue(self) -> Callable[[], None] | None:  # programs of FastRTC 0.0.34 assign it
        return link_of(self).clear_queue

    @_clear_queue.setter
    def _clear_queue(self, clear: Callable[[], None] | None) -> None:
        link_of(self).clear_queue = clear

    def say(self, speech: Sayable, *, interruptible: bool = True) -> SpeechHandle:
        """Play speech of the program's own accord, also before the first turn; thread-safe.

        It is played in order with the handler's other output, after what is queued. In a
        ``ReplyOnPause`` it is a reply: it begins when no reply is running or requested and the
        client does not speak, and the client can interrupt it.

        Args:
            speech: ``(rate, samples)``; an iterator, sync or async, of what ``emit`` may return; a
                text, which the ``voice`` of the stream speaks; or a function without parameters
                that returns or yields one of these, sync or async.
            interruptible: Whether the client can interrupt it. If not, a ``ReplyOnPause`` ignores
                what the client says until it was played; ``interrupt`` still ends it.

        Returns:
            A handle, to wait until it was played or interrupted.

        Raises:
            NotConnected: If the connection has ended, or there is none.
            NoVoice: If it is text, and the stream has no ``voice``.
            CannotSay: If the client receives no audio, or too much waits to be said.
            HandlerError: If it is not valid audio.
            TypeError: If it is something else.
        """
        return say(self, speech, interruptible=interruptible)

    def interrupt(self) -> None:
        """Drop the output that is not yet played, also at the client; thread-safe.

        A ``ReplyOnPause`` cancels its reply, as if the client had interrupted it. Without output,
        or without a connection, nothing happens. ``Stream.interrupt`` does the same for an id.
        """
        interrupt(self)

    @property
    def phone_mode(self) -> bool:
        """Whether the connection is a telephone call, which has no additional inputs."""
        return link_of(self).phone_mode

    @phone_mode.setter
    def phone_mode(self, value: bool) -> None:
        link_of(self).phone_mode = value

    def receive_dtmf(self, digit: str) -> Any:
        """Handle a key press on the telephone (DTMF). May be overridden, sync or async.

        Args:
            digit: One of ``0-9 * # A-D``.
        """

    def set_channel(self, channel: DataChannel) -> None:
        """Set the data channel of the connection."""
        link = link_of(self)
        link.channel = channel
        link.call_on_loop(self.channel_set.set)

    def set_args(self, args: list[Any]) -> None:
        """Set the inputs; thread-safe."""
        self.latest_args = [PLACEHOLDER, *args]
        link = link_of(self)
        link.inputs_set += 1
        link.call_on_loop(self.args_set.set)

    def reset(self) -> None:
        """Mark the inputs as not set, so that the next reply requests them again."""
        known = self.latest_args

        def clear() -> None:
            if self.latest_args is known:  # not set again meanwhile
                self.args_set.clear()

        link_of(self).call_on_loop(clear)

    async def send_message(self, msg: str) -> None:
        """Send a text message to the client; see ``create_message``.

        A message sent before the channel is open is sent when it opens. Without a connection, the
        message is dropped.
        """
        link_of(self).send(msg)

    def send_message_sync(self, msg: str) -> None:
        """Send a text message to the client from sync code, and wait until it is sent.

        Raises:
            RuntimeError: On the event loop, which it would block, or without a connection.
        """
        _wait(link_of(self).loop, self.send_message(msg))

    async def fetch_args(self) -> None:
        """Request the inputs from the client."""
        await self.send_message(create_message("send_input", []))

    async def wait_for_args(self) -> None:
        """Request the inputs from the client and wait for them; telephone calls have none."""
        if self.phone_mode:
            self.args_set.set()
            return
        await self.fetch_args()
        await self.args_set.wait()

    def wait_for_args_sync(self) -> None:
        """Call ``wait_for_args`` from sync code.

        Raises:
            RuntimeError: On the event loop, which it would block, or without a connection.
            concurrent.futures.CancelledError: If the connection ends meanwhile.
        """
        _wait(link_of(self).loop, wait_in_connection(self))

    def resample(self, frame: AudioFrame) -> Generator[AudioFrame, None, None]:
        """Convert an audio frame to the rate and layout that ``receive`` gets.

        Args:
            frame: A PyAV frame of any format.
        """
        from av import AudioResampler

        link = link_of(self)
        if link.resampler is None:
            link.resampler = AudioResampler(
                format="s16", layout=self.expected_layout, rate=self.input_sample_rate
            )
        yield from link.resampler.resample(frame)

    def shutdown(self) -> Any:
        """Clean up when the connection ends. May be overridden, sync or async."""
        return _DONE


class WaitsForInputs(Protocol):
    """The part of a handler that waits for the inputs of the client."""

    def wait_for_args(self) -> Coroutine[Any, Any, None]:
        """Request the inputs from the client and wait for them."""
        ...


async def wait_in_connection(handler: WaitsForInputs) -> None:
    """Await ``wait_for_args()`` in a task of the connection, which is cancelled with it."""
    waiting = handler.wait_for_args()
    start_task = link_of(handler).start_task
    if start_task is not None:
        await start_task(waiting, "wait_for_args")
    else:
        await waiting


def _wait(loop: asyncio.AbstractEventLoop | None, coroutine: Coroutine[Any, Any, None]) -> None:
    if loop is None or runs_on(loop):
        coroutine.close()
        raise RuntimeError(
            "This would block the event loop: await the async method instead"
            if loop is not None
            else "The handler has no event loop yet: it is not connected"
        )
    asyncio.run_coroutine_threadsafe(coroutine, loop).result()


def _nothing() -> None:
    """Do nothing."""


class _Done:
    """An awaitable that is done, so that both ``super().shutdown()`` and awaiting it work."""

    def __await__(self) -> Generator[None, None, None]:
        return
        yield


_DONE = _Done()
