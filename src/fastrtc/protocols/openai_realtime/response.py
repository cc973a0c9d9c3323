"""One response: the server events from ``response.created`` to ``response.done``. No I/O."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from .items import Items

__all__ = ["Ids", "Response", "ServerEvent"]

ServerEvent: TypeAlias = dict[str, Any]
"""An event for the client, without its ``event_id``."""

Status: TypeAlias = Literal["completed", "cancelled", "failed"]

_AUDIO = {
    "part": "audio",
    "content": "output_audio",
    "text": "transcript",
    "delta": "response.output_audio_transcript.delta",
    "done": "response.output_audio_transcript.done",
}
_TEXT = {
    "part": "text",
    "content": "output_text",
    "text": "text",
    "delta": "response.output_text.delta",
    "done": "response.output_text.done",
}


class Ids:
    """Create the ids of a session: each kind counts.

    Args:
        session: The random part of the session's id, which makes the ids differ from others.

    Attributes:
        conversation: The id of the conversation.
    """

    def __init__(self, session: str) -> None:
        self.conversation = f"conv_{session}"
        self._session = session
        self._counts: dict[str, int] = {}

    def next(self, kind: str) -> str:
        """Return the next id of a kind, such as ``"item"``."""
        number = self._counts[kind] = self._counts.get(kind, 0) + 1
        return f"{kind}_{self._session}{number:04}"


class Response:
    """A response in progress. Its methods return nothing and append to what the client gets.

    Args:
        ids: Creates ids.
        items: The items of the conversation, to which those of the response are added.
        put: Sends an event.
        modality: Whether it is audio with its transcript, or only text.
        output: Its ``audio.output``.
        metadata: What the client has attached to it.

    Attributes:
        id: Its id.
        item_id: The id of its message; None without one.
        audio_ms: The audio that was sent, in milliseconds.
        open: Whether its message is not complete.
    """

    def __init__(
        self,
        ids: Ids,
        items: Items,
        put: Callable[[ServerEvent], None],
        *,
        modality: Literal["audio", "text"],
        output: dict[str, Any],
        metadata: Any = None,
    ) -> None:
        self.id = ids.next("resp")
        self.item_id: str | None = None
        self.audio_ms = 0.0
        self.open = False
        self._ids = ids
        self._items = items
        self._put = put
        self._kind = _AUDIO if modality == "audio" else _TEXT
        self._has_audio = False
        self._index = 0  # of the message
        self._text = ""
        self._output: list[dict[str, Any]] = []
        self._shape = {
            "object": "realtime.response",
            "id": self.id,
            "conversation_id": ids.conversation,
            "output_modalities": [modality],
            "audio": {"output": output},
            "max_output_tokens": "inf",
            "metadata": metadata,
        }
        self._send("response.created", response=self._as_dict("in_progress"))

    @property
    def text(self) -> str:
        """The transcript so far."""
        return self._text

    def _send(self, type: str, **fields: Any) -> None:
        self._put({"type": type, **fields})

    def _as_dict(self, status: str, details: dict[str, Any] | None = None) -> dict[str, Any]:
        usage = None if status == "in_progress" else _NO_USAGE
        return {
            **self._shape,
            "status": status,
            "status_details": details,
            "output": [dict(item) for item in self._output],
            "usage": usage,
        }

    # The message

    def _place(self) -> dict[str, Any]:
        return {
            "response_id": self.id,
            "item_id": self.item_id,
            "output_index": self._index,
            "content_index": 0,
        }

    def begin_message(self) -> None:
        """Open the message of the response, unless it is open."""
        if self.open:
            return
        self.open = True
        self._text, self._has_audio, self.audio_ms = "", False, 0.0
        self.item_id = self._ids.next("item")
        item = {
            "id": self.item_id,
            "object": "realtime.item",
            "type": "message",
            "role": "assistant",
            "status": "in_progress",
            "content": [],
        }
        self._index = len(self._output)
        self._output.append(item)
        self._send(
            "response.output_item.added",
            response_id=self.id,
            output_index=self._index,
            item=dict(item),
        )
        before = self._items.add(item)
        self._send("conversation.item.added", previous_item_id=before, item=dict(item))
        self._send(
            "response.content_part.added",
            **self._place(),
            part={"type": self._kind["part"], self._kind["text"]: ""},
        )

    def add_audio(self, delta: str | None, ms: float) -> None:
        """Add audio.

        Args:
            delta: The audio in base64; None if it is sent otherwise.
            ms: Its length in milliseconds.
        """
        if self._kind is _TEXT:
            return
        self.begin_message()
        self._has_audio = True
        self.audio_ms += ms
        if delta is not None:
            self._send("response.output_audio.delta", **self._place(), delta=delta)

    def add_text(self, text: str) -> None:
        """Add text: what is spoken in the audio, or the response itself."""
        self.begin_message()
        spaced = self._text and not self._text[-1].isspace() and not text[:1].isspace()
        delta = f" {text}" if spaced else text
        self._text += delta
        self._send(self._kind["delta"], **self._place(), delta=delta)

    def end_message(self, status: Literal["completed", "incomplete"] = "completed") -> None:
        """Complete the message, if there is one that is open."""
        if not self.open:
            return
        self.open = False
        kind, place = self._kind, self._place()
        if self._has_audio:
            self._send("response.output_audio.done", **place)
        self._send(kind["done"], **place, **{kind["text"]: self._text})
        part = {"type": kind["part"], kind["text"]: self._text}
        self._send("response.content_part.done", **place, part=part)
        item = self._output[self._index]
        item["status"] = status
        item["content"] = [{"type": kind["content"], kind["text"]: self._text}]
        self._end_item(item, self._index)

    def _end_item(self, item: dict[str, Any], index: int) -> None:
        self._send(
            "response.output_item.done", response_id=self.id, output_index=index, item=dict(item)
        )
        self._send("conversation.item.done", item=dict(item))

    # Functions

    def call(self, call_id: str, name: str, arguments: Any) -> None:
        """Add the call of a function of the client."""
        text = arguments if isinstance(arguments, str) else json.dumps(arguments)
        item = {
            "id": self._ids.next("item"),
            "object": "realtime.item",
            "type": "function_call",
            "status": "in_progress",
            "name": name,
            "call_id": call_id,
            "arguments": "",
        }
        index = len(self._output)
        self._output.append(item)
        place = {
            "response_id": self.id,
            "item_id": item["id"],
            "output_index": index,
            "call_id": call_id,
        }
        self._send(
            "response.output_item.added", response_id=self.id, output_index=index, item=dict(item)
        )
        before = self._items.add(item)
        self._send("conversation.item.added", previous_item_id=before, item=dict(item))
        self._send("response.function_call_arguments.delta", **place, delta=text)
        self._send("response.function_call_arguments.done", **place, name=name, arguments=text)
        item["status"], item["arguments"] = "completed", text
        self._end_item(item, index)

    # The end

    def end(self, status: Status, reason: str | None = None, error: str | None = None) -> None:
        """Complete the response.

        Args:
            status: How it ended.
            reason: Why it was cancelled: ``"turn_detected"`` or ``"client_cancelled"``.
            error: What failed, in words.
        """
        self.end_message("completed" if status == "completed" else "incomplete")
        details: dict[str, Any] | None = None
        if status == "cancelled":
            details = {"type": status, "reason": reason}
        elif status == "failed":
            failure = {"type": "server_error", "code": "handler_failed", "message": error}
            details = {"type": status, "error": failure}
        self._send("response.done", response=self._as_dict(status, details))


_NO_USAGE = {
    "total_tokens": 0,
    "input_tokens": 0,
    "output_tokens": 0,
    "input_token_details": {"text_tokens": 0, "audio_tokens": 0, "cached_tokens": 0},
    "output_token_details": {"text_tokens": 0, "audio_tokens": 0},
}
"""Tokens are counted by the services that the handler uses, if at all."""
