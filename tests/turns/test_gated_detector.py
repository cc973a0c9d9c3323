"""A turn detector whose onsets over a reply are judged elsewhere."""

from collections.abc import Iterator

from fastrtc.turns.detector import Pause, SpeechStarted, TurnEvent
from fastrtc.turns.gated_detector import GatedTurnDetector
from fastrtc.turns.interruptions import Verdict

WINDOW_S = 0.032


class Gate:
    """Answers as it is told, and keeps what it was asked."""

    active = True

    def __init__(self) -> None:
        self.verdict: Verdict | None = Verdict.IGNORED
        self.asked: list[float] = []

    def judge(self, speech_s: float, duration_s: float) -> Verdict | None:
        assert duration_s == WINDOW_S
        self.asked.append(speech_s)
        return self.verdict


def push(detector: GatedTurnDetector, seconds: float, speech: bool) -> list[TurnEvent]:
    def events() -> Iterator[TurnEvent]:
        for _ in range(round(seconds / WINDOW_S)):
            event = detector.push(0.9 if speech else 0.1, replying=True)
            if event is not None:
                yield event

    return list(events())


def test_each_window_is_judged_at_once() -> None:
    gate = Gate()
    detector = GatedTurnDetector(gate)
    assert detector.time_to_next_decision_s(True) == 0
    push(detector, 0.064, True)
    push(detector, 0.064, False)
    assert gate.asked == [WINDOW_S, WINDOW_S, 0.0, 0.0]


def test_what_is_ignored_begins_no_utterance_however_long() -> None:
    gate = Gate()
    detector = GatedTurnDetector(gate)
    assert push(detector, 5.0, True) == []
    push(detector, 0.1, False)
    gate.verdict, gate.active = None, False
    assert push(detector, 0.15, True) == []  # less than the threshold


def test_an_utterance_begins_with_the_speech_that_was_pending() -> None:
    gate = Gate()
    detector = GatedTurnDetector(gate)
    push(detector, 1.024, False)
    gate.verdict = Verdict.PENDING
    push(detector, 0.32, True)
    push(detector, 0.8, False)
    push(detector, 0.32, True)
    gate.verdict = Verdict.STARTED
    [event] = push(detector, WINDOW_S, True)
    assert event == SpeechStarted(detector.now_s, 1.024)
    assert detector.speaking
    asked = len(gate.asked)
    gate.verdict = Verdict.IGNORED
    [end] = push(detector, 0.6, False)
    assert isinstance(end, Pause)
    assert end.onset_s == 1.024
    assert len(gate.asked) - asked < 5  # only after the end


def test_pending_speech_that_is_over_when_the_reply_ends_is_not_answered() -> None:
    gate = Gate()
    detector = GatedTurnDetector(gate)
    gate.verdict = Verdict.PENDING
    push(detector, 0.4, True)
    push(detector, 0.064, False)
    gate.verdict = None
    assert push(detector, 2.0, False) == []


def test_pending_speech_that_goes_on_when_the_reply_ends_is() -> None:
    gate = Gate()
    detector = GatedTurnDetector(gate)
    gate.verdict = Verdict.PENDING
    push(detector, 0.4, True)
    gate.verdict = None
    [event] = push(detector, 0.1, True)
    assert isinstance(event, SpeechStarted)
    assert event.onset_s == 0
