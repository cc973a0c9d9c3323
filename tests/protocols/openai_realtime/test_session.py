"""A session of the OpenAI Realtime API: its events, in their order, with their shapes."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastrtc.core.conversation_events import (
    AudioEnded,
    AudioStarted,
    FunctionCalled,
    FunctionEnded,
    ReplyDiscarded,
    ReplyEnded,
    ReplyInterrupted,
    SpeechDropped,
    SpeechStarted,
    SpeechStopped,
    TextSaid,
    TurnEnded,
)
from fastrtc.protocols.openai_realtime.actions import (
    CommitTurn,
    Configure,
    DiscardTurn,
    Hear,
    Interrupt,
    Reply,
    Resolve,
    WatchPlayout,
)
from fastrtc.protocols.openai_realtime.event_table import CLIENT_EVENTS, SERVER_EVENTS

from .sessions import VAD, Session, error_of

TURN = "input_audio_buffer.speech_started"
USER_TURN = [
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
]
MESSAGE = [
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
]
MESSAGE_DONE = [
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "response.output_item.done",
    "conversation.item.done",
]
CALL = [
    "response.output_item.added",
    "conversation.item.added",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.output_item.done",
    "conversation.item.done",
]


def user_turn(number: int, at_s: float = 10.0) -> list[Any]:
    return [
        SpeechStarted(number, at_s, at_s - 0.2),
        SpeechStopped(number, at_s + 1, at_s + 0.5),
        TurnEnded(number, at_s + 1, "pause", at_s + 0.5),
    ]


def test_a_conversation_has_all_its_events_in_order():
    session = Session()
    assert session.events[0]["type"] == "session.created"
    assert session.events[0]["session"]["audio"]["input"]["turn_detection"] == VAD
    session.append(3000)
    assert session.take_actions() == [Hear(bytes(48 * 3000))]
    assert session.follow(*user_turn(1)) == USER_TURN
    assert session.last("input_audio_buffer.speech_started")["audio_start_ms"] == 2800
    assert session.last("input_audio_buffer.speech_stopped")["audio_end_ms"] == 2500
    assert session.follow(FunctionCalled(1, 11.0, "reply")) == ["response.created"]
    assert session.follow(TextSaid(1, 11.1, "Hello.")) == [
        *MESSAGE,
        "response.output_audio_transcript.delta",
    ]
    assert session.audio() == ["response.output_audio.delta"]
    session.follow(TextSaid(1, 11.2, "How are you?"))
    assert session.last("response.output_audio_transcript.delta")["delta"] == " How are you?"
    assert session.follow(TextSaid(1, 11.3, "Good day", who="user")) == [
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.completed",
    ]
    assert session.follow(TextSaid(1, 11.3, "Not yet", final=False)) == []
    ending = [FunctionEnded(1, 12.0, "completed"), AudioEnded(1, 13.0)]
    assert session.follow(*ending, ReplyEnded(1, 13.0, "completed")) == [
        *MESSAGE_DONE,
        "response.done",
    ]
    assert session.audio(2) == [], "the last milliseconds of a reply"
    done = session.last("response.done")["response"]
    assert (done["status"], done["output"][0]["content"][0]["transcript"]) == (
        "completed",
        "Hello. How are you?",
    )
    users, assistants = list(session.machine.items)
    assert users["content"] == [{"type": "input_audio", "transcript": "Good day"}]
    assert assistants["status"] == "completed"
    assert session.last("conversation.item.done")["item"] == assistants


def test_an_interrupted_response_is_done_before_the_speech_is_reported():
    session = Session()
    session.follow(*user_turn(1), FunctionCalled(1, 11.0, "reply"), TextSaid(1, 11.0, "One two."))
    session.audio(1000)
    assert session.follow(SpeechStarted(2, 14.0, 13.8)) == [
        *MESSAGE_DONE,
        "response.done",
        "input_audio_buffer.speech_started",
    ]
    done = session.last("response.done")["response"]
    assert done["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert done["output"][0]["status"] == "incomplete"
    assert session.audio() == [], "late audio of the same reply"
    heard = ReplyInterrupted(1, 14.0, 0.5, "One", "One two.")
    assert session.follow(heard, AudioEnded(1, 14.0), ReplyEnded(1, 14.0, "interrupted")) == []
    assert list(session.machine.items)[-1]["content"][0]["transcript"] == "One"

    session.machine.heard = lambda played_s: "One t" if played_s == 0.6 else None
    item = done["output"][0]["id"]
    (truncated,) = session.send("conversation.item.truncate", item_id=item, audio_end_ms=600)
    assert (truncated["item_id"], truncated["audio_end_ms"]) == (item, 600)
    assert session.machine.items.get(item)["content"][0]["transcript"] == "One t"
    error = error_of(session.send("conversation.item.truncate", item_id=item, audio_end_ms=1100))
    assert "shorter than 1100ms" in error["message"]
    session.follow(*user_turn(2)[1:], FunctionCalled(2, 15.0, "reply"))
    assert session.audio()[-1] == "response.output_audio.delta"


def test_over_webrtc_audio_is_reported_and_truncated_by_the_server():
    session = Session(webrtc=True)
    session.machine.user.began_at_s = 5.0
    assert error_of(session.send("input_audio_buffer.append", audio=""))["code"] == "unsupported"
    session.follow(*user_turn(1))
    assert session.last("input_audio_buffer.speech_started")["audio_start_ms"] == 4800
    assert session.follow(FunctionCalled(1, 11.0, "reply"), AudioStarted(1, 11.2)) == [
        "response.created",
        *MESSAGE,
        "output_audio_buffer.started",
    ]
    interrupted = ReplyInterrupted(1, 14.0, 2.5, "", "")
    assert session.follow(SpeechStarted(2, 14.0, 13.8), interrupted)[-3:] == [
        "input_audio_buffer.speech_started",
        "output_audio_buffer.cleared",
        "conversation.item.truncated",
    ]
    assert session.last("conversation.item.truncated")["audio_end_ms"] == 2500
    session.follow(*user_turn(2)[1:], FunctionCalled(2, 15.0, "reply"), AudioStarted(2, 15.2))
    ended = session.follow(AudioEnded(2, 17.0), ReplyEnded(2, 17.0, "completed"))
    assert (ended[0], ended[-1]) == ("output_audio_buffer.stopped", "response.done")
    session.take_actions()
    session.follow(*user_turn(3), FunctionCalled(3, 20.0, "reply"), AudioStarted(3, 20.2))
    assert session.send("output_audio_buffer.clear")[-1]["type"] == "response.done"
    assert session.take_actions() == [Interrupt()]
    assert session.send("output_audio_buffer.clear") == [] or session.take_actions()


def test_a_function_of_the_client_ends_a_response_and_its_result_continues_the_reply():
    session = Session()
    session.follow(*user_turn(1), FunctionCalled(1, 11.0, "reply"))
    session.take_actions()
    assert session.call("server-1", "weather", {"city": "Oslo"}) == CALL
    assert session.take_actions() == [WatchPlayout()]
    done = session.last("response.function_call_arguments.done")
    assert json.loads(done["arguments"]) == {"city": "Oslo"}
    session.machine.output.played_out()
    session.collect()
    assert session.last("response.done")["response"]["output"][0]["name"] == "weather"
    output = {"type": "function_call_output", "call_id": "server-1", "output": '{"degrees": 5}'}
    session.send("conversation.item.create", item=output)
    assert session.take_actions() == [Resolve("server-1", {"degrees": 5})]
    (created,) = session.send("response.create")
    assert created["type"] == "response.created"
    assert session.take_actions() == [], "the reply goes on by itself"
    assert session.audio() == [*MESSAGE, "response.output_audio.delta"]
    session.follow(AudioEnded(1, 13.0), ReplyEnded(1, 13.0, "completed"))
    assert session.last("response.done")["response"]["status"] == "completed"
    created, *_ = session.send("response.create")
    assert created["type"] == "response.created"
    assert session.take_actions() == [Reply("")]


def test_a_request_after_a_result_is_answered_though_the_reply_has_ended():
    session = Session()
    session.follow(*user_turn(1), FunctionCalled(1, 11.0, "reply"))
    session.audio()
    session.call("server-1", "weather")
    session.machine.output.played_out()
    session.collect()
    output = {"type": "function_call_output", "call_id": "server-1", "output": "cold"}
    session.send("conversation.item.create", item=output)
    assert session.audio()[0] == "response.created", "before the request"
    session.follow(ReplyEnded(1, 13.0, "completed"))
    types = [event["type"] for event in session.send("response.create")]
    assert types == ["response.created", "response.done"]
    session.take_actions()
    session.follow(*user_turn(2), FunctionCalled(2, 14.0, "reply"))
    session.call("server-2", "weather")
    session.follow(SpeechStarted(3, 15.0, 14.8))
    session.take_actions()
    late = {"type": "function_call_output", "call_id": "server-2", "output": "late"}
    session.send("conversation.item.create", item=late)
    types = [event["type"] for event in session.send("response.create")]
    assert types == ["response.created", "response.done"], "no reply to the speech so far"
    assert session.take_actions() == []
    unknown = {"type": "function_call_output", "call_id": "other", "output": "x"}
    assert len(session.send("conversation.item.create", item=unknown)) == 2
    assert session.take_actions() == []


@pytest.mark.parametrize("order", ["rrc", "rcrc"])
def test_a_request_may_be_for_several_results(order: str):
    session = Session()
    session.follow(*user_turn(1), FunctionCalled(1, 11.0, "reply"))
    for id in ("server-1", "server-2"):
        session.call(id, "weather")
    session.machine.output.played_out()
    session.collect()
    session.take_actions()
    ids = iter(["server-1", "server-2"])
    for one in order[:-1]:  # the last request waits until the response is done, as in agents-js
        if one == "c":
            assert session.send("response.create")[0]["type"] == "response.created"
        else:
            output = {"type": "function_call_output", "call_id": next(ids), "output": "5"}
            session.send("conversation.item.create", item=output)
    assert session.take_actions() == [Resolve("server-1", 5), Resolve("server-2", 5)]
    session.audio()
    session.follow(AudioEnded(1, 13.0), ReplyEnded(1, 13.0, "completed"))
    types = [event["type"] for event in session.send("response.create")]
    assert types == ["response.created", "response.done"]
    assert session.take_actions() == [], "the reply went on by itself"
    assert session.send("response.create")[0]["type"] == "response.created"
    assert session.take_actions() == [Reply("")], "without new input"


def test_typed_text_is_replied_to_and_text_is_an_output():
    session = Session()
    session.send("session.update", session={"output_modalities": ["text"], "type": "realtime"})
    assert session.take_actions() == [Configure()]
    content = [{"type": "input_text", "text": "Hello"}]
    item = {"type": "message", "role": "user", "content": content, "id": "mine"}
    added, done = session.send("conversation.item.create", item=item)
    assert (added["previous_item_id"], added["item"]["id"], done["item"]) == (
        None,
        "mine",
        added["item"],
    )
    (created,) = session.send("response.create", response={"metadata": {"a": "b"}})
    assert created["response"]["metadata"] == {"a": "b"}
    assert session.take_actions() == [Reply("Hello")]
    assert session.machine.text == "Hello"
    assert error_of(session.send("response.create", event_id="x1"))["event_id"] == "x1"
    events = [TurnEnded(1, 2.0, "program", None), FunctionCalled(1, 2.0, "reply")]
    assert session.follow(*events, TextSaid(1, 2.1, "Hi!")) == [
        *MESSAGE,
        "response.output_text.delta",
    ]
    assert session.audio() == []
    assert session.follow(ReplyEnded(1, 2.2, "completed"))[0] == "response.output_text.done"
    output = session.last("response.done")["response"]["output"]
    assert output[0]["content"] == [{"type": "output_text", "text": "Hi!"}]
    (found,) = session.send("conversation.item.retrieve", item_id="mine")
    assert found["item"]["content"] == content
    assert session.send("conversation.item.delete", item_id="mine")[0]["item_id"] == "mine"
    missing = session.send("conversation.item.retrieve", item_id="mine")
    assert error_of(missing)["code"] == "item_not_found"


def test_without_turn_detection_the_client_commits():
    session = Session()
    update = {"audio": {"input": {"turn_detection": None}}}
    (updated,) = session.send("session.update", session=update)
    assert updated["session"]["audio"]["input"]["turn_detection"] is None
    session.append(40)
    error = error_of(session.send("input_audio_buffer.commit"))
    assert (error["code"], "40.00ms" in error["message"]) == (
        "input_audio_buffer_commit_empty",
        True,
    )
    session.append(60)
    session.take_actions()
    types = [event["type"] for event in session.send("input_audio_buffer.commit")]
    assert types == USER_TURN[2:]
    session.append(500)
    assert session.send("input_audio_buffer.clear")[0]["type"] == "input_audio_buffer.cleared"
    session.send("response.create")
    assert [type(action) for action in session.take_actions()] == [
        CommitTurn,
        Hear,
        DiscardTurn,
        Reply,
    ]
    error_of(session.send("input_audio_buffer.commit"))


def test_the_client_cancels_and_the_handler_fails():
    session = Session()
    assert error_of(session.send("response.cancel"))["code"] == "response_cancel_not_active"
    session.follow(*user_turn(1), FunctionCalled(1, 11.0, "reply"))
    session.audio(500)
    item = session.last("response.output_item.added")["item"]["id"]
    assert error_of(session.send("response.cancel", response_id="other"))
    session.take_actions()
    events = session.send("conversation.item.truncate", item_id=item, audio_end_ms=300)
    assert [events[-2]["type"], events[-1]["type"]] == [
        "response.done",
        "conversation.item.truncated",
    ]
    assert session.take_actions() == [Interrupt(0.3)]
    session.follow(*user_turn(2), FunctionCalled(2, 12.0, "reply"))
    assert session.send("response.cancel")[-1]["response"]["status_details"]["reason"] == (
        "client_cancelled"
    )
    session.follow(ReplyInterrupted(2, 12.1, 0.0), ReplyEnded(2, 12.1, "interrupted"))
    session.follow(*user_turn(3), FunctionCalled(3, 13.0, "reply"))
    session.follow(
        FunctionEnded(3, 13.1, "failed", "ValueError: no"), ReplyEnded(3, 13.1, "failed")
    )
    details = session.last("response.done")["response"]["status_details"]
    assert details["error"]["message"] == "ValueError: no"
    session.follow(*user_turn(4), FunctionCalled(4, 14.0, "reply"))
    session.follow(ReplyInterrupted(4, 14.0, 0.0), ReplyEnded(4, 14.1, "interrupted"))
    assert session.last("response.done")["response"]["status"] == "cancelled"


def test_an_early_reply_is_a_response_once_the_turn_has_ended():
    session = Session()
    session.follow(SpeechStarted(1, 10.0, 9.8))
    assert (
        session.follow(FunctionCalled(1, 10.5, "reply", early=True), ReplyDiscarded(1, 10.6)) == []
    )
    early = FunctionCalled(1, 10.9, "reply", early=True)
    types = session.follow(early, SpeechStopped(1, 11.0, 10.8), TurnEnded(1, 11.0, "pause", 10.8))
    assert types == [*USER_TURN[1:], "response.created"]
    dropped = [SpeechStarted(2, 12.0, 11.8), SpeechStopped(2, 12.1, 12.0), SpeechDropped(2, 12.1)]
    session.follow(ReplyEnded(1, 11.5, "completed"), *dropped)
    assert session.follow(TurnEnded(3, 13.0, "program", None)) == []


def test_a_handler_that_speaks_when_it_wants_has_responses():
    session = Session(replies=False, conversational=False)
    assert session.audio() == ["response.created", *MESSAGE, "response.output_audio.delta"]
    session.follow(AudioStarted(1, 1.0))
    assert error_of(session.send("response.create"))
    ended = session.follow(AudioEnded(1, 2.0), ReplyEnded(1, 2.0, "completed"))
    assert ended[-1] == "response.done"
    session.audio()
    session.send("response.cancel")
    assert session.audio() == []
    assert session.follow(AudioStarted(2, 3.0)) == ["response.created"]
    session.follow(ReplyEnded(2, 3.0, "completed"))
    assert error_of(session.send("response.create"))["code"] == "unsupported"
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a"}]}
    session.send("conversation.item.create", item=item)
    session.take_actions()
    assert session.send("response.create") == []
    assert session.take_actions() == [Reply("a")]


@pytest.mark.parametrize(
    ("event", "code", "param"),
    [
        ("{", "invalid_json", None),
        (b"\xff\x00", "invalid_json", None),
        ("[" * 100_000, "invalid_json", None),
        ("[]", "invalid_json", None),
        ({}, "missing_required_parameter", "type"),
        ({"type": "nothing"}, "invalid_value", "type"),
        ({"type": ["x"]}, "invalid_value", "type"),
        ({"type": "input_audio_buffer.append"}, "missing_required_parameter", "audio"),
        ({"type": "input_audio_buffer.append", "audio": "?"}, "invalid_value", "audio"),
        ({"type": "input_audio_buffer.append", "audio": "AA=="}, "invalid_value", "audio"),
        ({"type": "session.update", "session": 5}, "invalid_value", "session"),
        (
            {"type": "session.update", "session": {"type": "transcription"}},
            "invalid_value",
            "session.type",
        ),
        (
            {"type": "session.update", "session": {"output_modalities": ["audio", "text"]}},
            "invalid_value",
            "session.output_modalities",
        ),
        (
            {"type": "session.update", "session": {"tools": [{"type": "mcp"}]}},
            "unsupported",
            "session.tools",
        ),
        (
            {
                "type": "session.update",
                "session": {"audio": {"input": {"turn_detection": {"type": "magic"}}}},
            },
            "invalid_value",
            "session.audio.input.turn_detection",
        ),
        (
            {
                "type": "session.update",
                "session": {
                    "audio": {
                        "input": {
                            "turn_detection": {"type": "server_vad", "create_response": False}
                        }
                    }
                },
            },
            "invalid_value",
            "session.audio.input.turn_detection.server_vad.create_response",
        ),
        ({"type": "conversation.item.create", "item": {}}, "invalid_value", "item.type"),
        (
            {"type": "conversation.item.create", "item": {"type": "message", "role": "user"}},
            "missing_required_parameter",
            "item.content",
        ),
        (
            {
                "type": "conversation.item.create",
                "item": {
                    "type": "message",
                    "role": "user",
                    "content": [{"type": "input_image", "image_url": "data:"}],
                },
            },
            "unsupported_content",
            "item.content",
        ),
        (
            {
                "type": "conversation.item.create",
                "item": {
                    "type": "message",
                    "role": "user",
                    "content": [{"type": "input_text"}],
                },
            },
            "missing_required_parameter",
            "item.content.text",
        ),
        (
            {
                "type": "conversation.item.create",
                "previous_item_id": "nothing",
                "item": {"type": "function_call_output", "call_id": "a", "output": ""},
            },
            "item_not_found",
            "previous_item_id",
        ),
        ({"type": "conversation.item.delete", "item_id": "x"}, "item_not_found", "item_id"),
        ({"type": "conversation.item.delete", "item_id": ""}, "invalid_value", "item_id"),
        (
            {"type": "conversation.item.truncate", "item_id": "x", "audio_end_ms": -1},
            "invalid_value",
            "audio_end_ms",
        ),
        (
            {"type": "response.create", "response": {"input": [1]}},
            "unsupported",
            "response.input",
        ),
        (
            {"type": "response.create", "response": {"conversation": "none"}},
            "unsupported",
            "response.conversation",
        ),
        (
            {"type": "response.create", "response": {"metadata": 5}},
            "invalid_value",
            "response.metadata",
        ),
    ],
)
def test_a_wrong_event_gets_an_error_and_the_session_lives(event: Any, code: str, param: Any):
    session = Session()
    before = session.machine.config.as_dict()
    text = event if isinstance(event, str | bytes) else json.dumps({"event_id": "mine", **event})
    error = error_of(session.receive(text))
    assert (error["code"], error["param"]) == (code, param)
    assert error["event_id"] == ("mine" if isinstance(event, dict) else None)
    assert session.machine.config.as_dict() == before
    assert session.take_actions() == []
    assert session.send("session.update", session={})[0]["type"] == "session.updated"


def test_what_a_client_can_store_is_bounded():
    session = Session()
    text = {"type": "input_text", "text": "x" * 60_000}
    item = {"type": "message", "role": "user", "content": [text]}
    assert len(session.send("conversation.item.create", item=item)) == 2
    error = error_of(session.send("conversation.item.create", item=item))
    assert error["code"] == "string_above_max_length"
    error = error_of(session.send("conversation.item.create", item={**item, "content": [text] * 2}))
    assert error["code"] == "string_above_max_length"
    for _ in range(50):
        session.send("conversation.item.create", item={**item, "role": "system"})
    assert 10 < len(session.machine.items) <= 20
    for _ in range(1100):
        session.machine.user.commit()
    assert len(session.machine.items) == 1000


def test_a_session_does_not_grow_with_its_updates():
    session = Session()
    for number in range(4):
        part = {"audio": {"input": {f"x{number}": "x" * 60_000}}}
        assert session.send("session.update", session=part)[0]["type"] == "session.updated"
    before = session.machine.config.as_dict()
    for part in ({"z": "x" * 60_000}, {"audio": {"output": {"y": ["x"] * 20_000}}}):
        error = error_of(session.send("session.update", session=part))
        assert (error["code"], error["param"]) == ("string_above_max_length", "session")
    assert session.machine.config.as_dict() == before
    smaller = session.send("session.update", session={"audio": {"input": {"x0": None}}})
    assert smaller[0]["type"] == "session.updated"


def test_turns_of_a_handler_that_cannot_detect_them_stay_manual():
    session = Session(None, detects=False)
    detection = {"audio": {"input": {"turn_detection": {"type": "server_vad"}}}}
    assert error_of(session.send("session.update", session=detection))["code"] == "unsupported"
    assert session.send("session.update", session={"instructions": "Be kind."})
    assert session.machine.config.instructions == "Be kind."


EXAMPLES: dict[str, dict[str, Any]] = {
    "session.update": {"session": {}},
    "input_audio_buffer.append": {"audio": ""},
    "conversation.item.create": {
        "item": {"type": "message", "role": "system", "content": []},
    },
    "conversation.item.retrieve": {"item_id": "known"},
    "conversation.item.delete": {"item_id": "known"},
    "conversation.item.truncate": {"item_id": "said", "audio_end_ms": 0},
}


@pytest.mark.parametrize("webrtc", [False, True])
@pytest.mark.parametrize("type", CLIENT_EVENTS)
def test_each_event_of_the_client_does_what_the_table_says(type: str, webrtc: bool):
    session = Session(webrtc=webrtc)
    item = {"type": "message", "role": "user", "content": [], "id": "known"}
    said = {"type": "output_text", "text": "a"}
    reply = {"type": "message", "role": "assistant", "content": [said], "id": "said"}
    session.send("conversation.item.create", item=item)
    session.send("conversation.item.create", item=reply)
    if type != "input_audio_buffer.append" and not webrtc:
        session.append(100)
    if type == "response.cancel":
        session.send("response.create")
    events = session.send(type, **EXAMPLES.get(type, {}))
    row = CLIENT_EVENTS[type]
    if (row.webrtc if webrtc else row.websocket) == "refused":
        assert error_of(events)["code"] == row.code
    else:
        assert not any(event["type"] == "error" for event in events)


def test_the_table_has_all_published_events():
    from typing import get_args

    from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent

    def types(union: Any) -> set[str]:
        kinds = get_args(get_args(union)[0])
        return {get_args(kind.model_fields["type"].annotation)[0] for kind in kinds}

    assert set(CLIENT_EVENTS) == types(RealtimeClientEvent)
    assert set(SERVER_EVENTS) == types(RealtimeServerEvent)


def test_each_event_of_the_server_that_the_table_has_is_sent(monkeypatch: pytest.MonkeyPatch):
    seen: set[str] = set()
    collect = Session.collect

    def noted(self: Session) -> None:
        count = len(self.events)
        collect(self)
        seen.update(event["type"] for event in self.events[count:])

    monkeypatch.setattr(Session, "collect", noted)
    test_a_conversation_has_all_its_events_in_order()
    test_an_interrupted_response_is_done_before_the_speech_is_reported()
    test_over_webrtc_audio_is_reported_and_truncated_by_the_server()
    test_a_function_of_the_client_ends_a_response_and_its_result_continues_the_reply()
    test_typed_text_is_replied_to_and_text_is_an_output()
    test_without_turn_detection_the_client_commits()
    assert seen == {type for type, is_sent in SERVER_EVENTS.items() if is_sent}


HAPPENS = st.one_of(
    st.sampled_from(
        [
            ("send", type, EXAMPLES.get(type, {}))
            for type in CLIENT_EVENTS
            if type != "session.update"
        ]
    ),
    st.builds(
        lambda kind, turn: ("follow", kind, turn),
        st.sampled_from(
            [
                lambda n: SpeechStarted(n, 1.0, 0.9),
                lambda n: SpeechStopped(n, 1.0, 0.9),
                lambda n: SpeechDropped(n, 1.0),
                lambda n: TurnEnded(n, 1.0, "pause", 0.9),
                lambda n: FunctionCalled(n, 1.0, "reply"),
                lambda n: FunctionCalled(n, 1.0, "reply", early=True),
                lambda n: ReplyDiscarded(n, 1.0),
                lambda n: TextSaid(n, 1.0, "text"),
                lambda n: AudioStarted(n, 1.0),
                lambda n: AudioEnded(n, 1.0),
                lambda n: ReplyInterrupted(n, 1.0, 0.5, "te"),
                lambda n: ReplyEnded(n, 1.0, "completed"),
                lambda n: ReplyEnded(n, 1.0, "failed"),
            ]
        ),
        st.integers(1, 4),
    ),
    st.just(("audio", None, None)),
    st.just(("call", None, None)),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(HAPPENS, max_size=40), st.booleans())
def test_whatever_happens_responses_do_not_overlap(happens: list[Any], webrtc: bool):
    session = Session(webrtc=webrtc)
    for number, (what, which, more) in enumerate(happens):
        match what:
            case "send":
                session.send(which, **more)
            case "follow":
                session.follow(which(more))
            case "audio":
                session.audio()
            case "call":
                session.call(f"server-{number}", "f")
    open_response, open_items = None, set()
    for event in session.events:
        type = event["type"]
        if type == "response.created":
            assert open_response is None
            open_response = event["response"]["id"]
        elif type == "response.done":
            assert event["response"]["id"] == open_response
            assert not open_items
            open_response = None
        elif type == "response.output_item.added":
            open_items.add(event["item"]["id"])
        elif type == "response.output_item.done":
            open_items.remove(event["item"]["id"])
        if type.startswith("response.") and "response_id" in event:
            assert event["response_id"] == open_response
