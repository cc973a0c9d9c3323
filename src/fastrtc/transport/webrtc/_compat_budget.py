"""How much work a peer can cause aiortc and aioice is bounded here; see also ``_compat_limits``.

Both do for each packet what it asks for. Where that grows with a number in the packet, or with
what came before, the number is bounded; the packets themselves are counted. What is touched are
private names, seen in aiortc 1.15 and 1.16, aioice 0.10 to 0.13. Where one is missing, its bound
is, too.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import aiortc.rtcrtpreceiver
from aioice import stun
from aiortc import RTCPeerConnection

from ...core.limits import Limits, RateLimit
from ...core.seldom import Seldom
from ._compat import ice_connections
from .guard import guarded
from .ice_targets import SendAllowance, TargetPolicy
from .packet_budget import (
    DATA,
    FORWARD_TSN,
    SACK,
    MalformedPacket,
    PacketBudget,
    Persistence,
    SctpChunk,
    clip_gaps,
    sctp_chunks,
)

__all__ = ["limit_work"]

logger = logging.getLogger(__name__)

MAX_WAITING = 1024
"""Datagrams that wait for DTLS. It takes them at once; before its handshake, a few."""

MAX_REFLEXIVE = 16
"""Addresses of a peer that it did not announce (RFC 8445 section 7.3.1.3). The oldest without use
makes room: a phone that changes networks has a new one each time."""

MAX_ADDRESSES = 64
"""Addresses from which a peer has shown that it knows the password."""

MAX_ROLE_CONFLICTS = 1
"""Role conflicts (RFC 8445 section 7.3.1.1) of a pair of addresses, and changes of the own role:
one settles who controls."""

SCTP_BURST_S = 2.0
"""For how many seconds' worth of SCTP a peer may be ahead."""

SCTP_WORK_PER_MESSAGE = 4.0
"""Units of work for SCTP per second, for each message that a peer may send. A unit, some 50
microseconds, is a SACK, or a walk through 64 chunks; answering a control chunk is 4."""

MALFORMED_WORK = 50.0
"""Units that a malformed SCTP packet counts as."""

MAX_STREAMS = 64
"""Streams that a FORWARD TSN may begin; see ``_compat_limits.MAX_STREAMS``."""

MAX_GAP = 128
"""RTP packets that may be missing at once for each to be asked for again (aiortc's
``RTP_HISTORY_SIZE``): of more, no sender has the first ones any more."""

JUMPS_PER_S, JUMPS_BURST_S = 5.0, 5.0
"""Jumps of more than ``MAX_GAP`` sequence numbers per second, and for how many seconds' worth a
peer may be ahead. A network that was gone causes one; aiortc clears its buffer of 512 for each."""

RETRANSMISSIONS_AHEAD = 256.0
"""RTP packets that are sent again beyond one for each that was sent. With half of all lost, each
is sent twice on average."""

KEY_FRAME_EVERY_S = 0.3
"""How often a peer gets a key frame, in seconds. libwebrtc asks again after 0.2 s at least, and
goes on asking until it has one."""

_failures = Seldom()


class _Abuse:
    """Ends a connection once."""

    def __init__(self, on_abuse: Callable[[str], None]) -> None:
        self._on_abuse = on_abuse
        self.ended = False

    def __call__(self, reason: str) -> None:
        if not self.ended:
            self.ended = True
            self._on_abuse(reason)


