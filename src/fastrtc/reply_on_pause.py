"""``ReplyOnPause``: reply when the speaker pauses; stop the reply on barge-in."""

from __future__ import annotations

import asyncio
import copy
import logging
import threading
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .core.callbacks import check_callback
from .core.messages import create_message
from .core.outputs import AdditionalOutputs, split_output
from .core.tool_call import ToolCall
from .core.types import AudioFrameType, EmitType, Layout
from .end_of_turn.protocol import TurnModel
from .handlers.client_message import check_on_message
from .handlers.inputs import ExtraParameters, WebRTCData
from .handlers.invoke import is_async
from .handlers.link import link_of, rebound
from .handlers.stream import StreamHandler
from .pacing.audio_output import check_output, seconds_of
from .pacing.filler import check_sound
from .pause_detection.errors import ModelUnavailable
from .pause_detection.protocol import ModelOptions, PauseDetectionModel
from .pause_detection.silero import get_silero_model
from .turns.dialogue import Dialogue
from .turns.heard import Interruption
from .turns.idle import IdleTimes, check_idle
from .turns.interruptions import Interruptions
from .turns.manual import ManualDialogue, NoModel, is_manual
from .turns.options import AlgoOptions
from .turns.state import AppState
from .turns.turn_judge import TurnJudge

