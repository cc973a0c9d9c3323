"""The events of a client: their shapes, and what is wrong with those that have another."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from .errors import EventError

__all__ = [
    "Append",
    "CancelResponse",
    "ClearInput",
    "ClearOutput",
    "ClientEvent",
    "Commit",
    "CreateItem",
    "CreateResponse",
    "DeleteItem",
    "RetrieveItem",
    "TruncateItem",
    "UpdateSession",
    "invalid",
    "parse_event",
]

MAX_ID = 512
"""Maximum length of the ids that a client chooses, in characters."""

Id: TypeAlias = Annotated[str, Field(min_length=1, max_length=MAX_ID)]


class _Event(BaseModel):
    """What all events have. Unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    event_id: Annotated[str, Field(max_length=MAX_ID)] | None = None


class UpdateSession(_Event):
    """Change the session; fields that are left out stay as they are."""

    type: Literal["session.update"]
    session: dict[str, Any]


class Append(_Event):
    """Audio of the user, in base64."""

    type: Literal["input_audio_buffer.append"]
    audio: str


class Commit(_Event):
    """Make the audio so far a message of the user."""

    type: Literal["input_audio_buffer.commit"]


class ClearInput(_Event):
    """Discard the audio that is not committed."""

    type: Literal["input_audio_buffer.clear"]


class CreateItem(_Event):
    """Add an item to the conversation: a message, or the output of a function."""

    type: Literal["conversation.item.create"]
    item: dict[str, Any]
    previous_item_id: Id | None = None


class RetrieveItem(_Event):
    """Ask for an item."""

    type: Literal["conversation.item.retrieve"]
    item_id: Id


class DeleteItem(_Event):
    """Remove an item."""

    type: Literal["conversation.item.delete"]
    item_id: Id


class TruncateItem(_Event):
    """Truncate an item to the audio that was heard, in milliseconds."""

    type: Literal["conversation.item.truncate"]
    item_id: Id
    content_index: int = 0
    audio_end_ms: Annotated[int, Field(ge=0, le=86_400_000)]


class CreateResponse(_Event):
    """Ask for a response."""

    type: Literal["response.create"]
    response: dict[str, Any] = {}


class CancelResponse(_Event):
    """Stop the response."""

    type: Literal["response.cancel"]
    response_id: Id | None = None


class ClearOutput(_Event):
    """Stop the audio that is being played (WebRTC)."""

    type: Literal["output_audio_buffer.clear"]


ClientEvent: TypeAlias = (
    UpdateSession
    | Append
    | Commit
    | ClearInput
    | CreateItem
    | RetrieveItem
    | DeleteItem
    | TruncateItem
    | CreateResponse
    | CancelResponse
    | ClearOutput
)

_MODELS: dict[str, TypeAdapter[ClientEvent]] = {
    kind.model_fields["type"].annotation.__args__[0]: TypeAdapter(kind)
    for kind in ClientEvent.__args__
}


def parse_event(text: str | bytes) -> ClientEvent:
    """Parse an event of a client.

    Raises:
        EventError: If it is malformed, or its type is unknown.
    """
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise EventError("The event is not valid JSON", "invalid_json") from None
    if not isinstance(message, dict):
        raise EventError("An event must be a JSON object", "invalid_json")
    given = message.get("event_id")
    try:
        return _parse(message)
    except EventError as error:
        error.event_id = given if isinstance(given, str) and len(given) <= MAX_ID else None
        raise


def _parse(message: dict[str, Any]) -> ClientEvent:
    type = message.get("type")
    if type is None:
        raise EventError("The event has no type", "missing_required_parameter", "type")
    model = _MODELS.get(type) if isinstance(type, str) else None
    if model is None:
        known = ", ".join(repr(name) for name in _MODELS)
        shown = f"{type!r:.60}"
        raise EventError(
            f"Invalid value: {shown}. Supported values are: {known}", "invalid_value", "type"
        )
    try:
        return model.validate_python(message)
    except ValidationError as error:
        raise invalid(error) from None


def invalid(error: ValidationError, prefix: str = "") -> EventError:
    """Return the error for what pydantic has found first.

    Args:
        error: What pydantic raised.
        prefix: The name of the field that it has validated.
    """
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    param = ".".join([prefix] * bool(prefix) + [str(part) for part in first["loc"]])[:200]
    if first["type"] == "missing":
        return EventError(
            f"Missing required parameter: {param!r}", "missing_required_parameter", param
        )
    return EventError(f"Invalid value for {param!r}: {first['msg']}", "invalid_value", param)