def limit_work(
    pc: RTCPeerConnection,
    limits: Limits,
    policy: TargetPolicy,
    allowance: SendAllowance,
    on_abuse: Callable[[str], None],
) -> list[PacketBudget]:
    """Bound what the packets of a peer cost.

    To be called when the offer has been set, before the own candidates are gathered.

    Args:
        pc: The connection.
        limits: How many packets and messages it may send.
        policy: Where STUN requests may go.
        allowance: How many bytes of STUN may go to addresses that have not answered.
        on_abuse: Called once, with the reason, when the peer goes on sending too much.

    Returns:
        The budget of each transport, which counts what was dropped.
    """
    abuse = _Abuse(on_abuse)
    budgets = {}
    for connection in ice_connections(pc):
        budget = budgets[connection] = PacketBudget(limits.packets_per_s)
        _IceGuard(connection, budget, policy, allowance, abuse)
    for transport in _dtls_transports(pc):
        connection = getattr(transport.transport, "_connection", None)
        if connection in budgets:
            _limit_streams(transport, budgets[connection], allowance, abuse)
    for transceiver in pc.getTransceivers():
        _limit_receiver(transceiver.receiver)
        _limit_sender(transceiver.sender)
    if pc.sctp is not None:
        _limit_sctp(pc.sctp, limits.messages_per_s, abuse)
    return list(budgets.values())


def _dtls_transports(pc: RTCPeerConnection) -> list[Any]:
    transports = [t.receiver.transport for t in pc.getTransceivers()]
    if pc.sctp is not None:
        transports.append(pc.sctp.transport)
    return list({id(t): t for t in transports}.values())


# ICE


