"""Events of a conversation, and what an RTVI client is told of them."""

import json
from datetime import datetime, timezone
from typing import Any

from fastrtc.core.conversation_events import (
    AudioEnded,
    AudioStarted,
    FunctionCalled,
    FunctionEnded,
    ReplyInterrupted,
    SpeechStarted,
    SpeechStopped,
    TextSaid,
    TurnEnded,
)
from fastrtc.core.turn import Turn
from fastrtc.protocols.rtvi.conversation import ConversationMessages, metrics_of

NOON = datetime(2026, 11, 29, 12, tzinfo=timezone.utc)


def told(*events: Any) -> list[tuple[str, Any]]:
    texts: list[str] = []
    messages = ConversationMessages(texts.append, "user", lambda: NOON)
    for event in events:
        messages.on_event(event)
    return [(one["type"], one["data"]) for one in map(json.loads, texts)]


def test_a_turn_that_is_interrupted() -> None:
    events = told(
        SpeechStarted(1, 0.0, 0.0),
        SpeechStopped(1, 1.0, 1.0),
        TurnEnded(1, 1.2, "pause", 1.0),
        FunctionCalled(1, 1.2, "reply", False, 0.0, 1.0),
        TextSaid(1, 1.3, "hello there", "user", True),
        TextSaid(1, 1.4, "Good morning."),
        TextSaid(1, 1.4, ""),
        AudioStarted(1, 1.5),
        SpeechStarted(2, 2.0, 2.0),
        ReplyInterrupted(1, 2.1, 0.6, "Good", "Good morning."),
        AudioEnded(1, 2.1),
        FunctionEnded(1, 2.2, "superseded", None),
        ReplyInterrupted(2, 2.9, 0.0, audible=False),
    )
    assert [kind for kind, _ in events] == [
        "user-started-speaking",
        "user-stopped-speaking",
        "bot-llm-started",
        "user-transcription",
        "bot-output",
        "bot-transcription",
        "bot-started-speaking",
        "user-started-speaking",
        "bot-interrupted",
        "bot-stopped-speaking",
        "bot-llm-stopped",
    ]
    texts = dict(events)
    assert texts["user-transcription"] == {
        "text": "hello there",
        "final": True,
        "timestamp": "2026-11-29T12:00:00.000+00:00",
        "user_id": "user",
    }
    output = texts["bot-output"]
    assert output["text"] == "Good morning." and output["will_be_spoken"] and output["spoken"]
    assert texts["bot-transcription"] == {"text": "Good morning."}


def test_partial_transcripts() -> None:
    user, bot = (TextSaid(1, 0.0, "hel", who, False) for who in ("user", "assistant"))
    ((kind, data),) = told(user, bot)
    assert kind == "user-transcription" and data["final"] is False


def test_the_times_of_a_turn() -> None:
    times = {
        "speech_ended_s": 1.0,
        "turn_ended_s": 1.5,
        "function_called_s": 1.5,
        "first_audio_s": 2.0,
        "first_sent_s": 2.25,
    }
    metrics = metrics_of(Turn("me", 1, "reply", 0.0, **times))
    assert metrics["ttfb"] == [{"processor": "fastrtc", "value": 1.25}]
    assert metrics["processing"] == [
        {"processor": "end_of_turn", "value": 0.5},
        {"processor": "handler", "value": 0.0},
        {"processor": "first_audio", "value": 0.5},
        {"processor": "playout", "value": 0.25},
    ]
    assert metrics_of(Turn("me", 1, "audio", 0.0)) == {}
    texts: list[str] = []
    messages = ConversationMessages(texts.append, "user")
    messages.on_turn(Turn("me", 1, "audio", 0.0))
    messages.on_turn(Turn("me", 2, "reply", 0.0, **times))
    (told,) = map(json.loads, texts)
    assert (told["type"], told["data"]) == ("metrics", metrics)
