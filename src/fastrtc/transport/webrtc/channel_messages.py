"""The messages of a session over its data channel."""

from __future__ import annotations

from functools import partial

from aiortc import RTCDataChannel

from ...core.messages import create_message
from ...session.outbox import MessageDropped, Outbox
from ...session.session import Session
from .message_sender import MessageSender

__all__ = ["ChannelMessages", "count_sent"]


class ChannelMessages:
    """Exchange the messages of a session as the clients of this package do. On the event loop.

    A subclass speaks the messages of another protocol.

    Args:
        session: The session.

    Attributes:
        session: The session.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self._sender = MessageSender(session.id)
        self._channel: RTCDataChannel | None = None

    def accepts(self, label: str) -> bool:
        """Return whether a data channel that the client opens is the one for messages."""
        return True

    def open(self, channel: RTCDataChannel, *, resumes: bool = False) -> None:
        """Use a channel that has opened, and send what is queued.

        Args:
            channel: The channel.
            resumes: Whether the client resumes its session: it first gets what it has missed.
        """
        self._channel = channel
        if not resumes:
            self.session.outbox.open(self.send)

    def send(self, text: str) -> None:
        """Send a message of the session, a JSON string.

        Raises:
            MessageDropped: If there is no channel, or the client does not read.
            Exception: From aiortc, if the channel is closed.
        """
        if self._channel is None or not self._sender.send(self._channel, text):
            raise MessageDropped

    def put(self, text: str) -> None:
        """Send a text as it is; dropped without a channel, and while the client does not read.

        Raises:
            Exception: From aiortc, if the channel is closed.
        """
        if self._channel is not None:
            self._sender.send(self._channel, text)

    def receive(self, message: str | bytes) -> None:
        """Process a message of the client."""
        if isinstance(message, str):
            self.session.outbox.post(create_message("log", f"Server received: {message}"))
            self.session.messages.receive_text(message)


def count_sent(channel: RTCDataChannel, outbox: Outbox) -> None:
    """Send the program's texts over a channel with those of the session, which are counted."""
    channel.send = partial(_send_counted, outbox, channel)  # type: ignore[method-assign]


def _send_counted(outbox: Outbox, channel: RTCDataChannel, data: str | bytes) -> None:
    if isinstance(data, str):
        outbox.post(data)
    else:
        type(channel).send(channel, data)
