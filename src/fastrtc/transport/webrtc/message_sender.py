"""Messages to a client over its data channels."""

from __future__ import annotations

import asyncio
import logging

from aiortc import RTCDataChannel

from ..stalled_client import StalledClientDetector

__all__ = ["MessageSender"]

logger = logging.getLogger(__name__)


class MessageSender:
    """Send messages; drop them while the client does not read. For use on the event loop.

    Args:
        session_id: The id of the session, for the log.
    """

    def __init__(self, session_id: str) -> None:
        self._id = session_id
        self._stalled = StalledClientDetector()
        self._sent = 0  # bytes so far
        self._unread = False

    def send(self, channel: RTCDataChannel, message: str) -> bool:
        """Send a message over an open channel; the first one that is dropped is logged.

        Returns:
            False if it is dropped.

        Raises:
            Exception: From aiortc, if the channel is closed.
        """
        waiting = channel.bufferedAmount
        now = asyncio.get_running_loop().time()
        if self._stalled.is_too_much(waiting, self._sent - waiting, now):
            if not self._unread:
                self._unread = True
                logger.warning(
                    "Session %s: the client reads no messages; dropping further ones", self._id
                )
            return False
        type(channel).send(channel, message)  # not what replaces it for the program
        self._sent += channel.bufferedAmount - waiting
        return True
