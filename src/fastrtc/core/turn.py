"""The record of one turn: when its parts happened, and how long each took."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from itertools import pairwise
from typing import Any, Literal, NamedTuple, TypeAlias

__all__ = ["EndedBy", "HeardBy", "Outcome", "Turn", "TurnKind", "TurnParts"]

EndedBy: TypeAlias = Literal["pause", "model", "stop_word", "manual", "maximum", "program"]
"""What decided about the end of a turn."""

HeardBy: TypeAlias = Literal["client", "marks", "estimate"]
"""How it is known when the first sample was heard."""

Outcome: TypeAlias = Literal["completed", "interrupted", "failed"]
"""How a reply ended."""

TurnKind: TypeAlias = Literal["reply", "say", "start_up", "audio"]
"""What was played."""

_TEXTS = ("heard_text", "text")


class TurnParts(NamedTuple):
    """The parts of the silence between the speech of the user and the reply, in seconds.

    A part is 0 if it took place during another one, as the function of an early reply does. If one
    of its times is unknown, it is part of the next one.

    Attributes:
        end_of_turn: From the end of the speech to the decision that the turn is over.
        handler: From there until the function is called.
        first_audio: From there until it has yielded the first audio.
        playout: From there until the first sample is sent.
        heard: From there until the first sample is heard: the network, and the buffers of the
            client; None if that is unknown.
    """

    end_of_turn: float
    handler: float
    first_audio: float
    playout: float
    heard: float | None


@dataclass(frozen=True)
class Turn:
    """One turn of a conversation: what the user said, and the reply.

    All times are in seconds since the connection was established, on a monotonic clock. They are
    None if something did not happen, or cannot be known. Times at the client, of its speech and of
    what was heard, are those at which the server learned of them: the client's audio or report
    took the same way through the network. So their differences are those at the client.

    Attributes:
        webrtc_id: The id of the connection.
        number: The number of the turn in its connection. Numbers ascend; those of utterances that
            got no reply are missing.
        kind: ``"reply"`` to the user; ``"say"``, what the program said of its own accord;
            ``"start_up"``, what ``startup_fn`` said; ``"audio"``, audio of a handler that is no
            ``ReplyOnPause``, of which only the times of the playout are known.
        connected_at: When the connection was established, as Unix time.
        outcome: ``"completed"``, ``"interrupted"``, or ``"failed"``. The end of the connection
            interrupts a reply of which a part was not made or not sent yet, unless the reply
            itself ends it with ``CloseStream``.
        speech_began_s: When the user began to speak.
        speech_ended_s: When the user stopped.
        turn_ended_s: When the end of the turn was decided.
        ended_by: What decided it: a ``"pause"``, the turn ``"model"``, a pause after the
            ``"stop_word"``, the client in ``"manual"`` turn detection, the ``"maximum"`` length, or
            the ``"program"``, with ``trigger_response``.
        early: Whether the function was called before that.
        function_called_s: When the function of the program was called.
        first_output_s: When it yielded its first output of any kind.
        first_audio_s: When it yielded its first audio.
        function_ended_s: When it ended; None if it was interrupted and went on.
        first_sent_s: When the first sample was sent.
        first_heard_s: When the first sample was heard.
        heard_by: How that is known: a report of the ``"client"``, the ``"marks"`` of a telephone
            provider, or an ``"estimate"`` from the round trip and the buffers of usual clients.
        interrupted_s: When the reply was interrupted: by the user, by the program, or by the end of
            the connection.
        last_sent_s: When the last sample was sent.
        played_s: How much audio of the reply was played, in seconds.
        heard_text: The text that was heard, if the audio had texts: see ``Speech``.
        text: All text that had been synthesized.
        error: The type and the text of the exception, if the function failed, or an output of it
            could not be played.
        leading_silence_s: How long after its first sample the reply was audible, in seconds: with a
            sample of at least -44 dB of full scale. None if no such sample was sent.
    """

    webrtc_id: str
    number: int
    kind: TurnKind
    connected_at: float
    outcome: Outcome = "completed"
    speech_began_s: float | None = None
    speech_ended_s: float | None = None
    turn_ended_s: float | None = None
    ended_by: EndedBy | None = None
    early: bool = False
    function_called_s: float | None = None
    first_output_s: float | None = None
    first_audio_s: float | None = None
    function_ended_s: float | None = None
    first_sent_s: float | None = None
    first_heard_s: float | None = None
    heard_by: HeardBy | None = None
    interrupted_s: float | None = None
    last_sent_s: float | None = None
    played_s: float = 0.0
    heard_text: str = field(default="", repr=False)
    text: str = field(default="", repr=False)
    error: str | None = None
    leading_silence_s: float | None = None

    @property
    def silence_s(self) -> float | None:
        """The time from the end of the speech to the first sample of the reply, in seconds.

        Until it was sent, if it is unknown when it was heard. None without speech, and without a
        reply. It is the silence that the user heard, without the one with which the reply itself
        begins, ``leading_silence_s``; a ``while_thinking`` sound was heard in it.
        """
        until = self.first_sent_s if self.first_heard_s is None else self.first_heard_s
        if self.speech_ended_s is None or until is None:
            return None
        return until - self.speech_ended_s

    @property
    def parts(self) -> TurnParts | None:
        """The parts of ``silence_s``, whose sum it is; None if it is None."""
        silence_s, at = self.silence_s, self.speech_ended_s
        if silence_s is None or at is None:
            return None
        end = at + silence_s
        edges = [at]
        for time in (
            self.turn_ended_s,
            self.function_called_s,
            self.first_audio_s,
            self.first_sent_s,
        ):
            edges.append(edges[-1] if time is None else min(max(edges[-1], time), end))
        end_of_turn, handler, first_audio, playout = (b - a for a, b in pairwise(edges))
        heard = None if self.first_heard_s is None else end - edges[-1]
        return TurnParts(end_of_turn, handler, first_audio, playout, heard)

    def as_dict(self, *, texts: bool = False) -> dict[str, Any]:
        """Return the fields, ``silence_s`` and ``parts`` (a dict), as JSON can represent them.

        Args:
            texts: Whether to include what was said, and the text of an exception.
        """
        names = [one.name for one in fields(self)]
        result = {name: getattr(self, name) for name in names if texts or name not in _TEXTS}
        if not texts and self.error is not None:
            result["error"] = self.error.partition(":")[0]
        parts = self.parts
        result["silence_s"] = self.silence_s
        result["parts"] = None if parts is None else parts._asdict()
        return result
