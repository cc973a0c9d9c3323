"""The messages of a session over the data channel of an RTVI client."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from ..._version import __version__
from ...core.bounded_queue import BoundedQueue, Overflow
from ...session.client_messages import ClientMessages
from ...session.media import Media
from ...session.session import Session
from ...transport.socket.keys import Keys
from ...transport.webrtc.channel_messages import ChannelMessages
from .conversation import ConversationMessages
from .messages import (
    VERSION,
    InvalidMessage,
    RTVIMessage,
    TrackStatus,
    create,
    create_error,
    read_text,
)
from .outgoing import CALL_DROPPED, Outgoing
from .texts import submit_text

__all__ = ["RTVIChannel"]

logger = logging.getLogger(__name__)

MAX_HELD = 256
"""Messages that wait for ``client-ready``; a new one evicts the oldest."""

DIGITS = frozenset("0123456789*#")


class RTVIChannel(ChannelMessages):
    """Exchange the messages of a session as RTVI messages. On the event loop.

    Messages to the client wait until it has sent ``client-ready``.

    Args:
        session: The session.
        media: Its media.
        has_method: Returns whether the stream has a method of a name.

    Attributes:
        tracks: Which tracks the client has enabled or disabled: 0 is its microphone, 1 its camera,
            2 its screen.
    """

    def __init__(self, session: Session, media: Media, has_method: Callable[[str], bool]) -> None:
        super().__init__(session)
        self.tracks: dict[int, bool] = {}
        self._media = media
        self._has_method = has_method
        self._outgoing = Outgoing()
        self._ready = False
        overflow = Overflow(logger.warning, "More than %d messages wait for client-ready", MAX_HELD)
        self._held: BoundedQueue[str] = BoundedQueue(MAX_HELD, overflow)
        self._keys: Keys | None = None
        self._requests: dict[str, Callable[[RTVIMessage], None]] = {
            "client-ready": self._client_ready,
            "client-message": self._client_message,
            "send-text": self._send_text,
            "dtmf": self._press,
            "disconnect-bot": self._disconnect,
            "llm-function-call-result": self._function_result,
        }
        session.calls.on_dropped = self._function_dropped
        session.turns.listen(ConversationMessages(self._tell, session.id))

    # To the client

    def open(self, channel: Any, *, resumes: bool = False) -> None:
        """Use a channel that has opened; a client that returns gets what it has missed."""
        super().open(channel, resumes=resumes)
        if self._ready:
            self._flush()

    def send(self, text: str) -> None:
        """Send a message of the session, translated; see ``Outgoing``."""
        for one in self._outgoing.translate(text):
            self._tell(one)
        if self._outgoing.ended:
            self._flush()

    def _tell(self, text: str) -> None:
        resumption = self.session.resumption
        lost = resumption is not None and resumption.suspended
        if self._ready and not lost:
            self.put(text)
        else:
            self._held.append(text)

    def _flush(self) -> None:
        self._ready = True
        while self._held:
            self.put(self._held.popleft())

    def _fail(self, message: RTVIMessage, reason: str) -> None:
        if message.id is None:
            self.put(create_error(reason))
        else:
            self.put(create("error-response", {"error": reason}, message.id))

    # From the client

    def receive(self, message: str | bytes) -> None:
        """Process a text of the client; malformed ones are reported to it."""
        if not isinstance(message, str):
            return
        try:
            parsed = read_text(message)
        except InvalidMessage as error:
            if error.id is None:
                self.put(create_error(str(error)))
            else:
                self.put(create("error-response", {"error": str(error)}, error.id))
            return
        if isinstance(parsed, TrackStatus):
            self.tracks[parsed.index] = parsed.enabled
        elif isinstance(parsed, RTVIMessage):
            self._requests.get(parsed.type, self._other)(parsed)

    def _client_ready(self, message: RTVIMessage) -> None:
        about = {"library": "fastrtc", "library_version": __version__}
        self.put(create("bot-ready", {"version": VERSION, "about": about}, message.id))
        self._flush()

    def _client_message(self, message: RTVIMessage) -> None:
        data = message.data if isinstance(message.data, dict) else {}
        name, value = data.get("t"), data.get("d")
        if not isinstance(name, str):
            self._fail(message, "A client-message must have a 't', a string")
        elif self._has_method(name):
            if message.id is None:
                self._fail(message, "A client-message that calls a method must have an id")
                return
            self._outgoing.expect(message.id, name)
            call = {"type": "call", "id": message.id, "name": name, "data": value}
            self._messages.receive(call, message.size)
        elif self._messages.receive({"type": name, "data": value}, message.size):
            self.put(create("server-response", {"t": name, "d": None}, message.id))
        else:
            self._fail(message, f"There is no method {name[:100]!r}, and no on_message")

    def _send_text(self, message: RTVIMessage) -> None:
        data = message.data if isinstance(message.data, dict) else {}
        content, options = data.get("content"), data.get("options")
        if not isinstance(content, str) or not isinstance(options, dict | None):
            self._fail(message, "send-text must have a 'content', a string")
        elif not submit_text(self.session, self._media, content, options or {}):
            self._fail(message, "This program does not take text")

    def _press(self, message: RTVIMessage) -> None:
        data = message.data if isinstance(message.data, dict) else {}
        digits = data.get("buttons", data.get("button"))
        if isinstance(digits, list) and all(isinstance(one, str) for one in digits):
            digits = "".join(digits)
        if not isinstance(digits, str) or not digits or not set(digits) <= DIGITS:
            self._fail(message, "dtmf must have 'buttons': digits, * and #")
            return
        if self._keys is None:
            self._keys = Keys(self.session, lambda reason: self.put(create_error(reason)))
            self.session.run("keys", self._keys.run())
        for digit in digits:
            self._keys.press(digit)

    def _disconnect(self, message: RTVIMessage) -> None:
        self.session.close("the client disconnected")

    def _function_result(self, message: RTVIMessage) -> None:
        data = message.data if isinstance(message.data, dict) else {}
        id, result = str(data.get("tool_call_id")), data.get("result")
        try:
            if self.session.calls.receive({"id": id, "data": result}) is False:
                self._fail(message, "There is no such function call")
                return
        except ValueError as error:  # it comes too late
            self._fail(message, str(error))
            return
        self.put(self._outgoing.function_stopped(id, result))

    def _function_dropped(self, id: str) -> None:
        # in any thread; after the call, which is sent in the same way
        self.session.outbox.post(json.dumps({"type": CALL_DROPPED, "id": id}))

    def _other(self, message: RTVIMessage) -> None:
        passed: dict[str, Any] = {"type": message.type, "data": message.data}
        if not self._messages.receive(passed, message.size):
            self._fail(message, f"Messages of the type {message.type[:100]!r} are not supported")

    @property
    def _messages(self) -> ClientMessages:
        return self.session.messages
