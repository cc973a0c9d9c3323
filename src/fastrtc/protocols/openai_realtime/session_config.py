"""The configuration of a session, as the client sets it and the server reports it."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .client_events import invalid
from .errors import EventError

__all__ = ["AudioFormat", "SemanticVad", "ServerVad", "SessionConfig", "TurnDetection"]

MAX_TEXT = 64 * 1024
"""Maximum length of the instructions, in characters."""

MAX_TOOLS = 256

AudioFormat: TypeAlias = Literal["audio/pcm", "audio/pcmu", "audio/pcma"]

Modalities: TypeAlias = Annotated[list[Literal["audio", "text"]], Field(min_length=1, max_length=1)]


class _Part(BaseModel):
    """A part of the configuration; fields without an effect here are kept and reported."""

    model_config = ConfigDict(extra="allow")


class _Format(_Part):
    type: AudioFormat
    rate: Literal[24000] | None = None


class ServerVad(_Part):
    """Turns end with a pause."""

    type: Literal["server_vad"]
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    prefix_padding_ms: Annotated[int, Field(ge=0, le=10_000)] | None = None
    silence_duration_ms: Annotated[int, Field(ge=0, le=10_000)] | None = None
    create_response: Literal[True] = True
    interrupt_response: bool = True


class SemanticVad(_Part):
    """Turns end when a model finds them complete."""

    type: Literal["semantic_vad"]
    eagerness: Literal["low", "medium", "high", "auto"] = "auto"
    create_response: Literal[True] = True
    interrupt_response: bool = True


TurnDetection: TypeAlias = Annotated[ServerVad | SemanticVad, Field(discriminator="type")]


class _Input(_Part):
    format: _Format | None = None
    turn_detection: TurnDetection | None = None


class _Output(_Part):
    format: _Format | None = None


class _Audio(_Part):
    input: _Input | None = None
    output: _Output | None = None


class _Tool(_Part):
    type: Literal["function", "mcp"]
    name: Annotated[str, Field(max_length=256)] | None = None
    parameters: dict[str, Any] | None = None


class _Update(_Part):
    type: Literal["realtime"] = "realtime"
    model: Annotated[str, Field(max_length=256)] | None = None
    instructions: Annotated[str, Field(max_length=MAX_TEXT)] | None = None
    output_modalities: Modalities | None = None
    tools: Annotated[list[_Tool], Field(max_length=MAX_TOOLS)] | None = None
    audio: _Audio | None = None


_OF_SERVER = ("id", "object", "expires_at", "client_secret")

_WITHOUT_EFFECT = {
    "tool_choice": "auto",
    "max_output_tokens": "inf",
    "truncation": "auto",
    "tracing": None,
    "prompt": None,
    "include": None,
}
"""What clients may set, and what is only stored and reported."""

MAX_KEPT = 64
"""Maximum number of fields of a client that are stored without effect."""

MAX_LENGTH = 256 * 1024
"""Maximum length of the session as JSON, in characters."""


class SessionConfig:
    """The configuration; ``update`` merges what a client sends. No I/O.

    Args:
        id: The id of the session.
        model: The model that the client has named.
        turn_detection: How turns end at first: a ``server_vad`` or ``semantic_vad`` object, or
            None.
        expires_at: When the session ends at the latest, in seconds since 1970; None if it is not
            known.
    """

    def __init__(
        self,
        id: str,
        model: str,
        turn_detection: dict[str, Any] | None,
        expires_at: int | None = None,
    ) -> None:
        self._values: dict[str, Any] = {
            "type": "realtime",
            "object": "realtime.session",
            "id": id,
            "model": model,
            "output_modalities": ["audio"],
            "instructions": "",
            "tools": [],
            "audio": {
                "input": {
                    "format": {"type": "audio/pcm", "rate": 24000},
                    "transcription": None,
                    "noise_reduction": None,
                    "turn_detection": turn_detection,
                },
                "output": {
                    "format": {"type": "audio/pcm", "rate": 24000},
                    "voice": "default",
                    "speed": 1.0,
                },
            },
            **_WITHOUT_EFFECT,
        }
        if expires_at is not None:
            self._values["expires_at"] = expires_at

    def update(self, given: dict[str, Any]) -> None:
        """Merge an update of a client.

        Raises:
            EventError: If a value is invalid; then nothing has changed.
        """
        if given.get("type", "realtime") != "realtime":
            raise EventError(
                "Only sessions of the type 'realtime' are supported", param="session.type"
            )
        try:
            update = _Update.model_validate(given)
        except ValidationError as error:
            raise invalid(error, "session") from None
        if any(tool.type == "mcp" for tool in update.tools or ()):
            raise EventError(
                "Tools of the type 'mcp' are not supported: the handler calls functions of the "
                "client",
                "unsupported",
                "session.tools",
            )
        values = update.model_dump(exclude_unset=True)
        for name in (*_OF_SERVER, "type"):
            values.pop(name, None)
        merged = _merged(self._values, values)
        if len(merged) > MAX_KEPT:
            raise EventError("The session has too many fields", param="session")
        _check(merged)
        self._values = merged

    @property
    def id(self) -> str:
        """The id of the session."""
        return str(self._values["id"])

    @property
    def model(self) -> str:
        """The model that the client has named."""
        return str(self._values["model"])

    @property
    def instructions(self) -> str:
        """The instructions of the client."""
        return self._values["instructions"] or ""

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The tools of the client: objects with ``name``, ``description`` and ``parameters``."""
        return list(self._values["tools"] or ())

    @property
    def output_modality(self) -> Literal["audio", "text"]:
        """Whether responses are audio with its transcript, or only text."""
        return "text" if self._values["output_modalities"] == ["text"] else "audio"

    @property
    def voice(self) -> Any:
        """The voice that the client has chosen: a name, or an object with an ``id``."""
        return self._values["audio"]["output"].get("voice")

    @property
    def turn_detection(self) -> dict[str, Any] | None:
        """How turns end; None if the client commits them."""
        found: dict[str, Any] | None = self._values["audio"]["input"]["turn_detection"]
        return found

    @property
    def input_format(self) -> AudioFormat:
        """The format of the client's audio."""
        return _type(self._values["audio"]["input"]["format"])

    @property
    def output_format(self) -> AudioFormat:
        """The format of the audio for the client."""
        return _type(self._values["audio"]["output"]["format"])

    @property
    def output(self) -> dict[str, Any]:
        """The ``audio.output`` of a response."""
        output = self._values["audio"]["output"]
        return {"format": output["format"], "voice": output.get("voice")}

    def as_dict(self) -> dict[str, Any]:
        """Return the session object."""
        return dict(self._values)


def _check(values: dict[str, Any]) -> None:
    """Check that JSON can represent a session, and its length.

    Raises:
        EventError: If it cannot, or the session is too large.
    """
    try:
        text = json.dumps(values, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (ValueError, RecursionError):  # NaN, half of a surrogate pair, deep nesting
        raise EventError(
            "The session has a value that is not valid JSON", param="session"
        ) from None
    if len(text) > MAX_LENGTH:
        raise EventError(
            f"The session may have {MAX_LENGTH} characters as JSON, not {len(text)}",
            "string_above_max_length",
            "session",
        )


def _type(format: dict[str, Any] | None) -> AudioFormat:
    return "audio/pcm" if format is None else format["type"]


_WHOLE = ("turn_detection", "format", "transcription", "noise_reduction")
"""Objects that an update replaces, instead of merging their fields."""

_NEVER_NULL = ("audio", "input", "output", "format", "model", "instructions", "tools")
"""Fields that null leaves as they are."""


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    merged = dict(old)
    for name, value in new.items():
        before = merged.get(name)
        if isinstance(value, dict) and isinstance(before, dict) and name not in _WHOLE:
            merged[name] = _merged(before, value)
        elif value is not None or name not in _NEVER_NULL:
            merged[name] = value
    return merged
