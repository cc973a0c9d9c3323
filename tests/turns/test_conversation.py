"""The state machine of a conversation."""

import numpy as np
import pytest

from fastrtc.turns.conversation import Conversation
from fastrtc.turns.interruptions import Interruptions
from fastrtc.turns.transitions import Action, Event, State


def after(*events: Event) -> Conversation:
    conversation = Conversation()
    for event in events:
        conversation.handle(event)
    return conversation


def test_one_turn() -> None:
    conversation = Conversation()
    assert conversation.state is State.LISTENING
    actions = conversation.handle(Event.SPEECH_STARTED)
    assert Action.TELL_SPEECH in actions
    assert conversation.state is State.USER_SPEAKING
    actions = conversation.handle(Event.TURN_ENDED)
    assert actions[-1] is Action.REQUEST_REPLY
    assert conversation.state is State.THINKING
    conversation.observe(talking=False, awaited=True, has_audio=False)
    assert conversation.state is State.THINKING
    conversation.observe(talking=False, awaited=True, has_audio=True)
    assert conversation.state is State.SPEAKING
    conversation.observe(talking=False, awaited=False, has_audio=True)
    assert conversation.state is State.SPEAKING
    conversation.observe(talking=False, awaited=False, has_audio=False)
    assert conversation.state is State.LISTENING


def test_an_event_that_does_not_matter_changes_nothing() -> None:
    conversation = Conversation()
    assert conversation.handle(Event.SPEECH_DISMISSED) == ()
    assert conversation.state is State.LISTENING


def test_a_reply_that_runs_out_of_audio_is_not_called_speaking() -> None:
    conversation = after(Event.TURN_ENDED, Event.AUDIO_QUEUED)
    conversation.observe(talking=False, awaited=True, has_audio=False)
    assert conversation.state is State.THINKING


def test_an_utterance_that_was_dropped_is_not_called_speech() -> None:
    conversation = after(Event.SPEECH_STARTED)
    conversation.observe(talking=True, awaited=True, has_audio=True)
    assert conversation.state is State.USER_SPEAKING
    conversation.observe(talking=False, awaited=False, has_audio=False)
    assert conversation.state is State.LISTENING


@pytest.mark.parametrize("has_audio", [False, True])
def test_speech_that_was_none_returns_to_what_was_before(has_audio: bool) -> None:
    conversation = after(Event.TURN_ENDED)
    conversation.observe(talking=False, awaited=True, has_audio=has_audio)
    before = conversation.state
    assert conversation.handle(Event.SPEECH_DETECTED) == (Action.HOLD_PLAYOUT,)
    conversation.observe(talking=False, awaited=True, has_audio=has_audio)
    assert conversation.handle(Event.SPEECH_DISMISSED) == (Action.RELEASE_PLAYOUT,)
    assert conversation.state is before


def test_audio_that_came_meanwhile_is_played_after_speech_that_was_none() -> None:
    conversation = after(Event.TURN_ENDED, Event.SPEECH_DETECTED)
    conversation.observe(talking=False, awaited=True, has_audio=True)
    conversation.handle(Event.SPEECH_DISMISSED)
    assert conversation.state is State.SPEAKING


def test_a_pause_within_a_turn() -> None:
    conversation = after(Event.SPEECH_STARTED)
    assert conversation.handle(Event.PAUSE_STARTED) == ()
    assert conversation.state is State.END_OF_TURN_PENDING
    conversation.handle(Event.SPEECH_CONTINUED)
    assert conversation.state is State.USER_SPEAKING


def test_the_playout_is_held_exactly_while_an_interruption_is_pending() -> None:
    """Whatever happens, in whatever order."""
    random = np.random.default_rng(0)
    for _ in range(200):
        conversation, held = Conversation(Interruptions(resume_after_s=0.1)), False
        for _ in range(100):
            choice = random.integers(3)
            if choice == 0:
                actions = conversation.handle(random.choice(np.array([*Event])))
            elif choice == 1:
                talking, awaited, has_audio = random.integers(2, size=3) == 1
                actions = conversation.observe(
                    talking=talking, awaited=awaited, has_audio=has_audio
                )
            else:
                speech_s = 0.032 * float(random.integers(2))
                _, actions = conversation.hear(speech_s, 0.032, float(random.integers(2)))
            for action in actions:
                if action is Action.HOLD_PLAYOUT:
                    held = True
                elif action is Action.RELEASE_PLAYOUT:
                    held = False
            assert held is (conversation.state is State.INTERRUPTION_PENDING)
