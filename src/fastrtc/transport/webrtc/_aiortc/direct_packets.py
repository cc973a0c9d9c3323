"""Process a peer's media where its packets arrive, without aioice's queue and a task switch."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Coroutine, Mapping
from struct import Struct
from typing import Any

from aiortc import RTCPeerConnection

from ....core.log_throttle import LogThrottle
from ..guard import guarded
from ..packet_budget import PacketBudget
from .address import Follower
from .audio_packets import packet_tap
from .patch import Patch
from .rtp_streams import StreamBounds
from .transports import ICE_CONNECTION, dtls_transports
from .work import Bounds

__all__ = ["PATCH", "receive_directly"]

logger = logging.getLogger(__name__)

PATCH = Patch(
    name="direct packets",
    target="RTCDtlsTransport._recv_next",
    seen="aiortc 1.15 and 1.16, aioice 0.10 to 0.13",
    needs=(
        ICE_CONNECTION,
        "Connection()._nominated",
        "Connection()._protocols",
        "aioice.ice.CandidatePair.remote_addr",
        "RTCDtlsTransport()._state",
        "RTCDtlsTransport()._task",
        "RTCDtlsTransport()._rx_srtp",
        "RTCDtlsTransport()._rtp_router.ssrc_table",
        "RTCDtlsTransport()._handle_rtp_data",
        "RTCDtlsTransport()._handle_rtcp_data",
        "RTCDtlsTransport()._RTCDtlsTransport__rx_bytes",
        "RTCDtlsTransport()._RTCDtlsTransport__rx_packets",
        "RTCRtpReceiver()._enabled",
        "RTCRtpReceiver()._RTCRtpReceiver__active_ssrc",
        "RTCRtpReceiver()._RTCRtpReceiver__codecs",
        "RTCRtpReceiver()._RTCRtpReceiver__remote_streams",
        "aiortc.rtcdtlstransport.State.CONNECTED",
        "aiortc.rtcdtlstransport.is_rtcp",
        "aiortc.rtcrtpreceiver.StreamStatistics.add",
        "aiortc.clock.current_datetime",
        "aiortc.clock.current_ms",
        "aiortc.rtcdtlstransport.pylibsrtp.Error",
    ),
    lost="each packet costs more CPU time",
    upstream="upstream.md#smaller-proposals",
    delete_when="aiortc processes packets where they arrive",
)

SEEN_EVERY_S = 0.1
"""How often the time of the last packet of a source is updated, in seconds."""

_RTP_HEADER = Struct("!HLL")  # sequence number, timestamp, SSRC
_HEADER_BYTES = 12
_VERSION, _EXTENSION = 0x80, 0x10

_failures = LogThrottle()


class _Header:
    """The parts of an RTP packet that statistics need."""

    __slots__ = ("sequence_number", "timestamp")

    def __init__(self) -> None:
        self.sequence_number = self.timestamp = 0


class _AudioStream:
    """An RTP stream of audio whose packets aiortc does not decode.

    Args:
        receiver: Its ``RTCRtpReceiver``, whose packets are tapped (see ``take_packets``).
        ssrc: Its SSRC, of which the receiver has processed a packet.
        admits: See ``limit_receiver``.
    """

    def __init__(self, receiver: Any, ssrc: int, admits: Callable[[int, int], bool]) -> None:
        self.receiver = receiver
        self._ssrc = ssrc
        self._admits = admits
        self._types = receiver._RTCRtpReceiver__codecs
        self._sources = receiver._RTCRtpReceiver__active_ssrc
        self._add_statistics = receiver._RTCRtpReceiver__remote_streams[ssrc].add
        self._clock: Any = importlib.import_module("aiortc.clock")
        self._header = _Header()
        self._seen_at = 0.0

    def take(self, data: bytes, number: int, timestamp: int, now: float) -> bool:
        """Process a packet as ``RTCRtpReceiver._handle_rtp_packet`` does.

        Returns:
            False for an unusual packet, which was not processed.
        """
        receiver, first, payload_type = self.receiver, data[0], data[1] & 0x7F
        tap = packet_tap(receiver)
        if tap is None or payload_type not in self._types or not receiver._enabled:
            return False
        if first == _VERSION:
            begin = _HEADER_BYTES
        elif first == _VERSION | _EXTENSION and len(data) >= _HEADER_BYTES + 4:
            begin = _HEADER_BYTES + 4 + 4 * (data[14] << 8 | data[15])
            if begin > len(data):
                return False
        else:  # padding, or contributing sources
            return False
        if not self._admits(self._ssrc, number):
            return True
        if now - self._seen_at > SEEN_EVERY_S:
            self._seen_at, self._sources[self._ssrc] = now, self._clock.current_datetime()
        header = self._header
        header.sequence_number, header.timestamp = number, timestamp
        self._add_statistics(header)
        tap.sink.push(number, timestamp, payload_type, data[begin:])
        return True


class _DirectTransport:
    """Process the SRTP packets of an ``RTCDtlsTransport``."""

    def __init__(
        self,
        dtls: Any,
        budget: PacketBudget,
        streams: StreamBounds,
        bounds: Bounds,
        heard: Callable[[float], None],
        clock: Callable[[], float],
    ) -> None:
        self._dtls = dtls
        self._connection = dtls.transport._connection
        self._budget = budget
        self._streams = streams
        self._bounds = bounds
        self._heard = heard
        self._time = clock
        self._pair: Any = None
        self._source: Any = None  # the address of the pair
        self._audio: dict[int, _AudioStream] = {}
        self._suspends = False
        module: Any = importlib.import_module("aiortc.rtcdtlstransport")
        self._connected = module.State.CONNECTED
        self._is_rtcp: Callable[[bytes], bool] = module.is_rtcp
        self._clock: Any = importlib.import_module("aiortc.clock")
        self._srtp_error: type[Exception] = module.pylibsrtp.Error

    def watch(self) -> None:
        """Take the packets of all protocols of the connection."""
        for protocol in self._connection._protocols:
            self._watch(protocol)

    def _watch(self, protocol: Any) -> None:
        received = protocol.datagram_received
        component = protocol.local_candidate.component

        def datagram_received(data: bytes, source: Any) -> None:
            if len(data) <= _HEADER_BYTES or not 127 < data[0] < 192:  # RFC 7983
                received(data, source)
            elif not self._take(data, source, component):
                received(data, source)

        protocol.datagram_received = datagram_received

    @guarded(True)
    def _take(self, data: bytes, source: Any, component: int) -> bool:
        """Process a packet; return False if it has to take the long way."""
        pair = self._connection._nominated.get(component)
        if pair is not self._pair:
            self._pair, self._source = pair, None if pair is None else pair.remote_addr
        dtls = self._dtls
        if (
            (source != self._source and source[:2] != self._source)
            or dtls._state is not self._connected
            or dtls._task is None
            or self._suspends
        ):
            return False
        now = self._time()
        self._heard(now)
        budget = self._budget
        is_rtp = not 191 < data[1] < 224  # RFC 5761
        if not (budget.admits_media(data, now) if is_rtp else budget.admits(data, True, now)):
            if budget.persists(now):
                self._bounds.abuse("The client sends too many packets")
            return True
        if not budget.has_room_for(data):
            self._streams.drop()
            return True
        dtls._RTCDtlsTransport__rx_bytes += len(data)
        dtls._RTCDtlsTransport__rx_packets += 1
        try:
            if not is_rtp and self._is_rtcp(data):
                data = dtls._rx_srtp.unprotect_rtcp(data)
                self._run(dtls._handle_rtcp_data(data))
            else:
                self._take_rtp(dtls._rx_srtp.unprotect(data), now)
        except self._srtp_error:
            logger.debug("A packet could not be decrypted")
        return True

    def _take_rtp(self, data: bytes, now: float) -> None:
        dtls = self._dtls
        number, timestamp, ssrc = _RTP_HEADER.unpack_from(data, 2)
        receiver = dtls._rtp_router.ssrc_table.get(ssrc)
        stream = self._audio.get(ssrc)
        if (
            stream is not None
            and stream.receiver is receiver
            and stream.take(data, number, timestamp, now)
        ):
            self._streams.allowance.earn_for_checks(len(data))
            return
        arrival = self._clock.current_ms()
        self._run(dtls._handle_rtp_data(data, arrival_time_ms=arrival))
        self._find_audio(ssrc)

    def _find_audio(self, ssrc: int) -> None:
        receiver = self._dtls._rtp_router.ssrc_table.get(ssrc)
        admits = self._bounds.receivers.get(id(receiver))
        if receiver is None or admits is None or packet_tap(receiver) is None:
            return
        if ssrc in receiver._RTCRtpReceiver__remote_streams:
            self._audio[ssrc] = _AudioStream(receiver, ssrc, admits)

    def _run(self, handling: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine of aiortc, none of which waits."""
        try:
            handling.send(None)
        except StopIteration:
            return
        except ConnectionError:  # the connection is being closed
            return
        handling.close()
        self._suspends = True
        _failures.log(logger.warning, "aiortc waits while it processes a packet: %s", PATCH.lost)


def receive_directly(
    pc: RTCPeerConnection,
    bounds: Bounds,
    followers: Mapping[int, Follower],
    clock: Callable[[], float],
) -> None:
    """Process the media of a peer where its packets arrive.

    aioice queues each datagram, and a task of aiortc wakes up for it. Packets of media from the
    current address of a connected peer are processed at once, within the same bounds; all others
    take that way. To be called after all that wraps ``datagram_received``.

    Args:
        pc: The connection, whose candidates have been gathered.
        bounds: Its bounds.
        followers: See ``follow_address``.
        clock: The time of the event loop.
    """
    if not PATCH.fits:
        return
    for dtls in dtls_transports(pc):
        connection = id(dtls.transport._connection)
        budget, streams = bounds.budgets.get(connection), bounds.streams.get(id(dtls))
        if budget is not None and streams is not None:
            follower = followers.get(connection)
            note = _ignore if follower is None else follower.heard
            _DirectTransport(dtls, budget, streams, bounds, note, clock).watch()


def _ignore(now: float) -> None:
    """Do nothing."""
