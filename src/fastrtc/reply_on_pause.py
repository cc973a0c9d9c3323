"""``ReplyOnPause``: somebody speaks, pauses, is answered; speaks again and the answer stops."""

from __future__ import annotations

import asyncio
import copy
import logging
import threading
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .core.messages import create_message
from .core.outputs import AdditionalOutputs, split_output
from .core.types import EmitType, Layout
from .handlers.inputs import ExtraParameters, WebRTCData
from .handlers.invoke import is_async
from .handlers.link import link_of, rebound
from .handlers.stream import StreamHandler
from .pacing.playout import check_output
from .pause_detection.errors import ModelUnavailable
from .pause_detection.protocol import ModelOptions, PauseDetectionModel
from .pause_detection.silero import get_silero_model
from .turns.conversation import Conversation
from .turns.options import AlgoOptions
from .turns.state import AppState

__all__ = [
    "AdditionalOutputs",
    "AlgoOptions",
    "AppState",
    "EmitType",
    "PauseDetectionModel",
    "ReplyFnGenerator",
    "ReplyOnPause",
    "StreamHandler",
    "WebRTCData",
    "create_message",
    "get_silero_model",
    "iterate",
    "split_output",
]

logger = logging.getLogger(__name__)

ReplyFnGenerator: TypeAlias = Callable[..., Iterator[EmitType] | AsyncIterator[EmitType]]


CONTAINERS = (list, dict, set, bytearray, deque, defaultdict, OrderedDict, Counter)
"""Types of attributes that each copy of a handler has of its own."""


async def iterate(generator: Iterator[Any]) -> Any:
    """Return the next item of a generator, for code that awaits both kinds of generators.

    Raises:
        RuntimeError: If there is none: a coroutine cannot raise ``StopIteration``.
    """
    return next(generator)


