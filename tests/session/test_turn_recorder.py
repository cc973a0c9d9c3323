"""Records of turns, from events and the progress of the playout; without a clock."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from fastrtc import Turn
from fastrtc.core.conversation_events import (
    AudioEnded,
    AudioStarted,
    ConversationEvent,
    FirstAudio,
    FirstOutput,
    FunctionCalled,
    FunctionEnded,
    ReplyDiscarded,
    ReplyEnded,
    ReplyInterrupted,
    SpeechDropped,
    SpeechStarted,
    SpeechStopped,
    TurnEnded,
)
from fastrtc.session.playback_reports import PlaybackReports
from fastrtc.session.turn_recorder import MAX_OPEN, TurnRecorder
from fastrtc.turns.heard import SpokenText

FRAME_S = 0.02


def spoken(text: str, seconds: float) -> SpokenText:
    """The text of a reply of that length, which is complete."""
    spoken = SpokenText()
    spoken.add(seconds, text)
    spoken.end()
    return spoken


class Conversation:
    """A recorder, and a playout that sends 20 ms at a time; the connection began at 100 s."""

    def __init__(self, *, conversational: bool = True, marks: bool = False) -> None:
        self.playback = PlaybackReports()
        self.playback.has_marks = marks
        if not marks:
            self.playback.delay_s = 0.05
        self.recorder = TurnRecorder("me", self.playback, conversational=conversational)
        self.recorder.began_at, self.recorder.connected_at = 100.0, 1e9
        self.sent_s = 0.0
        self.turns: list[Turn] = []
        self.events: list[ConversationEvent] = []

    def take(self) -> None:
        events, turns = self.recorder.take()
        self.events += events
        self.turns += turns

    def feed(self, *events: ConversationEvent) -> None:
        for event in events:
            self.recorder.feed(event)
        self.take()

    def ask(self, turn: int, at: float) -> None:
        """The user speaks for 1 s until `at`, and the turn ends 0.5 s later."""
        self.feed(
            SpeechStarted(turn, at - 0.8, at - 1.0),
            SpeechStopped(turn, at + 0.5, at),
            TurnEnded(turn, at + 0.5, "pause", at),
            FunctionCalled(turn, at + 0.5, "reply"),
            FirstOutput(turn, at + 0.6),
            FirstAudio(turn, at + 0.7),
        )

    def queue(self, turn: int, seconds: float, now: float, *, ends: bool = True) -> None:
        """Audio of a turn is queued behind what was sent."""
        self.recorder.queue_audio(turn, self.sent_s, spoken("All of it.", seconds))
        if ends:
            self.feed(FunctionEnded(turn, now, "completed"))
            self.recorder.complete_audio(turn, self.sent_s + seconds, now)
        self.take()

    def send(self, seconds: float, now: float) -> float:
        """Send audio in real time; return when the last frame was sent."""
        for frame in range(round(seconds / FRAME_S)):
            at, before = now + frame * FRAME_S, self.sent_s
            self.sent_s += FRAME_S
            self.recorder.polled(self.sent_s, at, lambda before=before: before)  # type: ignore[misc]
        self.take()
        return at

    def kinds(self) -> Iterator[str]:
        return (type(event).__name__ for event in self.events)


def test_a_reply_that_is_played_is_complete() -> None:
    talk = Conversation()
    talk.ask(1, 110.0)
    talk.queue(1, 1.0, 110.75)
    talk.send(1.0, 110.75)
    (turn,) = talk.turns
    assert (turn.number, turn.kind, turn.outcome, turn.ended_by) == (
        1,
        "reply",
        "completed",
        "pause",
    )
    assert (turn.speech_began_s, turn.speech_ended_s, turn.turn_ended_s) == (9.0, 10.0, 10.5)
    assert turn.first_output_s == pytest.approx(10.6)
    assert turn.first_sent_s == 10.75
    assert (turn.first_heard_s, turn.heard_by) == (pytest.approx(10.8), "client")
    assert turn.last_sent_s == pytest.approx(11.73)
    assert (turn.played_s, turn.heard_text) == (pytest.approx(1.0), "All of it.")
    assert turn.silence_s == pytest.approx(0.8)
    assert turn.parts == pytest.approx((0.5, 0.0, 0.2, 0.05, 0.05))
    assert list(talk.kinds()) == ["AudioStarted", "AudioEnded", "ReplyEnded"]


def test_audio_that_is_sent_again_belongs_to_the_reply_that_it_is_of() -> None:
    """A client resumes, and what it had not heard is sent again: first of the reply before."""
    talk, loud = Conversation(), np.full((1, 480), 5000, np.int16)

    def send(count: int, now: float, client_s: float) -> None:
        for n in range(count):
            talk.sent_s += FRAME_S
            talk.recorder.polled(talk.sent_s, now + n * FRAME_S, lambda: client_s, (24_000, loud))
        talk.take()

    talk.ask(1, 108.0)
    talk.sent_s = 0.5
    talk.queue(1, 5.0, 110.0, ends=False)
    send(25, 111.0, 20.0)
    one = talk.recorder._open[1]
    assert (one.last_sent, one.sent_end_s) == (pytest.approx(111.48), pytest.approx(20.02))
    talk.sent_s = 0.0
    talk.recorder.polled(talk.sent_s, 112.0, lambda: 30.0)
    send(20, 112.0, 30.0)
    assert one.last_sent == pytest.approx(111.48), "of the reply before"
    send(10, 113.0, 40.0)
    assert one.last_sent == pytest.approx(113.18)


def test_the_silence_with_which_a_reply_begins_is_recorded() -> None:
    silence, loud = np.zeros((1, 480), np.int16), np.full((1, 480), -200, np.int16)
    half = np.concatenate((np.full((1, 240), 199, np.int16), loud[:, :240]), axis=1)
    for frames, at_s in (
        ([loud], 0.0),
        ([half], 0.01),
        ([silence, silence, half, loud], 0.05),
        ([silence, silence], None),
    ):
        talk = Conversation()
        talk.send(1.0, 108.0)  # of another reply, or a sound
        talk.ask(1, 110.0)
        talk.queue(1, len(frames) * FRAME_S, 110.75)
        for k, frame in enumerate(frames):
            talk.sent_s += FRAME_S
            at = 110.75 + k * FRAME_S
            talk.recorder.polled(talk.sent_s, at, float, (24_000, frame))
        talk.take()
        (turn,) = talk.turns
        assert turn.leading_silence_s == pytest.approx(at_s)
        assert turn.first_sent_s == 10.75


def test_what_was_sent_before_a_reply_in_its_frame_does_not_count() -> None:
    """Nor silence behind the end, nor what was cleared."""
    talk = Conversation()
    talk.sent_s = talk.recorder._sent_s = 1.0
    talk.ask(1, 110.0)
    talk.recorder.queue_audio(1, 3.01, spoken("Hello.", 0.1))
    loud, silence = np.full((1, 240), 3000, np.int16), np.zeros((1, 480), np.int16)
    mixed = np.concatenate((loud, silence[:, :240]), axis=1)
    talk.recorder.polled(3.02, 110.8, float, (24_000, mixed))
    assert talk.recorder._open[1].leading_silence_s is None
    end = np.concatenate((silence[:, :120], loud, silence[:, :120]), axis=1)
    talk.recorder.polled(3.035, 110.82, float, (24_000, end))
    assert talk.recorder._open[1].leading_silence_s == pytest.approx(0.02, abs=0.0051)


def test_a_function_that_is_slower_than_its_audio_makes_silence() -> None:
    talk = Conversation()
    talk.ask(1, 110.0)
    talk.queue(1, 0.04, 110.75)
    loud = np.full((1, 480), 3000, np.int16)
    talk.recorder.polled(0.02, 110.75, float, (24_000, 0 * loud))
    talk.recorder.polled(0.04, 113.75, float, (24_000, loud))
    talk.take()
    assert talk.turns[0].leading_silence_s == pytest.approx(3.0)


def test_the_record_waits_for_the_mark_of_a_telephone() -> None:
    talk = Conversation(marks=True)
    talk.ask(1, 110.0)
    talk.queue(1, 0.2, 110.75)
    talk.send(0.2, 110.75)
    assert not talk.turns
    assert talk.recorder.next_at == pytest.approx(110.93 + 1.5)
    for position_s, at in ((0.05, 111.0), (0.1, 111.05)):
        assert not talk.turns, "the next mark may be more exact"
        talk.playback.played(position_s, at)
        talk.recorder.advance(at)
        talk.take()
    (turn,) = talk.turns
    assert (turn.first_heard_s, turn.heard_by) == (pytest.approx(10.97), "marks")
    assert talk.recorder.next_at is None


def test_the_first_marks_of_a_long_reply_with_a_gap_tell_when_it_was_heard() -> None:
    talk = Conversation(marks=True)
    talk.ask(1, 110.0)
    talk.queue(1, 29.0, 110.75)
    talk.send(4.0, 110.75)
    talk.send(25.0, 117.75)
    for frame in range(1450):  # as with `Interruptions`: a mark for each frame
        sent_at = 110.75 + frame * FRAME_S + (3.0 if frame >= 200 else 0.0)
        talk.playback.played((frame + 1) * FRAME_S, sent_at + (0.25 if frame % 3 else 0.2))
        talk.recorder.advance(sent_at + 0.25)
    talk.take()
    (turn,) = talk.turns
    assert (turn.first_heard_s, turn.heard_by) == (pytest.approx(10.95), "marks")


def test_a_mark_that_does_not_come_leaves_it_unknown() -> None:
    talk = Conversation(marks=True)
    talk.ask(1, 110.0)
    talk.queue(1, 0.2, 110.75)
    talk.send(0.2, 110.75)
    talk.recorder.advance(112.0)
    talk.take()
    assert not talk.turns
    talk.recorder.advance(112.44)
    talk.take()
    assert talk.turns[0].first_heard_s is None and talk.turns[0].heard_by is None


def test_an_interrupted_reply_ends_where_it_was_cut() -> None:
    talk = Conversation()
    talk.ask(1, 110.0)
    talk.queue(1, 5.0, 110.75, ends=False)
    talk.send(0.5, 110.75)
    talk.feed(
        SpeechStarted(2, 111.4, 111.2),
        ReplyInterrupted(1, 111.4, 0.45, "All", "All of"),
        FunctionEnded(1, 111.4, "superseded"),  # its thread is as fast as that
    )
    (turn,) = talk.turns
    assert (turn.outcome, turn.interrupted_s) == ("interrupted", pytest.approx(11.4))
    assert (turn.played_s, turn.heard_text, turn.text) == (0.45, "All", "All of")
    assert turn.last_sent_s == pytest.approx(11.23)
    talk.recorder.complete_audio(1, 9.0, 111.5)
    talk.send(0.1, 111.5)
    assert len(talk.turns) == 1, "what comes late of it begins no other turn"


def test_speech_without_a_reply_is_no_turn() -> None:
    talk = Conversation()
    talk.feed(
        SpeechStarted(1, 110.0, 109.8), SpeechStopped(1, 110.5, 110.2), SpeechDropped(1, 110.5)
    )
    talk.recorder.close(120.0)
    talk.take()
    assert not talk.turns


def test_a_function_without_audio_ends_its_turn_itself() -> None:
    talk = Conversation()
    talk.ask(1, 110.0)
    talk.feed(FunctionEnded(1, 111.0, "completed"))
    talk.recorder.complete_audio(1, 0.0, 111.0)
    talk.take()
    (turn,) = talk.turns
    assert (turn.outcome, turn.first_sent_s, turn.silence_s) == ("completed", None, None)
    assert list(talk.kinds()) == ["ReplyEnded"]


def test_a_function_that_fails_is_recorded_with_what_was_played() -> None:
    talk = Conversation()
    talk.ask(1, 110.0)
    talk.queue(1, 0.4, 110.75, ends=False)
    talk.feed(FunctionEnded(1, 110.8, "failed", "ValueError: no"))
    talk.recorder.complete_audio(1, 0.4, 110.8)
    talk.send(0.4, 110.8)
    (turn,) = talk.turns
    assert (turn.outcome, turn.error) == ("failed", "ValueError: no")
    assert turn.played_s == pytest.approx(0.4)


def test_a_discarded_early_reply_leaves_no_times() -> None:
    talk = Conversation()
    talk.feed(
        SpeechStarted(1, 109.2, 109.0),
        FunctionCalled(1, 110.2, "reply", early=True),
        FirstOutput(1, 110.3),
        ReplyDiscarded(1, 110.4),
        FunctionEnded(1, 110.4, "superseded"),
    )
    talk.ask(1, 112.0)
    talk.queue(1, 0.1, 112.75)
    talk.send(0.1, 112.75)
    (turn,) = talk.turns
    assert not turn.early
    assert turn.function_called_s == pytest.approx(12.5)
    assert turn.speech_began_s == 11.0


def test_two_replies_in_the_queue_are_told_apart() -> None:
    talk = Conversation()
    talk.ask(1, 110.0)
    talk.queue(1, 0.2, 110.75)
    talk.feed(FunctionCalled(2, 110.8, "say"))
    talk.recorder.queue_audio(2, 0.2, spoken("More.", 0.1))
    talk.recorder.complete_audio(2, 0.3, 110.8)
    talk.send(0.4, 110.8)
    assert [turn.kind for turn in talk.turns] == ["reply", "say"]
    assert [turn.first_sent_s for turn in talk.turns] == pytest.approx([10.8, 11.0])


def test_an_interruption_concerns_all_that_is_queued() -> None:
    talk = Conversation()
    talk.ask(1, 110.0)
    talk.queue(1, 0.5, 110.75)
    talk.feed(FunctionCalled(2, 110.8, "say"))
    talk.recorder.queue_audio(2, 0.5, spoken("More.", 1.0))
    talk.send(0.2, 110.8)
    talk.feed(ReplyInterrupted(2, 111.0, 0.2, "All", "All of it. More."))
    assert [turn.outcome for turn in talk.turns] == ["interrupted", "interrupted"]
    assert [turn.played_s for turn in talk.turns] == pytest.approx([0.2, 0.0])
    assert [turn.heard_text for turn in talk.turns] == ["All", ""]
    assert [turn.text for turn in talk.turns] == ["All of it.", "More."]


@pytest.mark.parametrize("how", ["hang-up", "cleared queue"])
def test_a_reply_that_ends_otherwise_has_the_text_that_was_heard(how: str) -> None:
    talk = Conversation()
    talk.ask(1, 110.0)
    talk.queue(1, 1.0, 110.75)
    talk.send(0.5, 110.75)
    if how == "hang-up":
        talk.recorder.close(111.25)
    else:
        talk.recorder.cut(0.5, 1.0, 111.25)
    talk.take()
    (turn,) = talk.turns
    assert turn.outcome == "interrupted" and turn.played_s == pytest.approx(0.5)
    assert (turn.heard_text, turn.text) == ("All", "All of it.")


def test_an_output_that_cannot_be_played_fails_its_turn() -> None:
    talk = Conversation()
    talk.ask(1, 110.0)
    talk.feed(FunctionEnded(1, 111.0, "completed"))
    talk.recorder.complete_audio(1, 0.0, 111.0, "HandlerError: no audio")
    talk.take()
    (turn,) = talk.turns
    assert (turn.outcome, turn.error) == ("failed", "HandlerError: no audio")


def test_audio_of_other_handlers_is_recorded_by_its_stretches() -> None:
    talk = Conversation(conversational=False)
    talk.send(0.5, 110.0)
    talk.recorder.polled(talk.sent_s, 110.5, float)  # silence follows
    talk.recorder.idle(110.7)
    talk.take()
    talk.send(0.1, 115.0)
    talk.recorder.close(116.0)
    talk.take()
    assert [turn.kind for turn in talk.turns] == ["audio", "audio"]
    assert [turn.first_sent_s for turn in talk.turns] == [10.0, 15.0]
    assert [turn.played_s for turn in talk.turns] == pytest.approx([0.5, 0.1])
    assert [turn.outcome for turn in talk.turns] == ["completed", "completed"]
    assert list(talk.kinds()) == ["AudioStarted", "AudioEnded", "ReplyEnded"] * 2


@pytest.mark.parametrize("conversational", [True, False])
def test_a_queue_that_the_program_clears_ends_the_reply(conversational: bool) -> None:
    talk = Conversation(conversational=conversational)
    if conversational:
        talk.ask(1, 110.0)
        talk.queue(1, 5.0, 110.75)
    talk.send(0.5, 110.75)
    talk.recorder.cut(talk.sent_s, 5.0, 111.25)
    talk.take()
    (turn,) = talk.turns
    assert (turn.outcome, turn.interrupted_s) == ("interrupted", 11.25)
    assert turn.played_s == pytest.approx(0.5)
    talk.sent_s = 5.0  # what was cleared counts as sent
    talk.recorder.idle(111.3)
    talk.take()
    assert len(talk.turns) == 1


def test_the_end_of_the_connection_completes_what_is_open() -> None:
    talk = Conversation()
    talk.ask(1, 110.0)
    talk.queue(1, 5.0, 110.75)
    talk.send(0.5, 110.75)
    talk.feed(SpeechStarted(2, 111.2, 111.1))
    talk.recorder.close(112.0)
    talk.take()
    (turn,) = talk.turns
    assert (turn.number, turn.outcome, turn.interrupted_s) == (1, "interrupted", 12.0)
    assert turn.played_s == pytest.approx(0.5)


def test_the_number_of_open_turns_is_bounded() -> None:
    talk = Conversation()
    for number in range(1, 3 * MAX_OPEN):
        talk.feed(FunctionCalled(number, 110.0 + number, "reply"))
    assert len(talk.turns) == 2 * MAX_OPEN - 1


@pytest.mark.parametrize("event", [AudioStarted(1, 1.0), AudioEnded(1, 1.0)])
def test_its_own_events_change_nothing(event: Any) -> None:
    talk = Conversation()
    talk.feed(event, ReplyEnded(1, 1.0, "completed"))
    talk.recorder.close(2.0)
    talk.take()
    assert not talk.turns