__all__ = [
    "AdditionalOutputs",
    "AlgoOptions",
    "AppState",
    "EmitType",
    "Interruption",
    "Interruptions",
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

ReplyFnGenerator: TypeAlias = Callable[
    ..., Iterator[EmitType | ToolCall] | AsyncIterator[EmitType | ToolCall]
]


CONTAINERS = (list, dict, set, bytearray, deque, defaultdict, OrderedDict, Counter)
"""Types of attributes that are copied for each copy of a handler."""


async def iterate(generator: Iterator[Any]) -> Any:
    """Return the next item of a sync generator, so that both kinds of generators can be awaited.

    Raises:
        RuntimeError: If there is none: a coroutine cannot raise ``StopIteration``.
    """
    return next(generator)


class ReplyOnPause(StreamHandler):
    """Calls a function at the end of each turn of the speaker, and plays what it yields.

    Speech during a reply stops it (barge-in): its audio is dropped and its generator closed.
    Subclasses may override any method. If ``determine_pause`` is overridden, or the model only has
    ``vad``, audio is processed in chunks.

    Args:
        fn: A generator function, sync or async, or a function that returns an iterator. It gets
            ``(sample_rate, samples)`` with ``int16`` samples of shape ``(1, n)``, and the inputs if
            it has more parameters. It may yield any value that ``StreamHandler.emit`` may return,
            and a `ToolCall`.
        startup_fn: Called when the connection is established, with the inputs if it has parameters;
            the outputs that it yields are played.
        algo_options: Options of turn detection.
        model_options: Options of the VAD model.
        can_interrupt: Whether speech stops a reply. If False, audio is ignored until the reply was
            played.
        expected_layout: See ``StreamHandlerBase``.
        output_sample_rate: See ``StreamHandlerBase``.
        output_frame_size: Ignored.
        input_sample_rate: Sample rate of the audio that ``fn`` gets, in Hz.
        model: The VAD model; by default Silero VAD.
        needs_args: Whether ``fn`` gets inputs, regardless of its signature.
        on_interrupt: Called after a reply was interrupted, with an `Interruption`: the length of
            what was played, in seconds, with the text that was heard. Must be sync.
        turn_model: Judges in each pause whether the turn is complete, such as `SmartTurn`; an
            object with a method ``complete``, see `TurnModel`. Without one, each pause of half a
            second ends the turn.
        early: Whether ``fn`` is called when a turn is likely over, 0.2 s after the end of speech.
            Its outputs are played when the turn ends, and discarded if the speaker goes on. Such
            an ``fn`` calls ``await get_current_context().committed()`` before side effects.
        on_message: Called with each message of the client, a dict with a string ``"type"``; sync or
            async. It replaces a method ``on_message`` of a subclass.
        interruptions: Pauses a reply at the first speech, until it is an interruption or silence
            follows; by default, ``algo_options`` decide when speech stops a reply.
        turn_detection: ``"automatic"``, or ``"manual"`` (push to talk): no VAD model is loaded, and
            the client's messages ``begin``, ``commit`` and ``cancel``, or the methods
            ``begin_turn``, ``commit_turn`` and ``cancel_turn``, decide about turns.
        idle: What to say, by the length of the user's silence in seconds, such as
            ``{8.0: ask, 20.0: goodbye}``: a function without parameters that returns or yields it,
            sync or async; a text; or audio. Silence begins with the connection and with the end of
            each turn and reply, and ends when the user speaks.
        while_thinking: ``(rate, samples)``, repeated while the first audio of a reply takes longer
            than 0.5 s. It is not part of the reply.

    Raises:
        TypeError: If ``on_interrupt`` is async, it or ``on_message`` has other parameters,
            *turn_model* has no sync method ``complete``, or a value of *idle* cannot be said.
        ValueError: If *turn_detection* is neither of the two, or it is manual and an option, or a
            method of a subclass, is for detected turns; or a key of *idle* is not positive.
        HandlerError: If *while_thinking* or a value of *idle* is audio that cannot be played.
        ModelUnavailable: If *model* is None and Silero VAD cannot be loaded.
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
        on_interrupt: Callable[[Interruption], Any] | None = None,
        turn_model: TurnModel | None = None,
        early: bool = False,
        on_message: Callable[[dict[str, Any]], Any] | None = None,
        interruptions: Interruptions | None = None,
        turn_detection: Literal["automatic", "manual"] = "automatic",
        idle: IdleTimes | None = None,
        while_thinking: AudioFrameType | None = None,
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
        detecting = {"turn_model": turn_model, "early": early, "interruptions": interruptions}
        manual = is_manual(turn_detection, **detecting)
        try:
            self.model = model or (NoModel() if manual else get_silero_model())
        except ModelUnavailable as error:  # its message suffices
            raise error.with_traceback(None) from error.__cause__
        self.needs_args = needs_args
        if on_interrupt is not None:
            if is_async(on_interrupt):
                raise TypeError("on_interrupt must not be async: it is called between two frames")
            check_callback("on_interrupt", on_interrupt, "an Interruption")
        link_of(self).on_message = check_on_message(on_message)
        self.is_async = is_async(fn)
        self.event = threading.Event()
        self.generator: Any = None
        self.state = AppState()
        judge = None if turn_model is None else TurnJudge(turn_model)
        dialogue = ManualDialogue if manual else Dialogue
        dialogue(
            self,
            link_of(self),
            ReplyOnPause,
            seconds_of,
            on_interrupt,
            interruptions=interruptions,
            turn_judge=judge,
            early=early,
            idle=check_idle(idle, check_output),
            while_thinking=check_sound(while_thinking),
        )

    @property
    def _needs_additional_inputs(self) -> bool:
        """Whether ``fn`` has parameters other than the audio."""
        return self.needs_args or ExtraParameters.from_callable(self.fn, media=1).wants_inputs

    def copy(self) -> ReplyOnPause:
        """Create the handler of one connection.

        The copy has the current attributes of this handler, methods rebound to the copy, and its
        own state. No constructor is called: what a subclass loads in its ``__init__`` is shared by
        all connections. Lists, dicts, sets and deques are copied, so that each connection has, for
        example, its own history.
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
        link_of(handler).on_message = rebound(link_of(self).on_message, self, handler)
        return handler

    def receive(self, frame: tuple[int, NDArray[np.int16]]) -> None:
        """Process audio: detect speech onset and end of turn."""
        _conversation(self).receive(frame)

    def process_audio(self, audio: tuple[int, NDArray[np.int16]], state: AppState) -> None:
        """Process a frame of audio.

        Args:
            audio: A sample rate in Hz, and samples of shape ``(1, n)`` or ``(n,)``.
            state: Updated with the result.
        """
        _conversation(self).process_audio(audio, state)

    def determine_pause(
        self, audio: NDArray[np.int16], sampling_rate: int, state: AppState
    ) -> bool:
        """Process a chunk of audio, once enough has been received.

        Args:
            audio: The audio since the last decision, shape ``(n,)``.
            sampling_rate: Sample rate in Hz.
            state: Its ``buffer`` is set to None when the chunk was processed.

        Returns:
            Whether the turn has ended: the speaker paused, or reached the maximum length.
        """
        return _conversation(self).determine_pause(audio, sampling_rate, state)

    def trigger_response(self) -> None:
        """Reply now, to the speech so far or to a text; thread-safe.

        While a reply waits for its inputs, and just after it received them, the call counts as part
        of the client's answer and does nothing: one reply per utterance.
        """
        _conversation(self).trigger()

    def begin_turn(self) -> bool:
        """Begin the user's turn, and interrupt a reply; thread-safe.

        For ``turn_detection="manual"``. Audio received before does not belong to the turn. Without
        ``begin_turn``, a turn has the audio since the last one, but no more than a minute.

        Returns:
            Whether it began: False during a reply that cannot be interrupted.

        Raises:
            RuntimeError: If turns are detected.
        """
        return _manual(self, "begin_turn").begin()

    def commit_turn(self) -> bool:
        """End the user's turn and reply to it; thread-safe.

        For ``turn_detection="manual"``. A reply that is running is interrupted.

        Returns:
            Whether there is something to reply to: False with less than 0.1 s of audio.

        Raises:
            RuntimeError: If turns are detected.
        """
        return _manual(self, "commit_turn").commit()

    def cancel_turn(self) -> None:
        """End the user's turn and discard its audio; thread-safe.

        For ``turn_detection="manual"``.

        Raises:
            RuntimeError: If turns are detected.
        """
        _manual(self, "cancel_turn").cancel()

    def _close_generator(self) -> None:
        """Stop the reply; further outputs are dropped."""
        _conversation(self).supersede()

    def emit(self) -> EmitType:
        """Return the next output of the reply, or None if there is none.

        Raises:
            Exception: Without a connection that could report it, any exception of the reply
                function, or ``HandlerError`` for an output that cannot be played.
        """
        return _conversation(self).emit()

    async def async_iterate(self, generator: Any) -> Any:
        """Return the next item of an async generator.

        Raises:
            StopAsyncIteration: If there is none.
        """
        return await anext(generator)

    def reset(self) -> None:
        """Discard the state, including speech, and stop the reply."""
        super().reset()
        _conversation(self).reset()

    def start_up(self) -> None:
        """Call ``startup_fn``, and play what it yields."""
        _conversation(self).start_up()

    def shutdown(self) -> Any:
        """Stop the reply when the connection ends."""
        _conversation(self).close()
        return super().shutdown()


def _conversation(handler: ReplyOnPause) -> Dialogue:
    dialogue: Dialogue = link_of(handler).conversation
    return dialogue


def _manual(handler: ReplyOnPause, method: str) -> ManualDialogue:
    dialogue = _conversation(handler)
    if not isinstance(dialogue, ManualDialogue):
        raise RuntimeError(f'{method}() is for turn_detection="manual": these turns are detected')
    return dialogue
