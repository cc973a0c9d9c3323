"""A session's state machine with the types that OpenAI publishes as the judge of its events."""

import base64
import json
from typing import Any

from openai.types.realtime.realtime_server_event import RealtimeServerEvent
from pydantic import TypeAdapter

from fastrtc.protocols.openai_realtime.actions import Action
from fastrtc.protocols.openai_realtime.machine import RealtimeMachine
from fastrtc.protocols.openai_realtime.response import Ids
from fastrtc.protocols.openai_realtime.session_config import SessionConfig

SERVER_EVENT = TypeAdapter(RealtimeServerEvent)

VAD = {"type": "server_vad", "create_response": True, "interrupt_response": True}


class Session:
    """A session in which events are given, and those of the server are checked and collected."""

    def __init__(self, detection: dict[str, Any] | None = VAD, **options: Any) -> None:
        config = SessionConfig("sess_1", "some-model", detection)
        self.machine = RealtimeMachine(config, Ids("abc"), **options)
        self.events: list[dict[str, Any]] = []
        self.actions: list[Action] = []
        self.machine.begin()
        self.collect()

    def collect(self) -> None:
        events, actions = self.machine.take()
        for number, event in enumerate(events):
            text = json.dumps({"event_id": f"e{number}", **event})
            SERVER_EVENT.validate_python(json.loads(text), strict=False)
            self.events.append(json.loads(text))
        self.actions += actions

    def send(self, type: str, **fields: Any) -> list[dict[str, Any]]:
        """Send an event of the client; return what it causes."""
        return self.receive(json.dumps({"type": type, **fields}))

    def receive(self, text: str | bytes) -> list[dict[str, Any]]:
        count = len(self.events)
        self.machine.receive(text)
        self.collect()
        return self.events[count:]

    def follow(self, *events: Any) -> list[str]:
        """Give events of the conversation; return the types of what they cause."""
        count = len(self.events)
        for event in events:
            self.machine.follow(event)
            self.collect()
        return [event["type"] for event in self.events[count:]]

    def audio(self, ms: float = 20.0) -> list[str]:
        """Let the handler say something."""
        count = len(self.events)
        delta = base64.b64encode(bytes(round(48 * ms))).decode()
        self.machine.output.add_audio(delta, ms)
        self.collect()
        return [event["type"] for event in self.events[count:]]

    def call(self, id: str, name: str, arguments: Any = None) -> list[str]:
        count = len(self.events)
        self.machine.output.call(id, name, arguments)
        self.collect()
        return [event["type"] for event in self.events[count:]]

    def append(self, ms: float) -> None:
        self.send(
            "input_audio_buffer.append", audio=base64.b64encode(bytes(round(48 * ms))).decode()
        )

    def take_actions(self) -> list[Action]:
        actions, self.actions = self.actions, []
        return actions

    def last(self, type: str) -> dict[str, Any]:
        return next(event for event in reversed(self.events) if event["type"] == type)


def error_of(events: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the error of the only event."""
    (event,) = events
    assert event["type"] == "error"
    return event["error"]
