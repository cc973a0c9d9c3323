"""The state machine of a session. No I/O and no clock.

It turns events of the client and of the conversation into events for the client, and into actions.
"""

from __future__ import annotations

from collections.abc import Callable

from ...core.conversation_events import ConversationEvent, SpeechStarted, TurnEnded
from .actions import (
    Action,
    CommitTurn,
    Configure,
    DiscardTurn,
    Hear,
    Interrupt,
    Reply,
    Resolve,
)
from .audio_codec import AudioDecoder
from .client_events import (
    Append,
    CancelResponse,
    ClearInput,
    ClearOutput,
    ClientEvent,
    Commit,
    CreateItem,
    CreateResponse,
    DeleteItem,
    RetrieveItem,
    TruncateItem,
    UpdateSession,
    parse_event,
)
from .errors import EventError, error_body
from .items import MAX_TEXT, Items, output_value, parse_item, text_of
from .output import Output
from .response import Ids, ServerEvent
from .session_config import SessionConfig
from .user_turns import UserTurns

__all__ = ["RealtimeMachine"]

MIN_COMMIT_MS = 100
"""The least audio that can be committed, in milliseconds."""


class RealtimeMachine:
    """Follow a session. After each call, ``take`` returns what is to be sent and done.

    Args:
        config: The configuration of the session.
        ids: Creates ids.
        webrtc: Whether audio goes over the tracks of WebRTC, not in events.
        replies: Whether the handler replies on request; others speak when they want.
        conversational: Whether it is a ``ReplyOnPause``, whose functions are reported.
        detects: Whether the handler can detect turns.

    Attributes:
        config: See above.
        items: The items of the conversation.
        text: What the user has typed for the reply that was last asked for.
        heard: Returns the text that was heard in the first seconds of the last reply, if known.
    """

    def __init__(
        self,
        config: SessionConfig,
        ids: Ids,
        *,
        webrtc: bool = False,
        replies: bool = True,
        conversational: bool = True,
        detects: bool = True,
    ) -> None:
        self.config = config
        self.items = Items()
        self.text = ""
        self.heard: Callable[[float], str | None] = _unknown
        self._events: list[ServerEvent] = []
        self._actions: list[Action] = []
        self._webrtc = webrtc
        self._replies = replies
        self._detects = detects
        self._decoder = AudioDecoder()
        self._typed: list[str] = []
        self.output = Output(
            config,
            ids,
            self.items,
            self._put,
            self._actions,
            webrtc=webrtc,
            conversational=conversational,
        )
        self.user = UserTurns(ids, self.items, self._put)

    def take(self) -> tuple[list[ServerEvent], list[Action]]:
        """Return the events for the client and the actions since the last call."""
        events, actions = list(self._events), list(self._actions)
        self._events.clear()
        self._actions.clear()
        return events, actions

    def _put(self, event: ServerEvent) -> None:
        self._events.append(event)

    # The session

    def begin(self) -> None:
        """Greet the client: the connection is established."""
        self._put({"type": "session.created", "session": self.config.as_dict()})

    def fail(self, message: str, code: str | None = None, type: str = "server_error") -> None:
        """Report an error of the server or of the handler."""
        self._put({"type": "error", "error": error_body(message, code, type=type)})

    def receive(self, text: str | bytes) -> None:
        """Process an event of the client."""
        try:
            event = parse_event(text)
        except EventError as error:
            self._put({"type": "error", "error": error.body})
            return
        try:
            self._process(event)
        except EventError as error:
            error.event_id = event.event_id
            self._put({"type": "error", "error": error.body})

    def _process(self, event: ClientEvent) -> None:
        match event:
            case Append():
                self._append(event)
            case UpdateSession():
                self._update(event)
            case Commit():
                self._commit()
            case ClearInput():
                self.user.clear()
                self._actions.append(DiscardTurn())
                self._put({"type": "input_audio_buffer.cleared"})
            case CreateItem():
                self._create_item(event)
            case RetrieveItem():
                item = self.items.get(event.item_id)
                self._put({"type": "conversation.item.retrieved", "item": dict(item)})
            case DeleteItem():
                self.items.remove(event.item_id)
                self._put({"type": "conversation.item.deleted", "item_id": event.item_id})
            case TruncateItem():
                self._truncate(event)
            case CreateResponse():
                self._create_response(event)
            case CancelResponse():
                self._cancel(event)
            case ClearOutput():
                self._clear_output()

    def _update(self, event: UpdateSession) -> None:
        given = event.session.get("audio")
        wanted = given.get("input") if isinstance(given, dict) else None
        if not self._detects and isinstance(wanted, dict) and wanted.get("turn_detection"):
            raise EventError(
                "The turns of this handler are manual: turn_detection must be null",
                "unsupported",
                "session.audio.input.turn_detection",
            )
        self.config.update(event.session)
        self._actions.append(Configure())
        self._put({"type": "session.updated", "session": self.config.as_dict()})

    # The user

    def _append(self, event: Append) -> None:
        if self._webrtc:
            raise EventError("The audio of a WebRTC call is that of its track", "unsupported")
        pcm, ms = self._decoder.decode(self.config.input_format, event.audio)
        self.user.heard(ms)
        self._actions.append(Hear(pcm))

    def _commit(self) -> None:
        if not self._webrtc and self.user.uncommitted_ms < MIN_COMMIT_MS:
            raise EventError(
                "Error committing input audio buffer: buffer too small. Expected at least "
                f"{MIN_COMMIT_MS}ms of audio, but buffer only has "
                f"{self.user.uncommitted_ms:.2f}ms of audio.",
                "input_audio_buffer_commit_empty",
            )
        self._actions.append(CommitTurn())
        self.user.commit()
        self.output.forget_results()

    def _create_item(self, event: CreateItem) -> None:
        item = parse_item(event.item)
        item["object"] = "realtime.item"
        item.setdefault("id", self.user.next_id())
        typed = text_of(item) if item.get("role") == "user" else ""
        if len(typed) + sum(map(len, self._typed)) > MAX_TEXT:
            raise EventError("Too much text waits for a response", "string_above_max_length")
        before = self.items.add(item, event.previous_item_id)
        for type in ("conversation.item.added", "conversation.item.done"):
            self._put({"type": type, "previous_item_id": before, "item": dict(item)})
        if item["type"] == "function_call_output":
            if self.output.has_result(item["call_id"]):
                self._actions.append(Resolve(item["call_id"], output_value(item["output"])))
        elif item["type"] == "message" and item["role"] == "user":
            self._typed += [typed] if typed else []
            self.output.forget_results()

    def _truncate(self, event: TruncateItem) -> None:
        item = self.items.get(event.item_id)
        played_s = event.audio_end_ms / 1000
        running = self.output.response
        if running is not None and running.item_id == event.item_id and running.open:
            self._actions.append(Interrupt(played_s))
            self.output.cancel("client_cancelled")
        if item.get("role") != "assistant" or not item.get("content"):
            raise EventError("Only messages of the assistant can be truncated", param="item_id")
        self.output.check_length(event.item_id, event.audio_end_ms)
        if event.item_id == self.output.last_item_id:
            heard = self.heard(played_s)
            if heard is not None:
                self.output.shorten(heard)
        self._put(
            {
                "type": "conversation.item.truncated",
                "item_id": event.item_id,
                "content_index": event.content_index,
                "audio_end_ms": event.audio_end_ms,
            }
        )

    # Responses

    def _create_response(self, event: CreateResponse) -> None:
        given = event.response
        for name in ("input", "prompt"):
            if given.get(name):
                raise EventError(
                    f"A response with an {name!r} of its own is not supported",
                    "unsupported",
                    f"response.{name}",
                )
        if given.get("conversation") not in (None, "auto"):
            raise EventError(
                "Responses out of the conversation are not supported",
                "unsupported",
                "response.conversation",
            )
        metadata = given.get("metadata")
        if not isinstance(metadata, dict | None):
            raise EventError("metadata must be an object", param="response.metadata")
        if self.output.continues():
            return
        if not self._replies and not self._typed:
            raise EventError("This handler decides itself when it speaks", "unsupported")
        self._use_typed()
        if self._replies:
            self.output.begin(None, metadata)
        self._actions.append(Reply(self.text))

    def _use_typed(self) -> None:
        self.text = " ".join(self._typed)
        self._typed.clear()

    def _cancel(self, event: CancelResponse) -> None:
        running = self.output.response
        if running is None or event.response_id not in (None, running.id):
            raise EventError(
                "Cancellation failed: no active response found", "response_cancel_not_active"
            )
        self._actions.append(Interrupt())
        self.output.cancel("client_cancelled")

    def _clear_output(self) -> None:
        if not self._webrtc:
            raise EventError(
                "output_audio_buffer.clear is for WebRTC: over a WebSocket, the client has the "
                "audio",
                "unsupported",
            )
        if self.output.response is not None or self.output.playing:
            self._actions.append(Interrupt())
            self.output.cancel("client_cancelled")

    # The conversation

    def follow(self, event: ConversationEvent) -> None:
        """Process an event of the conversation."""
        if isinstance(event, TurnEnded) and self.user.speaks:
            self._use_typed()
        if isinstance(event, SpeechStarted):
            self.output.cancel("turn_detected")
        self.user.follow(event)
        if isinstance(event, TurnEnded):
            self.output.forget_results()
        self.output.follow(event)


def _unknown(played_s: float) -> None:
    """Return that it is not known what was heard."""
