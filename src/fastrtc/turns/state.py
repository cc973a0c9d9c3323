"""Where a conversation is."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["AppState"]


@dataclass
class AppState:
    """Where a conversation is; made anew after each reply.

    Attributes:
        stream: What was said, ``int16``, shape ``(n,)``: once it has ended, or block by block.
        sampling_rate: Its rate in Hz.
        pause_detected: Whether the last frame ended an utterance.
        started_talking: Whether somebody speaks.
        responding: Whether a reply is running.
        stopped: For programs.
        buffer: Audio that is not yet decided on, ``int16``, shape ``(n,)``, where a model is
            asked block by block.
        responded_audio: Whether the reply has given audio.
        interrupted: Set when the reply was interrupted.
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
        """Make a fresh one of the same class."""
        return type(self)()
