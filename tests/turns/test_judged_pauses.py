"""What the turn model is asked, and when its answer counts."""

from dataclasses import dataclass

import numpy as np
import pytest

from fastrtc.end_of_turn.protocol import RATE
from fastrtc.turns.detector import TurnDetector
from fastrtc.turns.events import Pause, PauseSuspected
from fastrtc.turns.judged_pauses import JudgedPauses

WINDOW_S = 0.032


@dataclass
class Answer:
    done: bool = False
    probability: float | None = None
    late: bool | None = None

    def abandon(self, *, late: bool) -> None:
        self.late = late


class Asked(JudgedPauses):
    """Keeps what was asked, and the answers."""

    def __init__(self) -> None:
        self.audio: list[np.ndarray] = []
        self.answers: list[Answer] = []
        super().__init__(self.answer)

    def answer(self, audio: np.ndarray) -> Answer:
        self.audio.append(audio)
        self.answers.append(Answer())
        return self.answers[-1]


def paused(silence_s: float = 0.25) -> TurnDetector:
    """A detector after a second of speech, and a pause."""
    detector = TurnDetector()
    detector.suspects = detector.judged = True
    go_on(detector, 1.0)
    go_on(detector, silence_s, 0.0)
    return detector


def go_on(detector: TurnDetector, seconds: float, probability: float = 1.0) -> None:
    for _ in range(round(seconds / WINDOW_S)):
        detector.push(probability)


def ask(pauses: JudgedPauses, at_s: float = 1.2, onset_s: float = 0.0) -> None:
    pauses.ask(PauseSuspected(at_s, onset_s, at_s - 0.2), 0.3)


def test_the_model_gets_the_utterance_with_its_pre_roll_as_float():
    pauses = Asked()
    for second in range(3):
        pauses.push(np.full(RATE, 1000 * (second + 1), np.int16))
    ask(pauses, 3.0, 1.5)
    [audio] = pauses.audio
    assert audio.dtype == np.float32 and audio.shape == (round(1.8 * RATE),)
    assert audio[0] == np.float32(2000 / 32768) and audio[-1] == np.float32(3000 / 32768)


def test_it_gets_a_fifth_of_a_second_of_the_pause():
    pauses = Asked()
    pauses.push(np.arange(2 * RATE).astype(np.int16))
    pauses.ask(PauseSuspected(1.25, 0.5, 1.02), 0.3)
    assert pauses.audio[0].size == round(1.02 * RATE)
    assert pauses.audio[0][0] == np.float32(round(0.2 * RATE) / 32768)


def test_of_a_long_utterance_it_gets_the_last_eight_seconds():
    pauses = Asked()
    for second in range(20):
        pauses.push(np.full(RATE, second, np.int16))
    ask(pauses, 20.0)
    assert pauses.audio[0].shape == (8 * RATE,)
    assert pauses.audio[0][0] == np.float32(12 / 32768)
    assert len(pauses._recent) < 10  # no more is kept


def test_a_turn_that_was_ended_too_early_is_heard_again():
    pauses = Asked()
    pauses.push(np.zeros(8 * RATE, np.int16))
    ask(pauses, 2.0, 1.0)
    pauses.ended(Pause(2.0, 1.0, 1.8))
    ask(pauses, 3.7, 2.7)  # it goes on
    pauses.ended(Pause(3.7, 2.7, 3.5))
    ask(pauses, 6.0, 5.0)  # another one
    assert [audio.size / RATE for audio in pauses.audio] == pytest.approx([1.3, 3.0, 1.3])


def test_a_complete_turn_ends_when_the_answer_comes():
    pauses, detector = Asked(), paused()
    pauses.push(np.zeros(RATE, np.int16))
    ask(pauses)
    assert not pauses.is_answered() and pauses.take(detector) is None
    pauses.answers[0].probability, pauses.answers[0].done = 0.9, True
    assert pauses.is_answered()
    assert isinstance(pauses.take(detector), Pause)
    assert not detector.speaking and pauses.take(detector) is None


def test_an_incomplete_turn_goes_on():
    pauses, detector = Asked(), paused()
    pauses.push(np.zeros(RATE, np.int16))
    ask(pauses)
    pauses.answers[0].probability, pauses.answers[0].done = 0.0, True
    assert pauses.take(detector) is None
    go_on(detector, 2.5, 0.0)
    assert detector.speaking
    go_on(detector, 0.6, 0.0)
    assert not detector.speaking


def test_an_answer_after_the_speaker_went_on_is_abandoned():
    pauses, detector = Asked(), paused()
    pauses.push(np.zeros(RATE, np.int16))
    ask(pauses)
    pauses.give_up(detector, False)
    assert pauses.answers[0].late is None  # it is still awaited
    go_on(detector, 0.1)
    pauses.give_up(detector, False)
    assert pauses.answers[0].late is False


def test_an_answer_after_the_deadline_is_late():
    pauses, detector = Asked(), paused()
    pauses.push(np.zeros(RATE, np.int16))
    ask(pauses)
    pauses.give_up(detector, False)
    go_on(detector, 0.35, 0.0)
    assert not detector.speaking  # the pause has decided
    pauses.give_up(detector, True)
    assert pauses.answers[0].late is True
    assert not pauses.is_answered()


def test_it_is_late_too_if_the_pause_has_to_be_longer():
    pauses, detector = Asked(), paused()
    detector.options.audio_chunk_duration = 2.0
    pauses.push(np.zeros(RATE, np.int16))
    ask(pauses)
    pauses.give_up(detector, False)
    go_on(detector, 0.35, 0.0)
    assert detector.speaking
    pauses.give_up(detector, False)
    assert pauses.answers[0].late is True


def test_it_is_not_late_if_the_audio_came_all_at_once():
    pauses, detector = Asked(), paused()
    pauses.push(np.zeros(RATE, np.int16))
    ask(pauses)
    go_on(detector, 0.35, 0.0)
    pauses.give_up(detector, True)
    assert pauses.answers[0].late is False


def test_clear_forgets_the_question_and_the_audio():
    pauses, detector = Asked(), paused()
    pauses.push(np.ones(RATE, np.int16))
    ask(pauses)
    pauses.clear(10.0)
    assert pauses.answers[0].late is False and not pauses.is_answered()
    pauses.push(np.zeros(RATE // 2, np.int16))
    ask(pauses, 10.5, 10.0)
    assert pauses.audio[1].size == RATE // 2 and not pauses.audio[1].any()
    ask(pauses, 10.5, 10.0)  # a new pause, before there was an answer
    assert pauses.answers[1].late is False
    pauses.answers[1].done = True
    assert pauses.take(detector) is None