class _IceGuard:
    """Bounds the STUN of an ``aioice.Connection``, and the datagrams that come to it."""

    def __init__(
        self,
        connection: Any,
        budget: PacketBudget,
        policy: TargetPolicy,
        allowance: SendAllowance,
        abuse: _Abuse,
    ) -> None:
        self._connection = connection
        self._budget = budget
        self._policy = policy
        self._allowance = allowance
        self._abuse = abuse
        self._loop = asyncio.get_running_loop()
        self._peers: dict[tuple[str, int], bool] = {}  # and whether they have answered
        self._conflicts: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
        self._switches = 0
        self._size = 0  # of the datagram that is being looked at
        self._hook("request_received", self._request_received)
        self._hook("respond_error", self._respond_error)
        self._hook("check_incoming", self._check_incoming)
        self._hook("check_start", self._check_start)
        self._hook("check_state", self._check_state)
        self._hook("switch_role", self._switch_role)
        self._hook("gather_candidates", self._gather_candidates)
        self._hook("data_received", self._data_received)
        self._hook("_add_remote_candidate", self._add_remote_candidate)
        self._prune()

    def _hook(self, name: str, replacement: Callable[..., Any]) -> None:
        """Have a method called with the original as its first argument."""
        original = getattr(self._connection, name, None)
        if original is None:
            return

        def hooked(*args: Any, **kwargs: Any) -> Any:
            return replacement(original, *args, **kwargs)

        setattr(self._connection, name, hooked)

    # Targets

    def _prune(self) -> None:
        """Forget the candidates of the offer that may not be sent to."""
        candidates = getattr(self._connection, "_remote_candidates", None)
        if isinstance(candidates, list):
            candidates[:] = [c for c in candidates if self._policy.admits(c.host, c.port)]

    def _add_remote_candidate(self, add: Any, candidate: Any, host: str) -> None:
        if self._policy.admits(host, candidate.port):
            add(candidate, host)
        else:
            logger.debug("A candidate is left out: the server may not send to its address")

    # Roles

    async def _check_start(self, start: Any, pair: Any) -> None:
        if pair.state is pair.State.IN_PROGRESS:  # it begins anew after a role conflict
            self._conflicts[pair] = self._conflicts.get(pair, 0) + 1
            if self._conflicts[pair] > MAX_ROLE_CONFLICTS:
                self._connection.check_state(pair, pair.State.FAILED)
                self._connection.check_complete(pair)
                return
        await start(pair)

    def _switch_role(self, switch: Any, ice_controlling: bool) -> None:
        if ice_controlling == self._connection.ice_controlling:
            return
        if self._switches < MAX_ROLE_CONFLICTS:
            self._switches += 1
            switch(ice_controlling=ice_controlling)

    # Requests

    def _request_received(self, receive: Any, message: Any, addr: Any, protocol: Any) -> None:
        if self._policy.allows_source(addr[0]):
            receive(message, addr, protocol)

    def _respond_error(
        self, respond: Any, request: Any, addr: Any, protocol: Any, error_code: tuple[int, str]
    ) -> None:
        """Answer no request without a valid password: its sender may have forged its address."""
        if error_code[0] not in (400, 401):
            respond(request, addr, protocol, error_code)

    def _check_incoming(self, check: Any, message: Any, addr: Any, protocol: Any) -> None:
        candidates = self._connection._remote_candidates
        if "PRIORITY" not in message.attributes:
            return
        for candidate in candidates:
            if (getattr(candidate, "_network_host", candidate.host), candidate.port) == addr:
                break
        else:
            reflexive = [c for c in candidates if c.type == "prflx"]
            if len(reflexive) >= MAX_REFLEXIVE and not self._forget_one_of(reflexive):
                return
        check(message, addr, protocol)

    def _forget_one_of(self, reflexive: list[Any]) -> bool:
        connection = self._connection
        nominated = list(connection._nominated.values())
        for candidate in reflexive:
            pairs = [p for p in connection._check_list if p.remote_candidate is candidate]
            if any(p.task is not None or p in nominated for p in pairs):
                continue
            connection._remote_candidates.remove(candidate)
            for pair in pairs:
                connection._check_list.remove(pair)
            return True
        return False

    def _check_state(self, set_state: Any, pair: Any, state: Any) -> None:
        if state is pair.State.SUCCEEDED:
            self._know(pair.remote_addr, answered=True)
        set_state(pair, state)

    def _know(self, address: tuple[str, int], answered: bool) -> None:
        self._peers[address] = answered or self._peers.get(address, False)
        if len(self._peers) > MAX_ADDRESSES:
            others = (a for a, answered in self._peers.items() if not answered and a != address)
            del self._peers[next(others, next(iter(self._peers)))]

    # Datagrams

    async def _gather_candidates(self, gather: Any) -> None:
        await gather()
        for protocol in getattr(self._connection, "_protocols", []):
            self._guard(protocol)

    def _guard(self, protocol: Any) -> None:
        receive, send = protocol.datagram_received, protocol.send_stun

        def datagram_received(data: bytes, addr: Any) -> None:
            if not self._admits(data, (addr[0], addr[1])):
                return
            self._size = len(data)
            try:
                receive(data, addr)
            except Exception:  # of what aioice cannot read; asyncio would log each
                _failures.log(logger.debug, "A STUN message could not be read", exc_info=True)

        def send_stun(message: Any, addr: tuple[str, int]) -> None:
            if self._may_send(message, (addr[0], addr[1])):
                send(message, addr)

        protocol.datagram_received = datagram_received
        protocol.send_stun = send_stun

    @guarded(True)
    def _admits(self, data: bytes, address: tuple[str, int]) -> bool:
        now = self._loop.time()
        known = address in self._peers or self._is_nominated(address)
        if self._budget.admits(data, known, now):
            return True
        if known and self._budget.goes_on(now):
            self._abuse("The client sends too many packets")
        return False

    @guarded(True)
    def _may_send(self, message: Any, address: tuple[str, int]) -> bool:
        is_request = message.message_class == stun.Class.REQUEST
        if not is_request:
            self._allowance.earn(self._size)  # by a request with a valid password
            self._size = 0
            if message.message_class == stun.Class.RESPONSE:
                self._know(address, answered=False)
        elif address not in self._peers and not self._policy.allows(*address):
            return False
        answered = self._peers.get(address, False) or self._is_nominated(address)
        return answered or self._allowance.spend(len(bytes(message)))

    def _is_nominated(self, address: tuple[str, int]) -> bool:
        pairs = self._connection._nominated.values()
        return any(pair.remote_addr == address for pair in pairs)

    def _data_received(self, receive: Any, data: Any, component: Any) -> None:
        queue = self._connection._queue
        if data is None or queue.qsize() < MAX_WAITING:
            receive(data, component)


# RTP and RTCP


