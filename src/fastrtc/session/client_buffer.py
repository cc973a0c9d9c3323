"""The audio that a client has received and not played, as its transport knows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from ..handlers.base import StreamHandlerBase
from ..handlers.link import link_of

if TYPE_CHECKING:
    from .media import Media

__all__ = ["ClientBuffer"]


class ClientBuffer(NamedTuple):
    """What a transport does with unplayed audio; all functions are thread-safe.

    Attributes:
        clear: Drops it.
        unplayed_s: Returns its length in seconds, with what fills a silence.
        pause: Stops playback.
        resume: Continues it with the next sample.
    """

    clear: Callable[[], None]
    unplayed_s: Callable[[], float]
    pause: Callable[[], None]
    resume: Callable[[], None]

    def bind(self, media: Media) -> None:
        """Let the media, and the handler, use the functions."""

        def reply_s() -> float:
            filler = media.filler
            return 0.0 if filler is not None and filler.active else self.unplayed_s()

        media.drop_unplayed = self.clear
        if media.speaker is not None:
            media.speaker.unplayed_s = reply_s
        if media.filler is not None:
            media.filler.unplayed_s = self.unplayed_s
        if media.audio_out is not None:
            media.audio_out.unplayed_s = self.unplayed_s
        if isinstance(media.handler, StreamHandlerBase):
            link = link_of(media.handler)
            link.clear_queue, link.queued_s = self.clear, reply_s
            link.pause, link.resume = self.pause, self.resume
