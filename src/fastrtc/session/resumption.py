"""A session whose client may resume it over another connection when its network is lost."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, Protocol

from ..core.close_reason import CloseReason
from ..core.identity import ClientRequest
from ..core.messages import end_message
from ..pacing.sent_audio import HeardUntil, SentAudio
from .events import call_with_context
from .hooks import OnReconnect
from .media import Media
from .message_history import MessageHistory
from .resume_secrets import ResumeSecrets
from .session import Session, State

__all__ = ["Resumable", "Resumption", "Return", "is_settled", "lose_network"]

logger = logging.getLogger(__name__)

SETTLED_S = 30.0
"""How long after a resume a client may close the connection because its own attempt has failed, in
seconds: as long as such an attempt may take. The session then waits for the next one."""

NOT_RETURNED = "The client did not return within {:g} s"


class Resumable(Protocol):
    """A transport that a session can be detached from.

    Attributes:
        max_unheard_s: How much audio may be sent until a lost network is noticed, in seconds.
    """

    max_unheard_s: float

    def send(self, text: str) -> None:
        """Send a message to the client; may raise if its channel is closed."""

    def bind(self) -> None:
        """Use the media of the session, from which another transport was detached."""

    def detach(self) -> None:
        """Send and receive nothing for the session any more."""

    def heard_until(self, heard: int | None) -> HeardUntil:
        """Return how far the client has heard the audio.

        Args:
            heard: What the client says: the RTP timestamp of the last frame that it has played, or
                the number of samples.
        """

    @property
    def heard_at(self) -> float | None:
        """When the client was heard last, on the clock of the loop; None if that is unknown."""

    async def close(self, reason: CloseReason) -> None:
        """Send the remaining messages, and close the connection."""


@dataclass(frozen=True)
class Return:
    """A client that returns, over a transport that is not established yet.

    Attributes:
        transport: The transport.
        request: Its request, which becomes that of the context.
        websocket: Its WebSocket; None over WebRTC.
        received: How many messages it has received in this session; None if it did not say.
        heard: How much audio it has heard; see ``Resumable.heard_until``.
    """

    transport: Resumable
    request: ClientRequest | None = None
    websocket: Any = None
    received: int | None = None
    heard: int | None = None


class Resumption:
    """Suspend a session when the network of its client is lost, until the client returns.

    While it is suspended, the handler, its tasks and its queue live; its audio pauses, and messages
    are queued.

    Args:
        session: The session.
        media: Its media.
        transport: Its first transport.
        within_s: How long it waits for its client, in seconds.
        on_reconnect: Called when the client has returned; None for nothing.

    Attributes:
        secrets: The secrets of the client.
        within_s: How long it waits for its client, in seconds.
        suspended: Whether it waits for its client.
        suspended_at: Since when, on the clock of the loop.
        transport: The transport, also one that is not established yet; None while there is none.
    """

    def __init__(
        self,
        session: Session,
        media: Media,
        transport: Resumable,
        within_s: float,
        on_reconnect: OnReconnect | None,
    ) -> None:
        self.secrets = ResumeSecrets()
        self.within_s = within_s
        self.suspended = False
        self.suspended_at = -math.inf
        self.transport: Resumable | None = transport
        self._session = session
        self._media = media
        self._on_reconnect = on_reconnect
        self._settles_at = -math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._heard_at: float | None = None  # of the connection that was lost
        self._lost: Resumable | None = None
        self._return: Return | None = None
        self._untold: Return | None = None  # gets what it has missed once it can
        self._closing: set[asyncio.Task[None]] = set()
        session.outbox.history = MessageHistory()
        if media.audio_out is not None and media.audio_out.playout is not None:
            media.audio_out.sent = SentAudio()
            media.audio_out.sent.max_s = transport.max_unheard_s
        session.on_close(self._close)

    @property
    def settled(self) -> bool:
        """Whether a client that closes its connection ends the session."""
        return self._session.loop.time() >= self._settles_at

    @property
    def connecting(self) -> bool:
        """Whether a client that returns is not connected yet."""
        return self.suspended and self.transport is not None

    def lose(self, transport: Resumable, text: str) -> None:
        """Suspend the session: the network of a transport is lost.

        Args:
            transport: The transport; one that was replaced is ignored.
            text: Why, for the log.
        """
        if transport is not self.transport:
            return
        logger.debug("Session %s: %s; it waits for its client", self._session.id, text)
        self._detach(transport, CloseReason(text=text))

    def take_over(self, back: Return) -> None:
        """Use the transport of a client that returns, once it is established.

        The client of the present transport, if there is one, is evicted.
        """
        before = self.transport
        if before is not None:
            text = "Another connection of the client has replaced this one"
            if not self.suspended:
                try:
                    before.send(end_message(text, "replaced"))
                except Exception:
                    logger.debug("A client that is replaced has gone", exc_info=True)
            self._detach(before, CloseReason(text=text, end="replaced"))
        if self._lost is not None and self._media.audio_out is not None:
            self._media.audio_out.rewind(self._lost.heard_until(back.heard))
        self._lost = None
        self.transport, self._return = back.transport, back
        self._settles_at = math.inf
        self._wait()  # once more: a busy server may take its time to connect
        try:
            back.transport.bind()
        except Exception as error:  # from the handler's set_channel()
            self._session.report(error)

    def established(
        self, transport: Resumable, *, confirmed: bool = True, takes_messages: bool = True
    ) -> None:
        """Continue the session over a transport that is established now.

        Args:
            transport: The transport.
            confirmed: Whether the client surely has its next secret; otherwise ``confirm`` follows.
            takes_messages: Whether it can send messages. Otherwise they wait until this is called
                again.
        """
        if transport is not self.transport or self._session.ended:
            return
        if self._return is not None:
            self._untold, self._return = self._return, None
            self._go_on(self._untold)
            if confirmed:
                self.confirm(transport)
        if takes_messages and (back := self._untold) is not None:
            self._untold = None
            self._session.outbox.resume(back.transport.send, back.received, self._heard_at)

    def confirm(self, transport: Resumable) -> None:
        """Accept only the next secret from now on: the client has it.

        Args:
            transport: The transport over which it shows that; one that was replaced is ignored.
        """
        if transport is self.transport and not self.suspended:
            self.secrets.established()

    def _go_on(self, back: Return) -> None:
        session, transport = self._session, back.transport
        self.suspended = False
        self._settles_at = session.loop.time() + SETTLED_S
        if self._timer is not None:
            self._timer.cancel()
        context = session.user_context
        context.request, context.websocket = back.request, back.websocket
        if (audio_out := self._media.audio_out) is not None:
            if audio_out.sent is not None:
                audio_out.sent.max_s = transport.max_unheard_s
            audio_out.attach()
        session.timers.client_active()
        if self._on_reconnect is not None:
            call = call_with_context(session, "on_reconnect", self._on_reconnect)
            session.run("on_reconnect", call)

    def _detach(self, transport: Resumable, reason: CloseReason) -> None:
        self.transport = None
        if not self.suspended:
            self.suspended, self.suspended_at = True, self._session.loop.time()
            self._lost = transport
            if self._untold is None:  # else nothing was sent since the connection before
                self._heard_at = transport.heard_at
            self._untold = None
            self._session.outbox.suspend()
            if self._media.audio_in is not None:
                self._media.audio_in.flush()  # an utterance ends as by silence
            if self._media.audio_out is not None:
                self._media.audio_out.detach()
            self._wait()
        transport.detach()
        closing = self._session.loop.create_task(
            self._close_lost(transport.close(reason)), name=f"fastrtc-{self._session.id}:lost"
        )
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    def _wait(self) -> None:
        """Wait for the client from now on, for ``within_s``."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._session.loop.call_later(self.within_s, self._expire)

    def _expire(self) -> None:
        self._session.close(NOT_RETURNED.format(self.within_s), end="closed")

    async def _close_lost(self, closing: Awaitable[None]) -> None:
        try:
            await closing
        except Exception:
            logger.exception("Session %s: a lost connection did not close", self._session.id)

    async def _close(self, reason: CloseReason) -> None:
        """Wait until lost connections are closed: the session ends."""
        if self._timer is not None:
            self._timer.cancel()
        self._lost = self._return = self._untold = None
        if self._closing:
            await asyncio.wait(self._closing)


def lose_network(session: Session, transport: Resumable, text: str) -> None:
    """Suspend a session whose network is lost if its client may resume it; otherwise end it.

    Args:
        session: The session.
        transport: The transport; one that was replaced is ignored.
        text: Why.
    """
    if session.resumption is None or session.state is not State.LIVE:
        session.close(text)
    else:
        session.resumption.lose(transport, text)


def is_settled(session: Session) -> bool:
    """Return whether a client that closes its connection ends the session."""
    return session.resumption is None or session.resumption.settled
