"""The replies of one connection: requested at the end of a turn, begun and drained by ``emit``."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.messages import create_message
from ..core.outputs import AdditionalOutputs, split_output
from ..core.turn import TurnKind
from ..core.types import EmitType
from ..handlers.inputs import PLACEHOLDER
from ..handlers.link import HandlerLink
from .early_reply import EarlyReply
from .face import Face, rate_of
from .heard import Interruption, SpokenText
from .reply import ENDED, Reply
from .reply_inputs import ReplyInputs
from .says import Says
from .turn_events import TurnEvents
from .unanswered_speech import UnansweredSpeech

__all__ = ["Replies"]

IN_HAND_S = 0.1
"""How long audio that ``emit`` returned may take to get into the queue, in seconds."""


class Replies:
    """Run one reply at a time.

    Args:
        face: The ``ReplyOnPause``.
        link: The link between the handler and its connection.
        hearing: Held while the state of the face is replaced.
        seconds_of: Validate audio of a reply and return its length in seconds.
        on_interrupt: Called when a reply is interrupted, with what was heard of it.
        changed: Called when a reply begins, has audio, or ends; without locks.

    Attributes:
        wake: Set when ``emit`` has something to do.
        ending_turn: Whether ``reset`` is being called because a reply has ended.
        says: What the program says of its own accord.
        keeps: Whether to keep the audio of a turn until its reply is heard.
        early: The reply to a turn that is likely over.
        spoken: The text of the reply, at the positions of its audio.
        heard_s: How much of it the client says was heard, while it interrupts it.
    """

    def __init__(
        self,
        face: Face,
        link: HandlerLink,
        hearing: threading.RLock,
        seconds_of: Callable[[Any], float],
        on_interrupt: Callable[[Interruption], Any] | None,
        changed: Callable[[], None],
    ) -> None:
        self.wake = threading.Event()
        self.ending_turn = False
        self.keeps = False
        self.early = EarlyReply()
        self.heard_s: float | None = None
        self.on_interrupt = on_interrupt
        self._face = face
        self._link = link
        self._hearing = hearing  # acquired before the other
        self._lock = threading.Lock()
        self._seconds_of = seconds_of
        self._changed = changed
        self.spoken = SpokenText()  # handed to the playout
        self._inputs = ReplyInputs(face, link)
        self.says = Says(link, self.wake)
        self._reply: Reply | None = None  # since its turn began
        self._coming = 0  # turns that are about to be requested
        self._pending = False  # a turn was requested
        self._speech = UnansweredSpeech()
        self._announced = False  # response_starting was sent
        self._interrupted = False  # and the audio that the client still plays, too
        self._in_hand_s = 0.0  # time left for audio to get into the queue

    # What there is

    @property
    def running(self) -> bool:
        """Whether a reply is being prepared, or not all of its outputs were taken."""
        reply = self._reply
        return reply is not None and not reply.superseded

    @property
    def speaking(self) -> bool:
        """Whether a reply is being prepared or played."""
        return self.running or self._link.queued_s() > 0

    @property
    def requested(self) -> bool:
        """Whether a turn was requested, or is about to be, and its reply has not begun."""
        return self._coming > 0 or (self._pending and self._face.event.is_set())

    @property
    def played_s(self) -> float:
        """How much of the reply was played, in seconds."""
        if self.heard_s is not None:
            return self.heard_s
        return max(0.0, self.spoken.length_s - self._link.queued_s())

    def has_audio(self) -> bool:
        """Return whether audio of the reply waits to be played."""
        if self._interrupted:
            return False  # it is being dropped, or cannot be
        if self._link.queued_s() > 0:
            self._in_hand_s = 0.0
            return True
        return self._in_hand_s > 0

    def heard(self, seconds: float) -> None:
        """Record that so much time has passed, as measured by the client's audio."""
        self._in_hand_s -= seconds
        if self._interrupted and not self.speaking:
            self._interrupted = False

    # Requests

    def is_answer(self) -> bool:
        """Return whether a trigger is part of the client's answer to a request for inputs."""
        return self._inputs.triggered()

    def expect_turn(self) -> None:
        """Keep the utterance and the inputs for the turn that is about to be requested."""
        with self._lock:
            self._coming += 1
        self._face.state.started_talking = False

    def request(self) -> None:
        """Let ``emit`` begin the expected turn."""
        with self._lock:
            self._coming -= 1
            self._pending = True
            self._face.event.set()
        self.wake.set()

    def interrupt(self) -> None:
        """Stop the reply, drop its unplayed audio, and tell the client and ``on_interrupt``.

        They are told once, even if the client cannot drop the audio that it has already.
        """
        with self._lock:
            told, self._interrupted = self._interrupted, True
        interruption = self.spoken.interruption(self.played_s)
        if self._events is not None and not told:
            self._events.interrupted(interruption)
        self.says.drop(protected=False)
        self.supersede()
        self._face.clear_queue()
        if told:
            return
        self._link.call_on_loop(self._face.state.interrupted.set)
        self._link.send(create_message("interrupted", "interrupted"))
        if self.on_interrupt is not None:
            self._link.run_contained(self.on_interrupt, interruption)

    def keep_unheard(self) -> None:
        """Keep the audio of a turn whose reply was not heard, for the next reply."""
        face = self._face
        with self._hearing, self._lock:
            if self._pending and self._reply is None:  # its reply must not begin any more
                self._pending = False
                face.event.clear()
                self._speech.keep(self._speech.take(face))
                if self._events is not None:
                    self._events.unanswered()
            elif self.speaking and self.played_s <= 0:
                self._speech.keep_answered()
            self._speech.answered = None

    def supersede(self) -> None:
        """Stop the reply; further outputs are dropped."""
        with self._lock:
            if self._reply is not None:
                self._reply.supersede()

    def forget(self) -> None:
        """Discard the audio that was not passed to the function yet, and the early reply."""
        self._speech.kept = None
        self.says.look()
        self.early.discard()

    def start_early(self, said: NDArray[np.int16]) -> None:
        """Start the reply to a turn that is likely over; ``request`` lets it be played.

        A function that needs inputs of the client, or audio of an earlier turn, is started later.

        Args:
            said: The utterance so far, shape ``(1, n)``.
        """
        if not self._face._needs_additional_inputs and self._speech.kept is None:
            report = partial(self._report, kind="reply", early=True)
            self.early.start(self._face, self._link, said, report)

    @property
    def _events(self) -> TurnEvents | None:
        events: TurnEvents | None = self._link.turn_events
        return events

    def _report(self, reply: Reply, kind: TurnKind, *, early: bool = False) -> None:
        """Let a reply report its events, if something listens."""
        if self._events is not None:
            reply.events = self._events.begin(kind, early=early)

    # Outputs

    def emit(self) -> EmitType:
        """Return the next output of the reply, or None; see ``ReplyOnPause``."""
        reply = self._reply or self._begin_reply() or self._begin_say()
        if reply is None:
            return None
        try:
            output = reply.take()
            if output is not ENDED:
                self._note(reply, output)
        except Exception as error:
            self._fail(reply, error)
            return None
        if output is ENDED:
            self.spoken.end()
            if not reply.superseded:
                self._announce()
            self._end_reply(reply)
            return None
        self.wake.set()  # it may be None, or audio without samples, and more may follow
        return output  # type: ignore[no-any-return]

    def _note(self, reply: Reply, output: Any) -> None:
        media, other = split_output(output)
        seconds = 0.0 if media is None else self._seconds_of(media)
        if reply.events is not None:
            reply.events.queue(media, other, seconds)
        if media is not None:
            self.spoken.add(seconds, getattr(media, "text", None))
            self._in_hand_s = IN_HAND_S
            self._face.state.responded_audio = True
            self._announce()
            self._changed()
        if self._face.phone_mode and isinstance(other, AdditionalOutputs):
            self._face.latest_args = [PLACEHOLDER, *other.args]

    def _announce(self) -> None:
        """Notify the client, once a reply, that the response starts."""
        if not self._announced:
            self._announced = True
            self._link.send(create_message("log", "response_starting"))

    def _fail(self, reply: Reply, error: Exception) -> None:
        """End the turn because of an exception; the conversation goes on."""
        if reply.events is not None:
            reply.events.ended("failed", error)
        reply.supersede()
        self._end_reply(reply)
        if self._link.report is None:
            raise error
        self._link.report(error)

    def _begin_reply(self) -> Reply | None:
        """Begin the requested turn, if there is one."""
        face = self._face
        if not face.event.is_set():
            return None
        reply = Reply(step=face.async_iterate, loop=self._link.loop)
        with self._hearing, self._lock:
            if self._coming or self._reply is not None or not face.event.is_set():
                return None
            self._pending = False
            early = self.early.take()
            reply = early or reply
            self._occupy(reply)
            samples = self._speech.take(face)
            self._speech.keep(samples)
            face.state.responding = True
        if early is not None:
            self._speech.answer(samples if self.keeps else None)
            face.generator = early.generator
            if self._events is not None:
                self._events.commit(early.events)
            early.commit()
            return early
        self._report(reply, "reply")
        try:
            args = self._inputs.arguments(reply, (rate_of(face), samples))
            if not reply.superseded:
                self._speech.answer(samples if self.keeps else None)
                self._start_reply(reply, face.fn, args)
        except CancelledError:
            if not reply.superseded:  # the connection ended while waiting for inputs
                self._end_reply(reply)
                raise
        except Exception as error:
            self._fail(reply, error)
            return None
        return reply

    def _begin_say(self) -> Reply | None:
        """Begin what the program says, if nothing else is to be played."""
        if not self.says.waiting:
            return None
        reply = Reply(loop=self._link.loop)
        with self._hearing, self._lock:
            say = self.says.begin(reply, self._is_free)
            if say is None:
                return None
            before = self.spoken if self.has_audio() else SpokenText()
            self._occupy(reply)
            self.spoken = before  # an interruption concerns both
            self._report(reply, "say")
        try:
            self._start_reply(reply, say.function, ())
        except Exception as error:
            self._fail(reply, error)
            return None
        self._changed()
        return reply

    def _is_free(self) -> bool:
        """Return whether no reply is running or requested, and the client does not speak."""
        talking = self._face.state.started_talking
        return self._reply is None and not self._asked_for and not talking

    def _occupy(self, reply: Reply) -> None:
        """Make *reply* the running one; the lock must be held."""
        self._reply = reply
        self._speech.answered = None
        self.spoken = SpokenText()
        self._announced = self._interrupted = False

    def _start_reply(
        self, reply: Reply, function: Callable[..., Any], args: tuple[Any, ...]
    ) -> None:
        self._face.generator = reply.bind(function, args).generator
        reply.start()

    def _end_reply(self, reply: Reply) -> None:
        face = self._face
        with self._lock:
            if self._reply is reply:
                self._reply = None
                face.generator = None
            again = self._pending or self._coming > 0
        if reply.events is not None:
            reply.events.complete(superseded=reply.superseded)
        self.says.end()
        if again:
            self._inputs.expire()
            face.state.responding = False
            self.wake.set()  # it may have been set for that turn before this reply was taken up
            return
        self.ending_turn = True
        try:
            face.reset()
        finally:
            self.ending_turn = False
        if self._pending:
            face.event.set()
            self.wake.set()
        self._changed()

    def start_up(self) -> None:
        """Call ``startup_fn``, and play what it yields."""
        startup_fn = self._face.startup_fn
        if startup_fn is None:
            return
        reply = Reply(step=self._face.async_iterate, loop=self._link.loop)
        args = self._inputs.startup_arguments(reply, startup_fn)
        with self._hearing, self._lock:
            if self._conversing:
                return  # the conversation has begun without it
            self._occupy(reply)
            self._report(reply, "start_up")
        try:
            self._start_reply(reply, startup_fn, args)
        except Exception:
            reply.supersede()
            raise
        finally:
            self.wake.set()
            self._changed()

    @property
    def _conversing(self) -> bool:
        """Whether the client is speaking, or a reply is running or requested."""
        return self._asked_for or self.speaking or self._face.state.started_talking

    @property
    def _asked_for(self) -> bool:
        return self._coming > 0 or self._face.event.is_set()
