"""A reply that is started when a turn is likely over, before it is certain."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..handlers.link import HandlerLink
from .face import Face, rate_of
from .reply import Reply

__all__ = ["EarlyReply"]

logger = logging.getLogger(__name__)


class EarlyReply:
    """Hold the reply that was started early, until its turn ends or goes on; thread-safe.

    The outputs of a ``Reply`` stay in it until they are taken, so nothing of it is played.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reply: Reply | None = None

    def start(
        self,
        face: Face,
        link: HandlerLink,
        said: NDArray[np.int16],
        report: Callable[[Reply], None],
    ) -> None:
        """Start a reply, in place of an earlier one.

        Args:
            face: The ``ReplyOnPause``.
            link: Its link to the connection.
            said: The utterance so far, shape ``(1, n)``.
            report: Called with the reply before it starts.
        """
        self.discard()
        reply = Reply(step=face.async_iterate, loop=link.loop, early=True)
        try:
            reply.bind(face.fn, ((rate_of(face), said),))
            report(reply)
            reply.start()
        except Exception as error:  # of the function, which is called again at the end of the turn
            logger.debug("A reply could not be started early", exc_info=error)
            return
        with self._lock:
            self._reply = reply

    def take(self) -> Reply | None:
        """Return the reply, which is to be played now; None if there is none."""
        with self._lock:
            reply, self._reply = self._reply, None
        return reply

    def discard(self) -> None:
        """Stop the reply, if there is one: the speaker goes on."""
        reply = self.take()
        if reply is not None:
            if reply.events is not None:
                reply.events.discarded()
            reply.supersede()