def _limit_streams(
    transport: Any, budget: PacketBudget, allowance: SendAllowance, abuse: _Abuse
) -> None:
    """Bound the RTP streams of a peer, and let no packet that aiortc cannot read end it all."""
    ice = transport.transport
    receive = getattr(ice, "_recv", None)
    handle_rtp = getattr(transport, "_handle_rtp_data", None)
    handle_rtcp = getattr(transport, "_handle_rtcp_data", None)
    if receive is None or handle_rtp is None or handle_rtcp is None:
        return
    loop = asyncio.get_running_loop()
    persistence = Persistence()

    def drop() -> None:
        if persistence.goes_on(loop.time()):
            abuse("The client sends too many packets that are of no use")

    @guarded(True)
    def has_room(data: bytes) -> bool:
        if budget.has_room_for(data):
            return True
        drop()
        return False

    @guarded(None)
    def note(data: bytes) -> None:
        budget.note_stream(data)
        allowance.earn_for_checks(len(data))

    async def receive_next() -> bytes:
        while not has_room(data := await receive()):
            pass
        datagram: bytes = data
        return datagram

    async def handle_rtp_data(data: bytes, arrival_time_ms: int) -> None:
        note(data)
        try:
            await handle_rtp(data, arrival_time_ms=arrival_time_ms)
        except ConnectionError:
            raise
        except Exception:
            _failures.log(logger.warning, "An RTP packet could not be processed", exc_info=True)
            drop()

    async def handle_rtcp_data(data: bytes) -> None:
        note(data)
        try:
            await handle_rtcp(data)
        except ConnectionError:
            raise
        except Exception:
            _failures.log(logger.warning, "An RTCP packet could not be processed", exc_info=True)
            drop()

    ice._recv = receive_next
    transport._handle_rtp_data = handle_rtp_data
    transport._handle_rtcp_data = handle_rtcp_data


class _NackGenerator(aiortc.rtcrtpreceiver.NackGenerator):
    """One that does not count through a jump of sequence numbers, which is up to 32767."""

    def add(self, packet: Any) -> bool:
        """Note a packet; return whether some before it are missing."""
        if self.max_seq is not None:
            ahead = (packet.sequence_number - self.max_seq) & 0xFFFF
            if MAX_GAP < ahead < 0x8000:
                self.missing.clear()
                self.max_seq = packet.sequence_number
                return False
        return super().add(packet)


def _limit_receiver(receiver: Any) -> None:
    name = "_RTCRtpReceiver__nack_generator"
    if getattr(receiver, name, None) is not None:
        setattr(receiver, name, _NackGenerator())
    _limit_jumps(receiver)
    run = getattr(receiver, "_run_rtcp", None)
    exited = getattr(receiver, "_RTCRtpReceiver__rtcp_exited", None)
    if run is None or exited is None:
        return

    async def run_rtcp() -> None:
        """Send reports; without them, if one cannot be made: stop() would wait without end."""
        try:
            await run()
        except Exception:  # a jitter of over 32 bits, of timestamps that make no sense
            _failures.log(logger.debug, "RTCP reports have ended", exc_info=True)
        finally:
            exited.set()

    receiver._run_rtcp = run_rtcp


def _limit_jumps(receiver: Any) -> None:
    handle = getattr(receiver, "_handle_rtp_packet", None)
    if handle is None:
        return
    loop = asyncio.get_running_loop()
    rate = RateLimit(JUMPS_PER_S, JUMPS_BURST_S)
    last: dict[int, int] = {}  # sequence number of each stream, of which there are few

    async def handle_rtp_packet(packet: Any, arrival_time_ms: int) -> None:
        number = packet.sequence_number
        ahead = (number - last.get(packet.ssrc, number)) & 0xFFFF
        if MAX_GAP < ahead < 0x10000 - MAX_GAP and not rate.allows(loop.time()):
            return
        last[packet.ssrc] = number
        await handle(packet, arrival_time_ms=arrival_time_ms)

    receiver._handle_rtp_packet = handle_rtp_packet


