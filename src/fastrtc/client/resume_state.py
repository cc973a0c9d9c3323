"""What a client knows about the session that it may resume. No I/O and no clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

__all__ = ["ResumeState"]

MAX_MESSAGES = 256
"""Messages of the client that are kept for the server, as many as the server keeps."""


class ResumeState:
    """The secret of a session, and the messages of both sides.

    Attributes:
        within_s: How long the server keeps the session, in seconds.
        received: How many messages of the server were received.
    """

    def __init__(self) -> None:
        self.within_s = 0.0
        self.received = 0
        self._secret: str | None = None
        self._sent = 0
        self._kept: deque[str] = deque(maxlen=MAX_MESSAGES)

    @property
    def possible(self) -> bool:
        """Whether the server has said that the session can be resumed."""
        return self._secret is not None

    def request(self, heard: int | None) -> dict[str, Any]:
        """Return what an offer, or the start of a WebSocket, says.

        Args:
            heard: How far the audio of the last connection was heard; None if there was none.
        """
        if self._secret is None:
            return {"resume": True}
        request: dict[str, Any] = {"resume": self._secret, "received": self.received}
        if heard is not None:
            request["heard"] = heard
        return request

    def renew(self, answer: Any) -> bool:
        """Keep the secret of the server's answer, also if the connection then fails.

        Args:
            answer: ``resume`` of the answer; None if it has none.

        Returns:
            Whether there is one.
        """
        if not isinstance(answer, Mapping) or not isinstance(answer.get("secret"), str):
            return False
        self._secret = answer["secret"]
        within_s = answer.get("within_s")
        if isinstance(within_s, int | float):
            self.within_s = float(within_s)
        return True

    def answered(self, answer: Any) -> list[str]:
        """Process ``resume`` of the server's answer, when the connection is established.

        Returns:
            The messages that the server has not received, in order.
        """
        if not self.renew(answer):
            return []
        received = answer.get("received")
        if not isinstance(received, int) or not 0 <= received <= self._sent:
            return []
        missing = min(self._sent - received, len(self._kept))
        return list(self._kept)[len(self._kept) - missing :]

    def sent(self, message: str) -> None:
        """Record a message that is sent, or will be after the session is resumed."""
        self._sent += 1
        self._kept.append(message)
