"""A session of the protocol on a connection: performs what its state machine decides."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ...core.conversation_events import (
    AudioEnded,
    ConversationEvent,
    ReplyEnded,
    TurnListener,
)
from ...core.messages import parse_message
from ...handlers.base import StreamHandlerBase
from ...handlers.inputs import WebRTCData
from ...handlers.link import submit
from ...session.media import Media
from ...session.session import Session
from ...turns.client_turns import ClientTurns, client_turns_of
from .actions import (
    Action,
    CommitTurn,
    Configure,
    DiscardTurn,
    Hear,
    Interrupt,
    Reply,
    Resolve,
    WatchPlayout,
)
from .audio_codec import RATE, AudioEncoder
from .client_secrets import SESSION_KEY
from .errors import INVALID, EventError
from .machine import RealtimeMachine
from .realtime_session import STATE_KEY, RealtimeSession
from .response import Ids
from .session_config import SessionConfig
from .turn_detection import configure, current_detection

__all__ = ["RealtimeConnection"]

MIN_WATCH_S = 0.02
"""The shortest time between two looks at the playout, in seconds."""

OURS = frozenset(
    {
        "call",
        "conversation",
        "end_stream",
        "error",
        "fetch_output",
        "heard",
        "interrupted",
        "log",
        "recording",
        "report_heard",
        "result",
        "send_input",
        "stopword",
        "time_limit",
        "transcript",
        "turn",
        "update_connection",
        "warning",
    }
)
"""Messages of this package for its own clients. Those of the program are passed on."""

_END_CODES = {"time_limit": "session_expired", "idle": "session_idle", "server": "server_closed"}


class RealtimeConnection(TurnListener):
    """Serve one session; on its event loop.

    Args:
        session: The session.
        media: Its media.
        model: The model that the client has named.
        put: Sends a text to the client.
        webrtc: Whether the audio goes over the tracks of WebRTC.
        unplayed_s: Returns the audio that was not played, in seconds.
    """

    def __init__(
        self,
        session: Session,
        media: Media,
        model: str,
        put: Callable[[str], None],
        *,
        webrtc: bool,
        unplayed_s: Callable[[], float],
    ) -> None:
        self._session = session
        self._media = media
        self._put = put
        self._unplayed_s = unplayed_s
        self._watching = False
        self._late: list[ConversationEvent] = []
        self._encoder = AudioEncoder()
        handler = session.handler
        self._turns: ClientTurns | None = client_turns_of(handler)
        detects = self._turns is None or self._turns.detects
        config = SessionConfig(session.id, model, current_detection(self._turns, handler))
        self._ids = Ids("".join(filter(str.isalnum, session.id))[-8:])
        self.machine = RealtimeMachine(
            config,
            self._ids,
            webrtc=webrtc,
            replies=hasattr(handler, "trigger_response"),
            conversational=self._turns is not None,
            detects=detects,
        )
        if self._turns is not None:
            self.machine.heard = self._turns.heard
        session.user_context.state[STATE_KEY] = RealtimeSession(self.machine)
        session.turns.listen(self)

    def open(self, began_at_s: float | None = None) -> None:
        """Greet the client.

        Args:
            began_at_s: When its audio began, on the clock of the conversation events; None if it
                comes in events.
        """
        self.machine.user.began_at_s = began_at_s
        self.machine.begin()
        self._flush()

    def prepare(self, session: Any) -> None:
        """Use the configuration that came with the request or its key, before ``open``."""
        for given in (self._session.user_context.metadata.get(SESSION_KEY), session):
            if isinstance(given, dict):
                try:
                    self.machine.config.update(given)
                except EventError as error:  # checked before, except what the handler permits
                    self.machine.fail(str(error), error.code)
        self._perform(Configure())

    # From the client

    def receive(self, message: str | bytes) -> list[bytes]:
        """Process an event of the client; return its audio, if any: PCM at 24 kHz."""
        self.machine.receive(message)
        heard = self._flush()
        if not heard:  # audio that is loud enough is activity, too
            self._session.timers.client_active()
        return heard

    def refuse(self, reason: str) -> None:
        """Refuse an event of the client that was not parsed."""
        self.machine.fail(reason, "message_too_big", INVALID)
        self._flush()

    # From the session

    def on_event(self, event: ConversationEvent) -> None:
        """Process an event of the conversation.

        The end of audio is reported as its last frame is about to be sent, in the same step of the
        event loop.
        """
        if not self._late and not isinstance(event, AudioEnded | ReplyEnded):
            self.machine.follow(event)
            self._flush()
            return
        if not self._late:
            self._session.loop.call_soon(self._follow_late)
        self._late.append(event)

    def _follow_late(self) -> None:
        events, self._late = self._late, []
        for event in events:
            self.machine.follow(event)
        self._flush()

    def translate(self, text: str) -> None:
        """Process a message of the session, or of the program, for the client."""
        try:
            message = parse_message(text)
        except ValueError:
            return  # the clients of this protocol expect JSON
        type, data = message.get("type"), message.get("data")
        if type == "call":
            self.machine.output.call(message["id"], message["name"], data)
        elif type == "error":
            self.machine.fail(str(data), "handler_error")
        elif type == "end_stream":
            code = _END_CODES.get(message.get("code", ""), "session_ended")
            self.machine.fail(str(data), code)
        elif type == "send_input":
            self._set_input(self.machine.text)
        elif isinstance(type, str) and type not in OURS:
            self._put(text)
        self._flush()

    def audio(self, pcm: bytes) -> str | None:
        """Return the event for audio of the handler; None to send nothing."""
        output = self.machine.output
        if self.machine.config.output_modality == "text":
            return None
        delta = self._encoder.encode(self.machine.config.output_format, pcm)
        output.add_audio(delta, len(pcm) / (2 * RATE / 1000))
        events, _ = self.machine.take()
        if not events:
            return None
        *before, last = events
        for event in before:
            self._send(event)
        return self._encoded(last)

    # To the client

    def _encoded(self, event: dict[str, Any]) -> str:
        return json.dumps({"event_id": self._ids.next("event"), **event})

    def _send(self, event: dict[str, Any]) -> None:
        self._put(self._encoded(event))

    def _flush(self) -> list[bytes]:
        """Send and do what the machine wants; return the audio of the client."""
        heard: list[bytes] = []
        while True:
            events, actions = self.machine.take()
            for event in events:
                self._send(event)
            for action in actions:
                if isinstance(action, Hear):
                    heard.append(action.pcm)
                else:
                    self._perform(action)
            if not actions:
                return heard

    def _perform(self, action: Action) -> None:
        match action:
            case Reply():
                self._reply(action.text)
            case Interrupt():
                self._interrupt(action.played_s)
            case CommitTurn() if self._turns is not None:
                self._turns.commit()
            case DiscardTurn() if self._turns is not None:
                self._turns.discard()
            case Configure():
                configure(self.machine.config.turn_detection, self._turns, self._session.handler)
            case Resolve():
                result = {"type": "result", "id": action.call_id, "data": action.value}
                self._session.messages.receive(result)
            case WatchPlayout():
                self._watch()

    def _interrupt(self, played_s: float | None) -> None:
        if self._turns is not None:
            self._turns.interrupt(played_s)
        else:
            self._media.interrupt()

    def _reply(self, text: str) -> None:
        handler = self._session.handler
        if self._turns is not None:
            if text:
                self._set_input(text)
            self._turns.after_audio(lambda: submit(handler))
        elif hasattr(handler, "trigger_response"):
            self._set_input(text)
            submit(handler)
        elif not self._session.messages.receive({"type": "input_text", "data": text}):
            self.machine.fail("This handler takes no text", "unsupported", INVALID)

    def _set_input(self, text: str) -> None:
        handler = self._session.handler
        if isinstance(handler, StreamHandlerBase):
            value = WebRTCData(webrtc_id=self._session.id, textbox=text)
            self._media.set_page_args(value, [])

    def _watch(self) -> None:
        """Notify the state machine when all audio was played."""
        if self._watching:
            return
        left_s = self._unplayed_s()
        if left_s <= 0:
            self.machine.output.played_out()
            return
        self._watching = True
        self._session.loop.call_later(max(left_s, MIN_WATCH_S), self._look)

    def _look(self) -> None:
        self._watching = False
        if not self._session.ended:
            self._watch()
            self._flush()