def _limit_sender(sender: Any) -> None:
    """Bound what a peer can have sent again: packets (RFC 4585 NACK) and key frames."""
    loop = asyncio.get_running_loop()
    retransmit = getattr(sender, "_retransmit", None)
    send_key_frame = getattr(sender, "_send_keyframe", None)
    counter = "_RTCRtpSender__packet_count"
    if retransmit is not None and hasattr(sender, counter):
        left, counted = RETRANSMISSIONS_AHEAD, 0

        async def retransmit_some(sequence_number: int) -> None:
            nonlocal left, counted
            sent = getattr(sender, counter)
            left, counted = min(RETRANSMISSIONS_AHEAD, left + sent - counted), sent
            if left >= 1:
                left -= 1
                await retransmit(sequence_number)

        sender._retransmit = retransmit_some
    if send_key_frame is not None:
        rate = RateLimit(1 / KEY_FRAME_EVERY_S, KEY_FRAME_EVERY_S)

        def send_key_frame_now_and_then() -> None:
            if rate.allows(loop.time()):
                send_key_frame()

        sender._send_keyframe = send_key_frame_now_and_then
    handle = getattr(sender, "_handle_rtcp_packet", None)
    if handle is not None:

        async def handle_rtcp_packet(packet: Any) -> None:
            lost = getattr(packet, "lost", None)
            if lost:  # 17 in 4 bytes, the same again and again as one likes
                packet.lost = list(dict.fromkeys(lost))
            await handle(packet)

        sender._handle_rtcp_packet = handle_rtcp_packet


# SCTP


def _limit_sctp(sctp: Any, messages_per_s: float, abuse: _Abuse) -> None:
    handle = getattr(sctp, "_handle_data", None)
    receive_sack = getattr(sctp, "_receive_sack_chunk", None)
    receive_forward_tsn = getattr(sctp, "_receive_forward_tsn_chunk", None)
    if handle is None or receive_sack is None or receive_forward_tsn is None:
        return
    loop = asyncio.get_running_loop()
    rate = RateLimit(SCTP_WORK_PER_MESSAGE * messages_per_s, SCTP_BURST_S)
    persistence = Persistence()

    @guarded(True)
    def admits(data: bytes) -> bool:
        try:
            work, malformed = sum(_work(sctp, chunk) for chunk in sctp_chunks(data)), False
        except MalformedPacket:
            work, malformed = MALFORMED_WORK, True
        now = loop.time()
        if rate.allows(now, work):
            return not malformed
        if persistence.goes_on(now):
            abuse("The client sends too much over its data channels")
        return False

    @guarded(None)
    def clip(chunk: Any) -> None:
        sent = sctp._sent_queue
        most = (sent[-1].tsn - chunk.cumulative_tsn) & 0xFFFFFFFF if sent else 0
        chunk.gaps = clip_gaps(chunk.gaps, most if most < 1 << 31 else 0)

    async def handle_data(data: bytes) -> None:
        if not abuse.ended and admits(data):
            await handle(data)

    async def receive_sack_chunk(chunk: Any) -> None:
        clip(chunk)
        await receive_sack(chunk)

    async def receive_forward_tsn_chunk(chunk: Any) -> None:
        streams = dict(chunk.streams)
        if len(streams.keys() | sctp._inbound_streams.keys()) > MAX_STREAMS:
            abuse("The client uses too many data channels")
            return
        chunk.streams = list(streams.items())
        await receive_forward_tsn(chunk)

    sctp._handle_data = handle_data
    sctp._receive_sack_chunk = receive_sack_chunk
    sctp._receive_forward_tsn_chunk = receive_forward_tsn_chunk


def _work(sctp: Any, chunk: SctpChunk) -> float:
    """Return what a chunk costs, in units; those of DATA themselves are counted as messages."""
    if chunk.type == DATA:
        stream = sctp._inbound_streams.get(chunk.stream)
        waiting = len(sctp._sack_misordered) + (len(stream.reassembly) if stream else 0)
        return waiting / 64
    if chunk.type == SACK:
        return 1 + chunk.items / 16 + len(sctp._sent_queue) / 64
    if chunk.type == FORWARD_TSN:
        return 1 + chunk.items / 4 + len(sctp._inbound_streams) / 8
    return 4.0 + chunk.items
