"""``ReplyOnPause``: somebody speaks, pauses, is answered; speaks again and the answer stops."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import CancelledError
from types import MethodType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .core.messages import create_message
from .core.outputs import AdditionalOutputs, split_output
from .core.types import EmitType, Layout
from .handlers.inputs import PLACEHOLDER, ExtraParameters, WebRTCData
from .handlers.invoke import is_async
from .handlers.stream import StreamHandler
from .pacing.playout import check_output
from .pause_detection.protocol import (
    ModelOptions,
    PauseDetectionModel,
    open_speech_stream,
)
from .pause_detection.silero import get_silero_model
from .turns.blocks import Blocks
from .turns.listener import Listener, to_mono
from .turns.options import AlgoOptions
from .turns.reply import ENDED, Reply
from .turns.speech_buffer import MOST_S
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
    "split_output",
]

logger = logging.getLogger(__name__)

ReplyFnGenerator: TypeAlias = Callable[..., Iterator[EmitType] | AsyncIterator[EmitType]]

INPUTS_WITHIN_S = 10.0
"""How long a client's inputs are waited for. One that never answers gets its reply without
them, as far as the function has defaults."""


COPIED = (
    *("fn", "startup_fn", "on_interrupt", "is_async", "needs_args", "can_interrupt"),
    *("model", "model_options", "algo_options"),
)
"""What a copy has as it is now, rather than as it was given."""


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
    """

    _cleared_is_stale = True
    _init_arguments: tuple[tuple[Any, ...], dict[str, Any]]

    def __new__(cls, *args: Any, **kwargs: Any) -> ReplyOnPause:  # noqa: PYI034
        """Remember the arguments, of whatever subclass, for ``copy``."""
        handler = super().__new__(cls)
        handler._init_arguments = (args, kwargs)
        return handler

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
        self.model = model or get_silero_model()
        self.needs_args = needs_args
        if on_interrupt is not None and is_async(on_interrupt):
            raise TypeError("on_interrupt must not be async: it is called between two frames")
        self.on_interrupt = on_interrupt
        self.is_async = is_async(fn)
        self.event = threading.Event()
        self.generator: Any = None
        self.state = AppState()
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._hearing = threading.RLock()  # taken before the other
        self._reply: Reply | None = None  # from the beginning of its turn on
        self._coming = 0  # turns that are about to be asked for
        self._pending = False  # one was asked for
        self._unheard: NDArray[np.int16] | None = None  # what no function was given yet
        self._given_s = 0.0  # audio of this reply that was given to be played
        self._deaf = False
        self._ending_turn = False
        self._blocks = Blocks()
        self._listener: Listener | None = None
        self._follows = True  # the audio as it comes, rather than block by block

    @property
    def _emit_wakes(self) -> threading.Event | None:
        # a subclass that has its own, or sets the event itself, is asked by the clock
        names = ("emit", "receive", "trigger_response")
        own = any(getattr(type(self), name) is not getattr(ReplyOnPause, name) for name in names)
        return None if own else self._wake

    @property
    def _needs_additional_inputs(self) -> bool:
        """Whether ``fn`` takes more than the audio."""
        return self.needs_args or ExtraParameters.of(self.fn, media=1).most != 0

    def copy(self) -> ReplyOnPause:
        """Make the handler of one connection, of the same class and with the same arguments."""
        args, kwargs = self._init_arguments
        handler = type(self)(*args, **kwargs)
        for name in COPIED:
            value = getattr(self, name)
            if inspect.ismethod(value) and value.__self__ is self:  # the copy has its own
                value = MethodType(value.__func__, handler)
            setattr(handler, name, value)
        return handler

    # Listening

    def receive(self, frame: tuple[int, NDArray[np.int16]]) -> None:
        """Listen to audio: find out whether somebody began to speak, or paused."""
        if not self.can_interrupt and (self._speaking or self.event.is_set()):
            self._deaf = True
            return
        if self._deaf:  # what was heard before the reply is not the beginning of what follows
            self._deaf = False
            self._forget()
        with self._hearing:  # the state is not replaced meanwhile
            talked = self.state.started_talking
            self.process_audio(frame, self.state)
            begins = self.state.started_talking and not talked
            paused = self.state.pause_detected
            if paused:
                self._expect_turn()
        if begins:
            self._say("started_talking")
        if paused:
            self._say("pause_detected")
            self._answer()
        elif begins and self._speaking:
            self._interrupt()

    def process_audio(self, audio: tuple[int, NDArray[np.int16]], state: AppState) -> None:
        """Take a frame and find out where the conversation is.

        Args:
            audio: A rate in Hz, and samples of shape ``(1, n)`` or ``(n,)``.
            state: Gets what is found out.
        """
        rate, samples = audio
        if not state.sampling_rate:
            state.sampling_rate = rate
        if self._listener is None and self._follows:
            self._follows = self._listen()
        if self._listener is not None:
            started, said = self._listener.hear(rate, samples, self._speaking)
            state.started_talking = state.started_talking or started
            state.pause_detected = said is not None
            if said is not None:
                state.stream = said
            return
        mono = to_mono(samples, self.expected_layout)
        state.buffer = mono if state.buffer is None else np.concatenate((state.buffer, mono))
        state.pause_detected = self.determine_pause(state.buffer, state.sampling_rate, state)

    @property
    def _decides_itself(self) -> bool:
        """Whether a subclass decides on blocks by a ``determine_pause`` of its own."""
        return type(self).determine_pause is not ReplyOnPause.determine_pause

    def _listen(self) -> bool:
        """Have the model follow the audio as it comes, if it can and nobody has other ideas."""
        if self._decides_itself:
            return False
        stream = open_speech_stream(self.model, self.model_options)
        if stream is None:
            return False
        self._listener = Listener(
            self.algo_options,
            stream,
            self.state.sampling_rate or self.input_sample_rate,
            self.expected_layout,
            getattr(self.model_options, "threshold", 0.5),
        )
        return True

    def determine_pause(
        self, audio: NDArray[np.int16], sampling_rate: int, state: AppState
    ) -> bool:
        """Decide on a block of audio, when there is enough of it.

        Args:
            audio: What came since the last decision, shape ``(n,)``.
            sampling_rate: Its rate in Hz.
            state: Its ``buffer`` is dropped when it was decided on.

        Returns:
            Whether somebody spoke and has paused, or has spoken for as long as is allowed.
        """
        options = self.algo_options
        if len(audio) < options.audio_chunk_duration * sampling_rate:
            return False
        speech_s, _ = self.model.vad((sampling_rate, audio), self.model_options)
        state.buffer = None
        return self._blocks.pause(audio, speech_s, sampling_rate, state, options, self._speaking)

    def _forget(self) -> None:
        self.state.buffer = self.state.stream = self._unheard = None
        self.state.started_talking = False
        self._blocks.forget()
        if self._listener is not None:
            self._listener.forget()

    # Speaking

    @property
    def _speaking(self) -> bool:
        """Whether a turn has begun, or its reply is still being played."""
        reply = self._reply
        return (reply is not None and not reply.superseded) or self._queued_s() > 0

    def trigger_response(self) -> None:
        """Reply now, to what was said so far, or to a text; from any thread."""
        with self._hearing:
            if self.state.stream is None and self._listener is not None:
                self.state.stream = self._listener.take()
            if self.state.stream is None:
                self.state.stream = np.zeros((1, 0), np.int16)
            self._expect_turn()
        self._answer()

    def _expect_turn(self) -> None:
        """Keep what the next turn is to get: what was said, and the inputs that were set."""
        self.state.started_talking = False
        with self._lock:
            self._coming += 1

    def _answer(self) -> None:
        """Interrupt the reply, and have ``emit`` begin the turn that is expected."""
        try:
            if self._speaking:
                self._interrupt()
        finally:
            with self._lock:
                self._coming -= 1
                self._pending = True
                self.event.set()
            self._wake.set()

    def _interrupt(self) -> None:
        played_s = max(0.0, self._given_s - self._queued_s())
        self._close_generator()
        self.clear_queue()
        self._on_loop(self.state.interrupted.set)
        self._say("interrupted")
        if self.on_interrupt is not None:
            try:
                self.on_interrupt(played_s)
            except Exception as error:  # the conversation goes on
                if self._report is None:
                    raise
                self._report(error)

    def _close_generator(self) -> None:
        """Stop the reply: what it gives from now on is dropped."""
        with self._lock:
            if self._reply is not None:
                self._reply.supersede()

    def emit(self) -> EmitType:
        """Give the next output of the reply, or None if there is none.

        Raises:
            Exception: What the reply function raised, or ``HandlerError`` for an output that
                cannot be played, where there is no connection that could be told.
        """
        reply = self._reply or self._begin_reply()
        if reply is None:
            return None
        try:
            output = reply.take()
            if output is not ENDED:
                self._note(output)
        except Exception as error:
            self._fail(reply, error)
            return None
        if output is ENDED:
            self._end_reply(reply)
            return None
        self._wake.set()  # it may be None, or audio without samples, and more may follow
        return output  # type: ignore[no-any-return]

    def _note(self, output: Any) -> None:
        media, other = split_output(output)
        if media is not None:
            rate, samples = check_output(media)
            self.state.responded_audio = True
            self._given_s += samples.shape[1] / rate
        if self.phone_mode and isinstance(other, AdditionalOutputs):
            self.latest_args = [PLACEHOLDER, *other.args]

    def _fail(self, reply: Reply, error: Exception) -> None:
        """End the turn because of an exception; the conversation goes on."""
        reply.supersede()
        self._end_reply(reply)
        if self._report is None:
            raise error
        self._report(error)

    def _begin_reply(self) -> Reply | None:
        """Begin the turn that was asked for, if there is one."""
        if not self.event.is_set():
            return None
        reply = Reply(step=self.async_iterate, loop=self._loop)
        with self._hearing, self._lock:
            if self._coming or self._reply is not None:
                return None
            self._pending = False
            self._reply = reply
            self._given_s = 0.0
            said, self.state.stream = self.state.stream, None
            self.state.responding = True
        rate = self.state.sampling_rate or self.input_sample_rate
        samples = np.zeros((1, 0), np.int16) if said is None else said.reshape(1, -1)
        if self._unheard is not None:
            samples = np.hstack((self._unheard, samples))[:, -round(MOST_S * rate) :]
        self._unheard = samples
        self._say("response_starting")
        try:
            args = self._arguments(reply, (rate, samples))
            if not reply.superseded:
                self._unheard = None
                self._start_reply(reply, self.fn, args)
        except CancelledError:
            if not reply.superseded:  # the connection ended while it waited for inputs
                self._end_reply(reply)
                raise
        except Exception as error:
            self._fail(reply, error)
            return None
        return reply

    def _start_reply(
        self, reply: Reply, function: Callable[..., Any], args: tuple[Any, ...]
    ) -> None:
        self.generator = reply.of(function, args).generator
        reply.start()

    async def async_iterate(self, generator: Any) -> Any:
        """Get the next item of an async generator.

        Raises:
            StopAsyncIteration: When there is none.
        """
        return await anext(generator)

    def _end_reply(self, reply: Reply) -> None:
        with self._lock:
            if self._reply is reply:
                self._reply = None
                self.generator = None
            again = self._pending or self._coming > 0
        if again:
            self.state.responding = False
            return
        self._ending_turn = True
        try:
            self.reset()
        finally:
            self._ending_turn = False
        if self._pending:
            self.event.set()

    def reset(self) -> None:
        """Begin anew: forget what was said, and end the reply."""
        super().reset()
        with self._hearing:
            heard = self.state
            self.state = state = heard.new()
            if self._ending_turn:  # somebody may be speaking already
                state.sampling_rate = heard.sampling_rate
                state.started_talking = heard.started_talking
                state.buffer, state.stream = heard.buffer, heard.stream
            else:
                self._forget()
                self._close_generator()
        self.event.clear()

    def shutdown(self) -> Any:
        """End the reply when the connection ends."""
        self._close_generator()
        return super().shutdown()

    # Inputs

    def _arguments(self, reply: Reply, audio: tuple[int, NDArray[np.int16]]) -> tuple[Any, ...]:
        """Give the arguments of ``fn``: the audio, and the inputs if it takes any."""
        if not self._needs_additional_inputs:
            return (audio,)
        self._wait_for_inputs(reply)
        inputs = list(self.latest_args)
        if inputs and isinstance(inputs[0], WebRTCData):
            inputs[0].audio = audio
            return tuple(inputs)
        extra = ExtraParameters.of(self.fn, media=1)
        values = inputs[1:] if extra.most is None else inputs[1 : 1 + extra.most]
        return (audio, *values)

    def _wait_for_inputs(self, reply: Reply) -> None:
        if self._loop is None or self.phone_mode:
            return
        try:
            reply.wait_for(
                lambda: asyncio.wait_for(self._wait_as_part_of_the_connection(), INPUTS_WITHIN_S)
            )
        except (TimeoutError, asyncio.TimeoutError):
            logger.warning("The client gave no inputs within %.0f s", INPUTS_WITHIN_S)

    def start_up(self) -> None:
        """Call ``startup_fn``, and play what it yields."""
        if self.startup_fn is None:
            return
        reply = Reply(step=self.async_iterate, loop=self._loop)
        extra = ExtraParameters.of(self.startup_fn, media=0)
        args: tuple[Any, ...] = ()
        if extra.most != 0:
            self._wait_for_inputs(reply)
            args = tuple(self.latest_args[1:])[: extra.most]
        with self._hearing, self._lock:
            if self._conversing:
                return  # the conversation has begun without it
            self._reply = reply
        try:
            self._start_reply(reply, self.startup_fn, args)
        except Exception:
            reply.supersede()
            raise
        finally:
            self._wake.set()

    @property
    def _conversing(self) -> bool:
        """Whether somebody speaks, or is about to be answered."""
        asked_for = self._coming > 0 or self.event.is_set()
        return asked_for or self._speaking or self.state.started_talking

    def _say(self, what: str) -> None:
        """Tell the client what happens."""
        self._post_message("log", what)

    def _post_message(self, kind: str, data: str) -> None:
        message = create_message(kind, data)
        if self._post is not None:
            self._post(message)
        elif self._channel is not None:
            self._channel.send(message)
