"""The items of a conversation, in order. No I/O."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .client_events import MAX_ID, invalid
from .errors import EventError

__all__ = ["Items", "output_value", "parse_item", "text_of"]

MAX_ITEMS = 1000
"""Items that are kept; beyond it, the oldest are forgotten."""

MAX_TEXT = 64 * 1024
"""Maximum length of the text of an item that a client creates, in characters."""

MAX_TOTAL_TEXT = 1 << 20
"""Maximum length of the texts of all items, in characters; beyond it, the oldest are forgotten."""

ROOT = "root"
"""The id before the first item."""

_SHAPE = ConfigDict(extra="ignore")
_Id = Annotated[str, Field(min_length=1, max_length=MAX_ID)]
_Status = Literal["completed", "incomplete", "in_progress"]


class _Content(BaseModel):
    model_config = _SHAPE
    type: Literal["input_text", "output_text", "input_audio", "output_audio", "input_image"]
    text: str | None = None
    transcript: str | None = None


class _Message(BaseModel):
    model_config = _SHAPE
    type: Literal["message"]
    id: _Id | None = None
    role: Literal["user", "assistant", "system"]
    status: _Status = "completed"
    content: Annotated[list[_Content], Field(max_length=64)]


class _Call(BaseModel):
    model_config = _SHAPE
    type: Literal["function_call"]
    id: _Id | None = None
    call_id: _Id
    name: Annotated[str, Field(max_length=256)]
    arguments: str
    status: _Status = "completed"


class _Output(BaseModel):
    model_config = _SHAPE
    type: Literal["function_call_output"]
    id: _Id | None = None
    call_id: _Id
    output: str
    status: _Status = "completed"


_KINDS: dict[str, type[_Message | _Call | _Output]] = {
    "message": _Message,
    "function_call": _Call,
    "function_call_output": _Output,
}

_TEXT_OF = {"user": "input_text", "assistant": "output_text", "system": "input_text"}


def parse_item(given: dict[str, Any]) -> dict[str, Any]:
    """Return an item that a client creates, without fields that are not known.

    Raises:
        EventError: If it is malformed, or has content that is not supported.
    """
    kind = given.get("type")
    shape = _KINDS.get(kind) if isinstance(kind, str) else None
    if shape is None:
        names = ", ".join(map(repr, _KINDS))
        raise EventError(
            f"Invalid value: {f'{kind!r:.60}'}. Supported values are: {names}", param="item.type"
        )
    try:
        item = shape.model_validate(given).model_dump(exclude_none=True)
    except ValidationError as error:
        raise invalid(error, "item") from None
    for content in item.get("content", ()):
        wanted = _TEXT_OF[item["role"]]
        if content["type"] != wanted:
            raise EventError(
                f"Content of the type {content['type']!r} is not supported in a message with the "
                f"role {item['role']!r}, only {wanted!r}",
                "unsupported_content",
                "item.content",
            )
        if "text" not in content:
            raise EventError(
                "Missing required parameter: 'item.content.text'",
                "missing_required_parameter",
                "item.content.text",
            )
    if _length(item) > MAX_TEXT:
        raise EventError(
            f"The text of an item may have {MAX_TEXT} characters, not {_length(item)}",
            "string_above_max_length",
            "item",
        )
    return item


def _length(item: dict[str, Any]) -> int:
    """Return the length of the texts of an item, in characters."""
    parts = item.get("content", ())
    texts = [part.get(name) or "" for part in parts for name in ("text", "transcript")]
    return sum(map(len, [*texts, item.get("arguments", ""), item.get("output", ""), item["type"]]))


class Items:
    """The items, by id and in order."""

    def __init__(self) -> None:
        self._items: dict[str, dict[str, Any]] = {}
        self._added = 0  # the length of the texts since the last count

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Iterate over a snapshot, in the order of the conversation."""
        return iter(list(self._items.values()))

    def __contains__(self, id: object) -> bool:
        """Return whether there is an item of this id."""
        return id in self._items

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self._items)

    def get(self, id: str) -> dict[str, Any]:
        """Return an item.

        Raises:
            EventError: If there is none of this id.
        """
        if id not in self._items:
            raise EventError(f"There is no item {id[:60]!r}", "item_not_found", "item_id")
        return self._items[id]

    @property
    def last_id(self) -> str | None:
        """The id of the last item; None without items."""
        return next(reversed(self._items), None)

    def add(self, item: dict[str, Any], after: str | None = None) -> str | None:
        """Add an item; return the id of the one before it, None if it is the first.

        Args:
            item: The item, with an id.
            after: The id of the item before it, or ``"root"``; None appends it.

        Raises:
            EventError: If the id is in use, or the other item does not exist.
        """
        id = item["id"]
        if id in self._items:
            raise EventError(f"The item {id[:60]!r} exists", "item_exists", "item.id")
        if after is not None and after != ROOT and after not in self._items:
            raise EventError(
                f"There is no item {after[:60]!r}", "item_not_found", "previous_item_id"
            )
        before = self.last_id
        if after is None or after == before:
            self._items[id] = item
        else:
            before = None if after == ROOT else after
            self._insert(item, before)
        if len(self._items) > MAX_ITEMS:
            del self._items[next(iter(self._items))]
        self._added += _length(item)
        if self._added > MAX_TOTAL_TEXT // 8:
            self._added = 0
            self._forget_oldest()
        return before

    def _forget_oldest(self) -> None:
        total = sum(map(_length, self._items.values()))
        while total > MAX_TOTAL_TEXT:
            total -= _length(self._items.pop(next(iter(self._items))))

    def _insert(self, item: dict[str, Any], before: str | None) -> None:
        ordered = list(self._items.items())
        index = 0 if before is None else list(self._items).index(before) + 1
        ordered.insert(index, (item["id"], item))
        self._items = dict(ordered)

    def remove(self, id: str) -> None:
        """Remove an item.

        Raises:
            EventError: If there is none of this id.
        """
        self.get(id)
        del self._items[id]


def text_of(item: dict[str, Any]) -> str:
    """Return the text of a message, with the transcripts of its audio."""
    parts = (part.get("text") or part.get("transcript") or "" for part in item.get("content", ()))
    return " ".join(part for part in parts if part)


def output_value(output: str) -> Any:
    """Return the output of a function: the value, if it is JSON, else the text."""
    try:
        return json.loads(output)
    except (ValueError, RecursionError):
        return output