class ReplyOnPause(StreamHandler):
    """Calls a function when somebody has said something, and plays what it yields.

    Speech while a reply is running stops it: its audio is dropped and its generator closed.
    Whoever subclasses it may override any of its methods; one that overrides
    ``determine_pause``, or has a model with nothing but ``vad``, is asked block by block.

    Args:
        fn: Gets ``(sample_rate, samples)`` with ``int16`` samples of shape ``(1, n)``, and
            the inputs if it takes more; yields what ``StreamHandler.emit`` may give. A
            generator function, sync or async, or what returns an iterator.
        startup_fn: Called when the connection is established, with the inputs if it takes
            any; what it yields is played.
        algo_options: How turns are told apart.
        model_options: Options of the model.
        can_interrupt: Whether speech stops a reply; if not, nothing is listened to until it
            has been played.
        expected_layout: See ``StreamHandlerBase``.
        output_sample_rate: See ``StreamHandlerBase``.
        output_frame_size: Ignored.
        input_sample_rate: The rate of what ``fn`` gets, in Hz.
        model: Finds speech; by default Silero's.
        needs_args: Whether ``fn`` gets inputs, whatever its signature says.
        on_interrupt: Called when a reply was interrupted, with how many seconds of it were
            played. Not async.

    Raises:
        TypeError: If ``on_interrupt`` is async.
        ModelUnavailable: If there is no *model*, and Silero's cannot be loaded.
    """

    def __init__(
        self,
        fn: ReplyFnGenerator,
        startup_fn: Callable[..., Any] | None = None,
        algo_options: AlgoOptions | None = None,
        model_options: ModelOptions | None = None,
        can_interrupt: bool = True,
        expected_layout: Layout = "mono",
        output_sample_rate: int = 24000,
        output_frame_size: int | None = None,
        input_sample_rate: int = 48000,
        model: PauseDetectionModel | None = None,
        needs_args: bool = False,
        *,
        on_interrupt: Callable[[float], Any] | None = None,
    ) -> None:
        super().__init__(
            expected_layout,
            output_sample_rate,
            output_frame_size,
            input_sample_rate=input_sample_rate,
        )
        self.fn = fn
        self.startup_fn = startup_fn
        self.algo_options = algo_options or AlgoOptions()
        self.model_options = model_options
        self.can_interrupt = can_interrupt
        try:
            self.model = model or get_silero_model()
        except ModelUnavailable as error:  # whose message says it all
            raise error.with_traceback(None) from error.__cause__
        self.needs_args = needs_args
        if on_interrupt is not None and is_async(on_interrupt):
            raise TypeError("on_interrupt must not be async: it is called between two frames")
        self.is_async = is_async(fn)
        self.event = threading.Event()
        self.generator: Any = None
        self.state = AppState()
        Conversation(self, link_of(self), ReplyOnPause, seconds_of, on_interrupt)

    @property
    def _needs_additional_inputs(self) -> bool:
        """Whether ``fn`` takes more than the audio."""
        return self.needs_args or ExtraParameters.from_callable(self.fn, media=1).wants_inputs

    def copy(self) -> ReplyOnPause:
        """Make the handler of one connection.

        It has the attributes of this one as they are now, methods bound to the copy, and a state
        of its own. No constructor runs: what a subclass has loaded in its ``__init__`` is shared
        by all connections. Its lists, dicts, sets and deques are copied, so that a history that
        it keeps in one is that of one connection.
        """
        handler = object.__new__(type(self))
        for name, value in vars(self).items():
            own = copy.copy(value) if type(value) in CONTAINERS else value
            vars(handler)[name] = rebound(own, self, handler)
        handler.latest_args = []
        handler.args_set = asyncio.Event()
        handler.channel_set = asyncio.Event()
        handler.event = threading.Event()
        handler.generator = None
        handler.state = self.state.new()
        return handler

    def receive(self, frame: tuple[int, NDArray[np.int16]]) -> None:
        """Listen to audio: find out whether the speaker started to talk, or paused."""
        _conversation(self).receive(frame)

    def process_audio(self, audio: tuple[int, NDArray[np.int16]], state: AppState) -> None:
        """Judge a frame of audio.

        Args:
            audio: A rate in Hz, and samples of shape ``(1, n)`` or ``(n,)``.
            state: Gets the result.
        """
        _conversation(self).process_audio(audio, state)

    def determine_pause(
        self, audio: NDArray[np.int16], sampling_rate: int, state: AppState
    ) -> bool:
        """Judge a block of audio, when there is enough of it.

        Args:
            audio: What came since the last decision, shape ``(n,)``.
            sampling_rate: Its rate in Hz.
            state: Its ``buffer`` becomes None when it was judged.

        Returns:
            Whether the speaker has talked and paused, or has talked for as long as is allowed.
        """
        return _conversation(self).determine_pause(audio, sampling_rate, state)

    def trigger_response(self) -> None:
        """Reply now, to what was said so far, or to a text; from any thread.

        While a reply waits for its inputs, and when it has just got them, this is part of their
        answer and does nothing: one utterance, one reply.
        """
        _conversation(self).trigger()

    def _close_generator(self) -> None:
        """Stop the reply: what it gives from now on is dropped."""
        _conversation(self).supersede()

    def emit(self) -> EmitType:
        """Return the next output of the reply, or None if there is none.

        Raises:
            Exception: What the reply function raised, or ``HandlerError`` for an output that
                cannot be played, where there is no connection that could be told.
        """
        return _conversation(self).emit()

    async def async_iterate(self, generator: Any) -> Any:
        """Return the next item of an async generator.

        Raises:
            StopAsyncIteration: When there is none.
        """
        return await anext(generator)

    def reset(self) -> None:
        """Begin anew: forget what was said, and end the reply."""
        super().reset()
        _conversation(self).reset()

    def start_up(self) -> None:
        """Call ``startup_fn``, and play what it yields."""
        _conversation(self).start_up()

    def shutdown(self) -> Any:
        """End the reply when the connection ends."""
        _conversation(self).supersede()
        return super().shutdown()


def _conversation(handler: ReplyOnPause) -> Conversation:
    conversation: Conversation = link_of(handler).conversation
    return conversation


def seconds_of(media: Any) -> float:
    """Return the length of audio that a reply gives, in seconds.

    Raises:
        HandlerError: If it cannot be played.
    """
    rate, samples = check_output(media)
    return float(samples.shape[1] / rate)
