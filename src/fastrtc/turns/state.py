"""The state of a conversation, as subclasses of ``ReplyOnPause`` read and write it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["AppState"]


@dataclass
class AppState:
    """State of a conversation; replaced by a new one after each reply.

    Attributes:
        stream: The utterance, ``int16``, shape ``(n,)``: complete at the end of the turn, or
            growing chunk by chunk if the model judges chunks.
        sampling_rate: Sample rate of the audio in Hz; 0 before the first frame.
        pause_detected: Whether the last frame ended the turn.
        started_talking: Whether an utterance is active.
        responding: Whether a reply is running.
        stopped: Not used by this package; for programs.
        buffer: Audio of an incomplete chunk, ``int16``, shape ``(n,)``, if the model judges
            chunks.
        responded_audio: Whether the reply has produced audio.
        interrupted: Set when the reply is interrupted.
    """

    stream: NDArray[np.int16] | None = None
    sampling_rate: int = 0
    pause_detected: bool = False
    started_talking: bool = False
    responding: bool = False
    stopped: bool = False
    buffer: NDArray[np.int16] | None = None
    responded_audio: bool = False
    interrupted: asyncio.Event = field(default_factory=asyncio.Event)

    def new(self) -> AppState:
        """Return a new state of the same class."""
        return type(self)()
