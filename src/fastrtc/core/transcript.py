"""What a speaker has said, as text for the client: a caption."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .messages import create_message

__all__ = ["Transcript"]

_SPEAKERS = ("user", "assistant")


@dataclass(frozen=True)
class Transcript:
    """What the user or the assistant says, for the client to show.

    A handler returns or yields it, alone or beside media: ``(audio, Transcript(...))``. The client
    gets it at once, or, beside audio, when that audio begins to be played; if the audio is dropped
    before, so is the transcript. Other code sends it with ``get_current_context().send``. Telephone
    calls ignore it.

    Attributes:
        text: The text.
        who: The speaker: ``"user"`` or ``"assistant"``.
        final: Whether the text is complete. The next transcript with the same ``id`` replaces it;
            without an id, the next of the same speaker replaces one that is not final.
        id: Name of the utterance, any string.

    Raises:
        TypeError: If *text* or *id* is not a string, or *final* not a bool.
        ValueError: If *who* is something else.
    """

    text: str
    who: Literal["user", "assistant"] = "assistant"
    final: bool = True
    id: str | None = None

    def __post_init__(self) -> None:
        """Validate the fields."""
        if not isinstance(self.text, str):
            raise TypeError(
                f"The text of Transcript must be a string, not {type(self.text).__name__}"
            )
        if self.who not in _SPEAKERS:
            raise ValueError(f'who must be "user" or "assistant", not {self.who!r}')
        if not isinstance(self.final, bool):
            raise TypeError(f"final must be a bool, not {type(self.final).__name__}")
        if self.id is not None and not isinstance(self.id, str):
            raise TypeError(f"id must be a string or None, not {type(self.id).__name__}")

    def message(self) -> str:
        """Return the message to the client, a JSON string."""
        data = {"text": self.text, "who": self.who, "final": self.final, "id": self.id}
        return create_message("transcript", data)
