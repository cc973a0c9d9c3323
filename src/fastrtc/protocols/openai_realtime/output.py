"""The output of the handler, as responses. No I/O and no clock."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any, Literal

from ...core.conversation_events import (
    AudioEnded,
    AudioStarted,
    ConversationEvent,
    FunctionCalled,
    FunctionEnded,
    ReplyDiscarded,
    ReplyEnded,
    ReplyInterrupted,
    TextSaid,
    TurnEnded,
)
from .actions import Action, WatchPlayout
from .errors import EventError
from .items import Items
from .response import Ids, Response, ServerEvent
from .session_config import SessionConfig

__all__ = ["Output"]

MAX_LENGTHS = 1000
"""Messages whose length is remembered, to check a truncation."""

MAX_ABANDONED = 256
"""Functions whose results are not awaited any more, and that are remembered."""

TOLERANCE_MS = 50
"""By how much a client may have heard more than was sent: it counts whole milliseconds."""


class Output:
    """Report what the handler says, and the functions of the client that it calls.

    Args:
        config: The configuration of the session.
        ids: Creates ids.
        items: The items of the conversation.
        put: Sends an event.
        actions: Where to add actions.
        webrtc: Whether the audio goes over a track.
        conversational: Whether the functions that make the audio are reported.

    Attributes:
        response: The response in progress.
        last_item_id: The id of the last message.
        playing: Whether audio is played.
    """

    def __init__(
        self,
        config: SessionConfig,
        ids: Ids,
        items: Items,
        put: Callable[[ServerEvent], None],
        actions: list[Action],
        *,
        webrtc: bool,
        conversational: bool,
    ) -> None:
        self.response: Response | None = None
        self.last_item_id: str | None = None
        self.playing = False
        self._config = config
        self._ids = ids
        self._items = items
        self._put = put
        self._actions = actions
        self._webrtc = webrtc
        self._conversational = conversational
        self._turn: int | None = None  # of the response, once it is known
        self._running: int | None = None  # the turn whose function has not ended
        self._drops = False  # what comes late of a turn that was cancelled
        self._cut: int | None = None  # that turn, if it is known
        self._early: FunctionCalled | None = None
        self._error: str | None = None
        self._calls: set[str] = set()
        self._abandoned: deque[str] = deque(maxlen=MAX_ABANDONED)
        self._owed = False  # whether a request will follow, for the results of functions
        self._lengths: OrderedDict[str, float] = OrderedDict()

    # Requests

    def begin(self, turn: int | None, metadata: Any = None) -> Response:
        """Begin a response; complete another one first."""
        self.finish("completed")
        self._turn = turn
        self._error = None
        self.response = Response(
            self._ids,
            self._items,
            self._put,
            modality=self._config.output_modality,
            output=self._config.output,
            metadata=metadata,
        )
        return self.response

    def continues(self) -> bool:
        """Process a ``response.create`` that needs no new reply; return whether it is one.

        After the result of a function, the reply that has called it goes on by itself. A request
        may be for several results: clients make one for all those that came during a response, or
        one each, of which later ones wait until the response to the first is done.

        Raises:
            EventError: If a response is in progress.
        """
        if self._owed:
            self._owed = False
            if self.response is None:
                self.begin(self._running)
                if self._running is None:  # the reply has ended meanwhile
                    self.finish("completed")
            return True
        if self.response is not None:
            raise EventError(
                f"Conversation already has an active response in progress: {self.response.id}. "
                "Wait until the response is finished before creating a new one.",
                "conversation_already_has_active_response",
            )
        return False

    def has_result(self, call_id: str) -> bool:
        """Record the result of a function; return whether one is awaited.

        Clients ask for a response to it, also if the reply was interrupted meanwhile.
        """
        is_awaited = call_id in self._calls
        if is_awaited or call_id in self._abandoned:
            self._owed = True
            self._calls.discard(call_id)
        return is_awaited

    def _abandon_calls(self) -> None:
        self._abandoned.extend(self._calls)
        self._calls.clear()

    def forget_results(self) -> None:
        """Record new input of the user: the next request is for a reply to that."""
        self._owed = False

    def cancel(self, reason: Literal["turn_detected", "client_cancelled"]) -> None:
        """Complete the response, as it is interrupted; what comes late of it is dropped."""
        turn = self._turn if self._turn is not None else self._running
        if self.response is None and self._running is None:
            return
        self._drops, self._cut = True, turn
        self._running = None
        self._abandon_calls()
        self.finish("cancelled", reason)

    def finish(
        self, status: Literal["completed", "cancelled", "failed"], reason: str | None = None
    ) -> None:
        """Complete the response, if there is one."""
        response, self.response = self.response, None
        if response is not None:
            response.end(status, reason, self._error)
            self._remember(response)
        self._turn = None

    def _remember(self, response: Response) -> None:
        id = response.item_id
        if id is None:
            return
        self.last_item_id = id
        self._lengths[id] = response.audio_ms
        if len(self._lengths) > MAX_LENGTHS:
            self._lengths.popitem(last=False)

    def check_length(self, item_id: str, ms: int) -> None:
        """Check that a client has not heard more of a message than was sent.

        Raises:
            EventError: If it says so.
        """
        sent = self._lengths.get(item_id)
        if not self._webrtc and sent is not None and ms > sent + TOLERANCE_MS:
            raise EventError(
                f"Audio content of {sent:.0f}ms is already shorter than {ms}ms",
                param="audio_end_ms",
            )

    def shorten(self, heard: str) -> None:
        """Replace the transcript of the last message by what was heard of it."""
        if self.last_item_id in self._items:
            item = self._items.get(self.last_item_id or "")
            item["content"] = [
                {**part, "transcript": heard} if "transcript" in part else part
                for part in item["content"]
            ]

    # What the handler does

    def _of(self, turn: int | None) -> Response | None:
        """Return the response of a turn, which begins if need be; None if it was cancelled."""
        if self._drops and turn in (None, self._cut):
            return None
        self._drops = False
        if self.response is None:
            return self.begin(turn)
        if self._turn is None:
            self._turn = turn
        return self.response

    def add_audio(self, delta: str | None, ms: float) -> None:
        """Add audio of the handler, in base64, to the response.

        The last milliseconds of a reply may come after its end was reported; they begin no other.
        """
        if self._conversational and self.response is None and self._running is None:
            return
        response = self._of(self._running)
        if response is not None:
            response.add_audio(delta, ms)

    def call(self, call_id: str, name: str, arguments: Any) -> None:
        """Call a function of the client."""
        response = self._of(self._running)
        if response is None:
            return
        self._calls.add(call_id)
        response.call(call_id, name, arguments)
        self._actions.append(WatchPlayout())

    def played_out(self) -> None:
        """Complete the response if its function waits for the client, and all audio was played."""
        if self._calls:
            self.finish("completed")

    def follow(self, event: ConversationEvent) -> None:
        """Process an event of the conversation."""
        match event:
            case FunctionCalled():
                if event.early:
                    self._early = event
                else:
                    self._called(event)
            case ReplyDiscarded():
                self._early = None
            case TurnEnded() if self._early is not None:
                early, self._early = self._early, None
                self._called(early)
            case TextSaid() if event.who == "assistant" and event.final:
                response = self._of(event.turn)
                if response is not None:
                    response.add_text(event.text)
            case FunctionEnded() if event.outcome == "failed":
                self._error = event.error
            case AudioStarted():
                self._audio_started(event)
            case AudioEnded():
                self._audio_ended()
            case ReplyInterrupted():
                self._interrupted(event)
            case ReplyEnded():
                self._ended(event)

    def _called(self, event: FunctionCalled) -> None:
        self._running = event.turn
        self._drops = False
        self._abandon_calls()
        if self.response is None or self._turn is not None:
            self.begin(event.turn)
        self._turn = event.turn

    def _audio_started(self, event: AudioStarted) -> None:
        response = self._of(event.turn)
        if response is None or not self._webrtc:
            return
        response.add_audio(None, 0.0)
        self.playing = True
        self._put({"type": "output_audio_buffer.started", "response_id": response.id})

    def _audio_ended(self) -> None:
        if self.playing:
            self.playing = False
            what = "cleared" if self._drops else "stopped"
            id = "" if self.response is None else self.response.id
            self._put({"type": f"output_audio_buffer.{what}", "response_id": id})

    def _interrupted(self, event: ReplyInterrupted) -> None:
        if event.turn == self._turn:  # by the program
            self.cancel("client_cancelled")
        self._audio_ended()
        if event.heard_text or not event.played_s:
            self.shorten(event.heard_text)
        if self._webrtc and self.last_item_id in self._items:
            self._put(
                {
                    "type": "conversation.item.truncated",
                    "item_id": self.last_item_id,
                    "content_index": 0,
                    "audio_end_ms": round(1000 * event.played_s),
                }
            )

    def _ended(self, event: ReplyEnded) -> None:
        if event.turn == self._running:
            self._running = None
            self._abandon_calls()
        if event.turn != self._turn:
            return
        if event.outcome == "interrupted":
            self.cancel("client_cancelled")
        else:
            self.finish("failed" if event.outcome == "failed" else "completed")
