"""The turns of the user, as ``input_audio_buffer`` events. No I/O and no clock."""

from __future__ import annotations

from collections.abc import Callable

from ...core.conversation_events import (
    ConversationEvent,
    SpeechDropped,
    SpeechStarted,
    SpeechStopped,
    TextSaid,
    TurnEnded,
)
from .items import Items
from .response import Ids, ServerEvent

__all__ = ["UserTurns"]

BY_AUDIO = ("pause", "model", "stop_word", "maximum")
"""What ends a turn because of its audio; the others are requests of the program or the client."""


class UserTurns:
    """Report the speech of the user, and add its turns to the conversation.

    Args:
        ids: Creates ids.
        items: The items of the conversation.
        put: Sends an event.

    Attributes:
        uncommitted_ms: The audio since the last turn, in milliseconds.
        began_at_s: When the connection began, on the clock of the conversation events; None if the
            position in the audio is known from its length.
    """

    def __init__(self, ids: Ids, items: Items, put: Callable[[ServerEvent], None]) -> None:
        self.uncommitted_ms = 0.0
        self.began_at_s: float | None = None
        self._ids = ids
        self._items = items
        self._put = put
        self._total_ms = 0.0
        self._speech_id: str | None = None  # the item of the speech so far
        self._last_id: str | None = None  # the item of the last turn

    @property
    def speaks(self) -> bool:
        """Whether speech was reported that is not part of a turn yet."""
        return self._speech_id is not None

    def next_id(self) -> str:
        """Return the id of a new item."""
        return self._ids.next("item")

    def heard(self, ms: float) -> None:
        """Record audio of the user, of so many milliseconds."""
        self._total_ms += ms
        self.uncommitted_ms += ms

    def clear(self) -> None:
        """Forget the audio that is not committed."""
        self.uncommitted_ms = 0.0
        self._speech_id = None

    def commit(self) -> None:
        """Make the audio so far an item."""
        id, self._speech_id = self._speech_id or self.next_id(), None
        self._last_id = id
        self.uncommitted_ms = 0.0
        item = {
            "id": id,
            "object": "realtime.item",
            "type": "message",
            "role": "user",
            "status": "completed",
            "content": [{"type": "input_audio", "transcript": None}],
        }
        before = self._items.add(item)
        self._put(
            {"type": "input_audio_buffer.committed", "item_id": id, "previous_item_id": before}
        )
        for type in ("conversation.item.added", "conversation.item.done"):
            self._put({"type": type, "previous_item_id": before, "item": dict(item)})

    def follow(self, event: ConversationEvent) -> None:
        """Process an event of the conversation."""
        match event:
            case SpeechStarted():
                self._speech_id = self._speech_id or self.next_id()
                self._report("speech_started", "audio_start_ms", event.began_s, event.at_s)
            case SpeechStopped() if self.speaks:
                self._report("speech_stopped", "audio_end_ms", event.ended_s, event.at_s)
            case SpeechDropped():
                self._speech_id = None
            case TurnEnded() if self.speaks and event.by in BY_AUDIO:
                self.commit()
            case TextSaid() if event.who == "user" and event.final:
                self._transcribed(event.text)

    def _report(self, what: str, name: str, then_s: float, now_s: float) -> None:
        type = f"input_audio_buffer.{what}"
        if self.began_at_s is None:
            ms = self._total_ms - 1000 * (now_s - then_s)
        else:
            ms = 1000 * (then_s - self.began_at_s)
        self._put({"type": type, name: max(0, round(ms)), "item_id": self._speech_id})

    def _transcribed(self, text: str) -> None:
        """Add the transcript to the last turn."""
        id = self._last_id
        if id is None or id not in self._items:
            return
        place = {"item_id": id, "content_index": 0}
        prefix = "conversation.item.input_audio_transcription"
        item = self._items.get(id)
        item["content"] = [{"type": "input_audio", "transcript": text}]
        self._put({"type": f"{prefix}.delta", **place, "delta": text})
        usage = {"type": "duration", "seconds": 0.0}
        self._put({"type": f"{prefix}.completed", **place, "transcript": text, "usage": usage})
