"""When speech over a reply is an interruption."""

from typing import Any

import pytest

from fastrtc.turns.interruptions import Interruptions, InterruptionWatch, Verdict
from fastrtc.turns.transitions import Event, State

WINDOW_S = 0.032


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("after_s", -0.1),
        ("after_s", float("nan")),
        ("after_s", float("inf")),
        ("after_s", "0.5"),
        ("after_s", None),
        ("resume_after_s", 0),
        ("while_thinking_s", -1),
        ("ignore_first_s", float("inf")),
        ("duck_db", 0),
        ("duck_db", -20.0),
        ("duck_db", "20"),
    ],
)
def test_a_bad_value_is_named(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        Interruptions(**{name: value})


def test_the_options_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Interruptions().after_s = 1.0  # type: ignore[misc]


class Watched:
    """Feeds windows, and follows the state as a conversation does."""

    def __init__(self, state: State = State.SPEAKING, by_words: bool = False, **options: Any):
        self.watch = InterruptionWatch(Interruptions(**options), by_words)
        self.state = self.before = state
        self.played_s = 0.0 if state is State.THINKING else 5.0

    def hear(self, seconds: float, speech: bool) -> Verdict | None:
        """Return the last verdict; stop at a verdict that begins an utterance."""
        verdict = None
        for _ in range(round(seconds / WINDOW_S)):
            speech_s = WINDOW_S if speech else 0.0
            verdict, event = self.watch.push(self.state, speech_s, WINDOW_S, self.played_s)
            if event is Event.SPEECH_DETECTED:
                self.state = State.INTERRUPTION_PENDING
            elif event is Event.SPEECH_DISMISSED:
                self.state = self.before
            if verdict is Verdict.STARTED:
                break
        return verdict


@pytest.mark.parametrize("state", [State.LISTENING, State.USER_SPEAKING, State.END_OF_TURN_PENDING])
def test_without_a_reply_the_turn_detection_decides(state: State) -> None:
    assert Watched(state).hear(2.0, True) is None


def test_two_windows_of_speech_are_needed() -> None:
    watched = Watched()
    watched.hear(WINDOW_S, True)
    watched.hear(WINDOW_S, False)
    watched.hear(WINDOW_S, True)
    assert watched.state is State.SPEAKING
    assert watched.hear(WINDOW_S, True) is Verdict.PENDING
    assert watched.state is State.INTERRUPTION_PENDING


@pytest.mark.parametrize(("seconds", "interrupts"), [(0.48, False), (0.512, True)])
def test_enough_speech_is_an_interruption(seconds: float, interrupts: bool) -> None:
    assert (Watched().hear(seconds, True) is Verdict.STARTED) is interrupts


def test_silence_dismisses_it_and_resets_the_count() -> None:
    watched = Watched()
    for _ in range(5):
        assert watched.hear(0.45, True) is Verdict.PENDING
        assert watched.hear(0.96, False) is Verdict.PENDING
        assert watched.hear(0.064, False) is Verdict.IGNORED
        assert watched.state is State.SPEAKING


def test_silence_within_it_does_not_reset_the_count() -> None:
    watched = Watched()
    watched.hear(0.3, True)
    watched.hear(0.8, False)
    assert watched.hear(0.3, True) is Verdict.STARTED


def test_the_threshold_is_that_of_its_beginning() -> None:
    watched = Watched(State.THINKING, after_s=1.0, while_thinking_s=0.3)
    watched.hear(0.1, True)
    watched.played_s = 0.5  # the reply began when it was noticed
    assert watched.hear(0.3, True) is Verdict.STARTED


def test_the_beginning_of_a_reply_may_be_left_alone() -> None:
    watched = Watched(ignore_first_s=1.0)
    watched.played_s = 0.5
    assert watched.hear(1.0, True) is Verdict.IGNORED
    assert watched.state is State.SPEAKING
    watched.played_s = 1.5
    assert watched.hear(0.6, True) is Verdict.STARTED


def test_it_counts_before_the_first_audio() -> None:
    watched = Watched(State.THINKING, ignore_first_s=1.0)
    assert watched.hear(0.4, True) is Verdict.STARTED


def test_by_words_speech_alone_never_interrupts_nor_holds_for_ever() -> None:
    watched = Watched(by_words=True)
    assert watched.hear(4.0, True) is Verdict.PENDING
    assert watched.hear(10.0, True) is Verdict.IGNORED
    assert watched.state is State.SPEAKING
    watched.hear(0.5, False)
    watched.hear(0.5, True)
    assert watched.state is State.SPEAKING  # until there was enough silence
    watched.hear(1.1, False)
    watched.hear(0.1, True)
    assert watched.state is State.INTERRUPTION_PENDING
