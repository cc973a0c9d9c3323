"""The conversation of one connection: the client's turns, the reply, and barge-in.

``ReplyOnPause`` is its face. Programs subclass the face and override its methods, so methods that
may be overridden are called on the face; everything else lives here, where names of a subclass
cannot collide with ours.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.messages import create_message
from ..core.outputs import AdditionalOutputs, split_output
from ..core.types import EmitType
from ..handlers.inputs import PLACEHOLDER
from ..handlers.link import HandlerLink, rebound
from .endpointing import Endpointing
from .face import Face
from .reply import ENDED, Reply
from .reply_inputs import ReplyInputs
from .segmenter import to_mono
from .speech_buffer import MAX_KEPT_S
from .state import AppState

__all__ = ["Conversation"]


class Conversation:
    """The state and logic of a ``ReplyOnPause`` on one connection.

    Args:
        face: The ``ReplyOnPause``.
        link: The link between the handler and its connection.
        base: The class of this package that the face derives from, to detect overrides.
        seconds_of: Validate audio of a reply and return its length in seconds.
        on_interrupt: Called when a reply is interrupted, with the seconds that were played.
        warn: Whether to log options that have no effect.

    Attributes:
        endpointing: Detects the end of the client's turns.
        hearing: Held while audio is processed and while the state is replaced.
        ending_turn: Whether ``reset`` is being called because a reply has ended.
    """

    def __init__(
        self,
        face: Face,
        link: HandlerLink,
        base: type,
        seconds_of: Callable[[Any], float],
        on_interrupt: Callable[[float], Any] | None = None,
        warn: bool = True,
    ) -> None:
        self.face = face
        self.link = link
        self.hearing = threading.RLock()  # acquired before the other
        self.ending_turn = False
        self._base = base
        self._seconds_of = seconds_of
        self._on_interrupt = on_interrupt
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._reply: Reply | None = None  # since its turn began
        self._coming = 0  # turns that are about to be requested
        self._pending = False  # a turn was requested
        self._unheard: NDArray[np.int16] | None = None  # audio that was not passed to fn yet
        self._given_s = 0.0  # audio of this reply handed to the playout
        self._announced = False  # response_starting was sent
        self._interrupted = False  # and the audio that the client still plays, too
        self._deaf = False
        self._inputs = ReplyInputs(face, link)
        chunked = self._is_overridden("determine_pause")
        self.endpointing = Endpointing(face, chunked)
        link.conversation = self
        link.drops_stale = True
        link.emit_wakes = (
            None if self._is_overridden("emit", "receive", "trigger_response") else self._wake
        )
        link.needs_silence = self.needs_silence
        if warn and not chunked:
            self.endpointing.warn_of_unused_options()

    def for_handler(self, face: Face, link: HandlerLink) -> Conversation:
        """Create the conversation of a handler that was made by copying this one's."""
        on_interrupt = rebound(self._on_interrupt, self.face, face)
        return type(self)(face, link, self._base, self._seconds_of, on_interrupt, False)

    def _is_overridden(self, *names: str) -> bool:
        return any(getattr(type(self.face), n) is not getattr(self._base, n) for n in names)

    # Listening

    def receive(self, frame: tuple[int, NDArray[np.int16]]) -> None:
        """Process audio: detect the onset and the end of the client's turn."""
        face = self.face
        if not face.can_interrupt and (self.speaking or face.event.is_set()):
            self._deaf = True
            return
        if self._deaf:  # audio from before the reply does not belong to what follows
            self._deaf = False
            self.forget()
        if self._interrupted and not self.speaking:
            self._interrupted = False
        with self.hearing:  # the state is not replaced meanwhile
            talked = face.state.started_talking
            face.process_audio(frame, face.state)
            begins = face.state.started_talking and not talked
            paused = face.state.pause_detected
            if paused:
                self._expect_turn()
        if begins:
            self.say_started_talking()
        if paused:
            self.say("pause_detected")
            self._answer()
        elif begins and self.speaking:
            self.interrupt()

    def process_audio(self, audio: tuple[int, NDArray[np.int16]], state: AppState) -> None:
        """Process a frame, and store the result in *state*."""
        rate, samples = audio
        if not state.sampling_rate:
            state.sampling_rate = rate
        segmenter = self.endpointing.open_segmenter()
        if segmenter is not None:
            started, said = segmenter.hear(rate, samples, self.speaking)
            state.started_talking = state.started_talking or started
            state.pause_detected = said is not None
            if said is not None:
                state.stream = said.reshape(-1)
            return
        so_far = [] if state.buffer is None else [state.buffer]
        state.buffer = np.concatenate((*so_far, samples.reshape(-1)))
        state.pause_detected = self.face.determine_pause(state.buffer, state.sampling_rate, state)

    def determine_pause(
        self, audio: NDArray[np.int16], sampling_rate: int, state: AppState
    ) -> bool:
        """Judge a chunk of audio once it is complete; see ``ReplyOnPause``."""
        face = self.face
        options = face.algo_options
        channels = 2 if face.expected_layout == "stereo" else 1
        if len(audio) < options.audio_chunk_duration * sampling_rate * channels:
            return False
        mono = to_mono(audio, face.expected_layout)
        speech_s, _ = face.model.vad((sampling_rate, mono), face.model_options)
        state.buffer = None
        return self.endpointing.chunks.pause(
            audio, speech_s, sampling_rate, state, options, self.speaking, channels
        )

    def needs_silence(self) -> bool:
        """Return whether an utterance is active: it must also end if no more audio arrives."""
        return self.face.state.started_talking and not self._deaf

    def forget(self) -> None:
        """Discard the audio of the current utterance."""
        state = self.face.state
        state.buffer = state.stream = self._unheard = None
        state.started_talking = False
        self.endpointing.forget()

    # Speaking

    @property
    def speaking(self) -> bool:
        """Whether a reply is being prepared or played."""
        reply = self._reply
        return (reply is not None and not reply.superseded) or self.link.queued_s() > 0

    def trigger(self) -> None:
        """Reply now, to the audio so far or to a text; callable from any thread."""
        if self._inputs.triggered():
            return
        state = self.face.state
        with self.hearing:
            if state.stream is None:
                segmenter = self.endpointing.segmenter
                said = segmenter.take() if segmenter is not None else None
                state.stream = np.zeros(0, np.int16) if said is None else said.reshape(-1)
            self._expect_turn()
        self._answer()

    def _expect_turn(self) -> None:
        """Keep the utterance and the inputs for the turn that is about to be requested."""
        self.face.state.started_talking = False
        with self._lock:
            self._coming += 1

    def _answer(self) -> None:
        """Interrupt the reply, and let ``emit`` begin the expected turn."""
        try:
            if self.speaking:
                self.interrupt()
        finally:
            with self._lock:
                self._coming -= 1
                self._pending = True
                self.face.event.set()
            self._wake.set()

    def interrupt_if_speaking(self) -> None:
        """Interrupt the reply that is being prepared or played, if any; from any thread."""
        if self.speaking:
            self.interrupt()

    def interrupt(self) -> None:
        """Stop the reply, drop its unplayed audio, and tell the client and ``on_interrupt``.

        They are told once, even if the client cannot drop the audio that it has already.
        """
        with self._lock:
            told, self._interrupted = self._interrupted, True
        played_s = max(0.0, self._given_s - self.link.queued_s())
        self.supersede()
        self.face.clear_queue()
        if told:
            return
        self.link.call_on_loop(self.face.state.interrupted.set)
        self.link.send(create_message("interrupted", "interrupted"))
        if self._on_interrupt is not None:
            try:
                self._on_interrupt(played_s)
            except Exception as error:  # the conversation goes on
                if self.link.report is None:
                    raise
                self.link.report(error)

    def supersede(self) -> None:
        """Stop the reply; further outputs are dropped."""
        with self._lock:
            if self._reply is not None:
                self._reply.supersede()

    def emit(self) -> EmitType:
        """Return the next output of the reply, or None; see ``ReplyOnPause``."""
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
            if not reply.superseded:
                self._announce()
            self._end_reply(reply)
            return None
        self._wake.set()  # it may be None, or audio without samples, and more may follow
        return output  # type: ignore[no-any-return]

    def _note(self, output: Any) -> None:
        media, other = split_output(output)
        if media is not None:
            self._given_s += self._seconds_of(media)
            self.face.state.responded_audio = True
            self._announce()
        if self.face.phone_mode and isinstance(other, AdditionalOutputs):
            self.face.latest_args = [PLACEHOLDER, *other.args]

    def _announce(self) -> None:
        """Tell the client, once a reply, that the response starts."""
        if not self._announced:
            self._announced = True
            self.say("response_starting")

    def _fail(self, reply: Reply, error: Exception) -> None:
        """End the turn because of an exception; the conversation goes on."""
        reply.supersede()
        self._end_reply(reply)
        if self.link.report is None:
            raise error
        self.link.report(error)

    def _begin_reply(self) -> Reply | None:
        """Begin the requested turn, if there is one."""
        face = self.face
        if not face.event.is_set():
            return None
        reply = Reply(step=face.async_iterate, loop=self.link.loop)
        with self.hearing, self._lock:
            if self._coming or self._reply is not None:
                return None
            self._pending = False
            self._occupy(reply)
            said, face.state.stream = face.state.stream, None
            face.state.responding = True
        rate = face.state.sampling_rate or face.input_sample_rate
        samples = np.zeros((1, 0), np.int16) if said is None else said.reshape(1, -1)
        if self._unheard is not None:
            samples = np.hstack((self._unheard, samples))[:, -round(MAX_KEPT_S * rate) :]
        self._unheard = samples
        try:
            args = self._inputs.arguments(reply, (rate, samples))
            if not reply.superseded:
                self._unheard = None
                self._start_reply(reply, face.fn, args)
        except CancelledError:
            if not reply.superseded:  # the connection ended while waiting for inputs
                self._end_reply(reply)
                raise
        except Exception as error:
            self._fail(reply, error)
            return None
        return reply

    def _occupy(self, reply: Reply) -> None:
        """Make *reply* the running one; the lock must be held."""
        self._reply = reply
        self._given_s = 0.0
        self._announced = self._interrupted = False

    def _start_reply(
        self, reply: Reply, function: Callable[..., Any], args: tuple[Any, ...]
    ) -> None:
        self.face.generator = reply.bind(function, args).generator
        reply.start()

    def _end_reply(self, reply: Reply) -> None:
        with self._lock:
            if self._reply is reply:
                self._reply = None
                self.face.generator = None
            again = self._pending or self._coming > 0
        if again:
            self._inputs.expire()
            self.face.state.responding = False
            self._wake.set()  # it may have been set for that turn before this reply was taken up
            return
        self.ending_turn = True
        try:
            self.face.reset()
        finally:
            self.ending_turn = False
        if self._pending:
            self.face.event.set()
            self._wake.set()

    def reset(self) -> None:
        """Replace the state; also stop the reply, unless called because a reply has ended."""
        face = self.face
        with self.hearing:
            heard = face.state
            face.state = state = heard.new()
            if self.ending_turn:  # the next utterance may have begun already
                self.carry_over(heard, state)
            else:
                self.forget()
                self.supersede()
        face.event.clear()

    def carry_over(self, heard: AppState, state: AppState) -> None:
        """Keep the state of an utterance that began during the reply."""
        state.sampling_rate = heard.sampling_rate
        state.started_talking = heard.started_talking
        state.buffer, state.stream = heard.buffer, heard.stream

    def start_up(self) -> None:
        """Call ``startup_fn``, and play what it yields."""
        startup_fn = self.face.startup_fn
        if startup_fn is None:
            return
        reply = Reply(step=self.face.async_iterate, loop=self.link.loop)
        args = self._inputs.startup_arguments(reply, startup_fn)
        with self.hearing, self._lock:
            if self._conversing:
                return  # the conversation has begun without it
            self._occupy(reply)
        try:
            self._start_reply(reply, startup_fn, args)
        except Exception:
            reply.supersede()
            raise
        finally:
            self._wake.set()

    @property
    def _conversing(self) -> bool:
        """Whether the client is speaking, or a reply is running or requested."""
        asked_for = self._coming > 0 or self.face.event.is_set()
        return asked_for or self.speaking or self.face.state.started_talking

    # Messages

    def say(self, what: str) -> None:
        """Send a ``log`` message."""
        self.link.send(create_message("log", what))

    def say_started_talking(self) -> None:
        """Tell the client that the speaker started to talk."""
        self.say("started_talking")
