"""Objects of aiortc and aioice, to check the names of their classes."""

from __future__ import annotations

from functools import cached_property
from typing import Any

__all__ = ["Samples"]


class Samples:
    """Objects of classes of aiortc and aioice, each created on first use.

    They have no sockets, threads or tasks. To be used on an event loop, which some of them require.
    """

    def get(self, name: str) -> Any:
        """Return the object of a class.

        Args:
            name: The name of the class.

        Raises:
            Exception: Any exception of a constructor of another version of aiortc or aioice.
        """
        return getattr(self, name)

    @cached_property
    def RTCPeerConnection(self) -> Any:  # noqa: N802 (like those below, the name of a class)
        """A connection that is never established."""
        from aiortc import RTCConfiguration, RTCPeerConnection

        return RTCPeerConnection(RTCConfiguration(iceServers=[]))

    @cached_property
    def RTCIceGatherer(self) -> Any:
        """A gatherer that never gathers."""
        from aiortc import RTCIceGatherer

        return RTCIceGatherer(iceServers=[])

    @cached_property
    def RTCIceTransport(self) -> Any:
        """The ICE transport of the gatherer."""
        from aiortc import RTCIceTransport

        return RTCIceTransport(self.RTCIceGatherer)

    @cached_property
    def RTCDtlsTransport(self) -> Any:
        """A DTLS transport over the ICE transport."""
        from aiortc import RTCCertificate, RTCDtlsTransport

        return RTCDtlsTransport(self.RTCIceTransport, [RTCCertificate.generateCertificate()])

    @cached_property
    def RTCSctpTransport(self) -> Any:
        """An SCTP transport of data channels over the DTLS transport."""
        from aiortc import RTCSctpTransport

        return RTCSctpTransport(self.RTCDtlsTransport)

    @cached_property
    def InboundStream(self) -> Any:
        """An incoming stream of a data channel."""
        from aiortc.rtcsctptransport import InboundStream

        return InboundStream()

    @cached_property
    def RTCRtpReceiver(self) -> Any:
        """A video receiver, which has more names than an audio receiver."""
        from aiortc import RTCRtpReceiver

        return RTCRtpReceiver("video", self.RTCDtlsTransport)

    @cached_property
    def RTCRtpSender(self) -> Any:
        """A video sender."""
        from aiortc import RTCRtpSender

        return RTCRtpSender("video", self.RTCDtlsTransport)

    @cached_property
    def RTCRtpTransceiver(self) -> Any:
        """A transceiver of the receiver and the sender."""
        from aiortc import RTCRtpTransceiver

        return RTCRtpTransceiver("video", self.RTCRtpReceiver, self.RTCRtpSender)

    @cached_property
    def Connection(self) -> Any:
        """An ICE connection of aioice."""
        from aioice import Connection

        return Connection(ice_controlling=False)

    @cached_property
    def Candidate(self) -> Any:
        """A candidate of aioice."""
        from aioice import Candidate

        return Candidate("1", 1, "udp", 1, "192.0.2.1", 1024, "host")

    @cached_property
    def CandidatePair(self) -> Any:
        """A pair of the protocol without a socket and the candidate."""
        from aioice.ice import CandidatePair

        return CandidatePair(self.StunProtocol, self.Candidate)

    @cached_property
    def StunProtocol(self) -> Any:
        """A protocol of ICE without a socket."""
        from aioice.ice import StunProtocol

        return StunProtocol(self.Connection)

    @cached_property
    def TurnTransport(self) -> Any:
        """A transport of a relay without a connection."""
        from aioice.turn import TurnTransport

        protocol: Any = None
        return TurnTransport(protocol)

    @cached_property
    def Vp8Decoder(self) -> Any:
        """The VP8 decoder of aiortc."""
        from aiortc.codecs.vpx import Vp8Decoder

        return Vp8Decoder()

    @cached_property
    def H264Decoder(self) -> Any:
        """The H.264 decoder of aiortc."""
        from aiortc.codecs.h264 import H264Decoder

        return H264Decoder()
