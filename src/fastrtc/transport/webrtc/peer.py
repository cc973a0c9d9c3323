"""The WebRTC transport of a session."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

from aiortc import (
    InvalidStateError,
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCSessionDescription,
)

from ...core.close_reason import POLICY_VIOLATION, CloseReason
from ...core.diagnosis import Diagnosis
from ...core.errors import InvalidOffer, SessionRefused
from ...core.failures import as_exception
from ...core.ice import Ice
from ...core.limits import DEFAULT_LIMITS, Limits
from ...core.messages import current_channel
from ...core.stats import ConnectionStats
from ...core.types import Mode
from ...handlers.base import StreamHandlerBase
from ...pacing.playout import Playout
from ...pacing.sent_audio import MAX_SENT_S, HeardUntil
from ...session.media import Media
from ...session.resumption import is_settled, lose_network
from ...session.session import Session
from ._aiortc.address import Follower, follow_address
from ._aiortc.closing import close_connection, close_sockets, close_while_connecting
from ._aiortc.consent import watch_consent
from ._aiortc.direct_packets import receive_directly
from ._aiortc.gathering import gather_on
from ._aiortc.messages import flush_messages
from ._aiortc.picture_size import limit_pictures
from ._aiortc.process import patch_process
from ._aiortc.registry import REGISTRY
from ._aiortc.sctp_messages import limit_messages
from ._aiortc.turn import watch_turn
from ._aiortc.work import limit_work
from .candidate_intake import CandidateIntake
from .candidates import Candidate
from .channel_messages import ChannelMessages, count_sent
from .configuration import is_relay_only
from .diagnostics import Diagnostics
from .figures import Figures
from .guard import guarded, watch_listeners
from .ice_targets import SendAllowance, TargetPolicy, client_place
from .media_track import MediaCallback
from .offer import Offer
from .opus import LOWER_RATES
from .peer_media import PeerMedia
from .ports.ice_ports import IcePorts
from .second_video import SecondVideo
from .tracks import make_tracks

__all__ = ["Peer"]

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 30.0
"""How long a client may take to connect after its offer."""

CHANNEL_TIMEOUT_S = 2.0
"""How long a connected client that offers data may take to open its channel before the handler
starts without it. It takes some three round trips; browsers retransmit after 1 s, and some clients
offer data and never open a channel."""

FLUSH_TIMEOUT_S = 0.5
"""How long to wait for the last messages to be sent while a connection closes."""

DEFAULT_PORTS = IcePorts(Ice())
"""Random ports on all addresses."""


class Peer:
    """Answer an offer, and carry a session's media and messages over WebRTC.

    Args:
        session: The session.
        media: Its media.
        mode: The direction of the stream.
        configuration: The server's ICE servers and policy.
        limits: The resource limits of the client.
        ports: The ports and addresses of the server.
        messages: The messages over the data channel; None for those of this package's clients.
        resumes: Whether a client resumes the session over this connection.

    Attributes:
        pc: The connection.
        tracks: The tracks that programs find in ``connections[id]``.
        channel: The data channel, once the client has opened it.
        connected: Set when the connection is established.
        second_video: Takes the second video that the client sends; None if nothing does.
    """

    max_unheard_s = MAX_SENT_S

    def __init__(
        self,
        session: Session,
        media: Media,
        mode: Mode,
        configuration: RTCConfiguration,
        limits: Limits = DEFAULT_LIMITS,
        ports: IcePorts = DEFAULT_PORTS,
        messages: ChannelMessages | None = None,
        *,
        resumes: bool = False,
    ) -> None:
        self.session = session
        self.media = media
        self.mode = mode
        self.limits = limits
        self.ports = ports
        self._release_ports: Callable[[], None] = lambda: None
        self.pc = RTCPeerConnection(configuration)
        self._relay_only = is_relay_only(configuration)
        self.tracks: list[MediaCallback] = make_tracks(session, media, mode)
        self.channel: RTCDataChannel | None = None
        self.connected = asyncio.Event()
        self.second_video: SecondVideo | None = None
        self._open = asyncio.Event()  # set once the channel is open
        self._messages = ChannelMessages(session) if messages is None else messages
        self._allowance = SendAllowance()
        self._targets = TargetPolicy(limits.private_candidates, client_place.get())
        self._intake = CandidateIntake(
            self.pc,
            limits.candidates,
            self._targets,
            self._allowance,
            lambda work: session.run("candidates", work),
        )
        self._diagnostics = Diagnostics(
            self.pc, session, self._intake, self._targets, ports, relay_only=self._relay_only
        )
        self._figures = Figures(self.pc, session, media)
        self._rtp = PeerMedia(session, media, self.tracks, self._figures, resumes=resumes)
        self._followers: Mapping[int, Follower] = {}
        if not resumes:
            self._figures.bind(self.stats)
        self._timeout: asyncio.Handle = asyncio.get_running_loop().call_later(
            CONNECT_TIMEOUT_S, self._give_up, f"not connected within {CONNECT_TIMEOUT_S:.0f} s"
        )
        watch_listeners(self.pc)
        self.pc.on("connectionstatechange", self._state_changed)
        self.pc.on("datachannel", self._channel_opened)
        self._resumes = resumes
        self._detached = False
        self._has_offer = False  # aiortc writes the whole offer anew when asked for it
        session.context.run(current_channel.set_source, lambda: session.channel)
        session.on_close(self.close)

    @property
    def has_offer(self) -> bool:
        """Whether aiortc has the offer, so that candidates can be added."""
        return self._has_offer and not self._detached

    @property
    def ended(self) -> bool:
        """Whether the connection is closed, or about to be."""
        return self.session.ended or self.pc.connectionState in ("closed", "failed")

    def on_channel(self, callback: Callable[[], None]) -> None:
        """Register a callback for the opening of a data channel."""

        @guarded(None)
        def call_back(_: RTCDataChannel) -> None:
            callback()

        self.pc.on("datachannel", call_back)

    async def answer(self, offer: Offer) -> dict[str, str]:
        """Answer an offer.

        Returns:
            ``{"sdp", "type"}``.

        Raises:
            InvalidOffer: If aiortc rejects it.
            SessionRefused: If the server has no candidate because its TURN server failed, if the
                installed aiortc does not support the bounds on what clients can cost, or if the
                session has another transport in the meantime.
        """
        REGISTRY.require_bounds()
        patch_process()
        pc = self.pc
        close_while_connecting(pc)
        self._allowance.earn(len(offer.sdp))
        self._intake.begin(offer)
        try:
            await pc.setRemoteDescription(RTCSessionDescription(offer.sdp, "offer"))
            self._has_offer = True
            self._rtp.attach(pc, offer, self.second_video)
            if pc.sctp is not None:
                limit_messages(pc, self.limits.messages_per_s, self._abused)
            self._release_ports = gather_on(pc, self.ports, relay_only=self._relay_only)
            bounds = limit_work(pc, self.limits, self._targets, self._allowance, self._abused)
            with watch_turn() as attempts, limit_pictures(self.limits.pixels):
                await pc.setLocalDescription(await pc.createAnswer())
        except SessionRefused:
            raise
        except Exception as error:  # aiortc raises many types, from ValueError to KeyError
            if self._detached:
                raise SessionRefused("connection_closed") from error
            raise InvalidOffer(f"The offer cannot be answered: {error}") from error
        finally:
            if self.session.ended or self._detached:  # in the meantime
                await pc.close()
                await self.close_sockets()
        if self._detached:
            raise SessionRefused("connection_closed")
        self._diagnostics.answered(attempts)
        watch_consent(pc, self._consent_expired)
        self._followers = follow_address(pc, lambda check: self.session.run("address", check))
        receive_directly(pc, bounds, self._followers, self.session.loop.time)
        if offer.later_candidates:
            self._intake.look_up(offer.later_candidates)
        answer = offer.complete_answer(pc.localDescription.sdp)
        return {"sdp": answer, "type": pc.localDescription.type}

    async def add_candidate(self, candidate: Candidate) -> None:
        """Add a trickled candidate; does not wait for the resolution of a multicast DNS name.

        Raises:
            SessionRefused: If the client has offered too many, or the connection is closed.
            ValueError: If it names no section.
        """
        try:
            await self._intake.add(candidate)
        except InvalidStateError as error:  # closed in the meantime
            raise SessionRefused("connection_closed") from error

    async def add_early(self, candidates: Iterable[Candidate]) -> None:
        """Add candidates that arrived before the answer; invalid ones are ignored.

        Raises:
            SessionRefused: As ``add_candidate``.
        """
        for candidate in candidates:
            try:
                await self.add_candidate(candidate)
            except ValueError as error:
                logger.debug("An early candidate is ignored: %s", error)

    @guarded(None)
    def _state_changed(self) -> None:
        state = self.pc.connectionState
        if self._detached:
            return
        logger.debug("Session %s: the connection is %s", self.session.id, state)
        if state == "connected":
            self._timeout.cancel()
            self.connected.set()
            if self.pc.sctp is None or self._open.is_set():
                self._established()
            else:  # so that start_up() of a handler has its channel
                loop = asyncio.get_running_loop()
                self._timeout = loop.call_later(CHANNEL_TIMEOUT_S, self._established)
        elif state == "failed":
            self._give_up("the connection failed")
        elif state == "closed":
            if is_settled(self.session):
                self.session.close("the client disconnected")
            else:
                lose_network(self.session, self, "the client gave up")

    def _give_up(self, reason: str) -> None:
        if not self.connected.is_set():
            self._diagnostics.log_failure(reason)
        lose_network(self.session, self, reason)

    def _established(self) -> None:
        """Start the session, or continue it: the connection is established."""
        resumption = self.session.resumption
        if not self._resumes:
            self.session.start()
        elif resumption is not None and not self._detached:
            ready = self.pc.sctp is None or self._open.is_set()
            resumption.established(self, takes_messages=ready)
        if resumption is not None:
            self._rtp.watch_outages(self.pc, lambda: self.heard_at, lambda: self._detached)

    @guarded(None)
    def _abused(self, reason: str) -> None:
        if self._detached:
            return
        logger.warning("Session %s: %s; closing the connection", self.session.id, reason)
        self.session.close(reason, POLICY_VIOLATION, tell=True)

    @guarded(None)
    def _consent_expired(self) -> None:
        self._diagnostics.vanished = True
        lose_network(self.session, self, "the client vanished")

    @guarded(None)
    def _channel_opened(self, channel: RTCDataChannel) -> None:
        if self._detached or not self._messages.accepts(channel.label):
            return
        self.channel = self.session.channel = channel
        if self.session.resumption is not None:  # the client counts what it receives
            count_sent(channel, self.session.outbox)
        watch_listeners(channel)
        channel.on("message", self._message)
        handler = self.session.handler
        if isinstance(handler, StreamHandlerBase):
            try:
                handler.set_channel(channel)
            except BaseException as error:  # must not reach aiortc
                self.session.report(as_exception("set_channel", error))
        for track in self.tracks:
            track.set_channel(channel)
        self._messages.open(channel, resumes=self._resumes)
        self._open.set()
        if self.connected.is_set():
            self._timeout.cancel()
            # call_soon: first notify the other listeners of the channel
            self._timeout = asyncio.get_running_loop().call_soon(self._established)

    def clear(self) -> None:
        """Drop audio that is queued but not yet sent; callable from any thread."""
        self.media.clear()

    def unplayed_s(self) -> float:
        """Return the audio that is queued but not sent, in seconds; callable from any thread."""
        return self.media.queued_s()

    def send(self, text: str) -> None:
        """Send a message over the data channel, on the event loop; dropped without a channel."""
        self._messages.send(text)

    def bind(self) -> None:
        """Use the media of the session, from which another transport was detached."""
        self.media.use_no_buffer()
        if self.media.audio_out is not None:
            self.media.audio_out.use_playout(Playout(lower_rates=LOWER_RATES))
        self.session.tells_codes = True
        self._figures.bind(self.stats)

    def detach(self) -> None:
        """Send and receive nothing for the session any more; ``close`` follows."""
        self._detached = True
        self._timeout.cancel()
        self.session.closers.remove(self.close)
        self._rtp.stop_receiving()
        self._rtp.stop_sending()

    @property
    def heard_at(self) -> float | None:
        """When the last datagram of the client arrived, on the clock of the loop."""
        times = [one.heard_at for one in self._followers.values()]
        return max(times, default=0.0) or None

    def heard_until(self, heard: int | None) -> HeardUntil:
        """Return how far the client has heard the audio; see ``Resumable``."""
        return self._rtp.heard_until(heard, self.heard_at)

    @guarded(None)
    def _message(self, message: str | bytes) -> None:
        if not self._detached:
            self._messages.receive(message)

    def stats(self) -> ConnectionStats:
        """Return the figures of the connection."""
        return self._figures.read(self._rtp.receivers)

    def diagnose(self) -> Diagnosis:
        """Return the state of the connection, and why it is not established."""
        return self._diagnostics.read(connected=self.connected.is_set())

    async def close(self, reason: CloseReason) -> None:
        """Send the remaining messages, and close the connection."""
        self._timeout.cancel()
        self._rtp.stop_receiving()
        if not self._detached:
            await self._wait_for_channel()
        await flush_messages(self.pc, FLUSH_TIMEOUT_S)
        self._rtp.stop_sending()
        try:
            await close_connection(self.pc)
        finally:
            self._release_ports()

    async def close_sockets(self) -> None:
        """Close only the sockets, as the event loop ends; the session keeps its place."""
        try:
            await close_sockets(self.pc)
        finally:
            self._release_ports()

    async def _wait_for_channel(self) -> None:
        """Wait for the channel to open if messages are pending, such as why the start failed."""
        messages = self.session.outbox
        if messages.pending and self.pc.sctp is not None and self.pc.connectionState == "connected":
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._open.wait(), FLUSH_TIMEOUT_S)
