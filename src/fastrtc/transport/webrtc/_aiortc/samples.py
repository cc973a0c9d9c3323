"""An object of each class of aiortc and aioice that is reached into, to look for its names."""

from __future__ import annotations

from functools import cached_property
from typing import Any

__all__ = ["Samples"]


class Samples:
    """Objects of classes of aiortc and aioice, each made when it is first asked for.

    They have no sockets, threads or tasks. To be used on an event loop, which some of them ask for.
    """

    def get(self, name: str) -> Any:
        """Return the object of a class.

        Args:
            name: The name of the class.

        Raises:
            Exception: Whatever a constructor of another version of aiortc or aioice raises.
        """
        return getattr(self, name)

    @cached_property
    def RTCPeerConnection(self) -> Any:  # noqa: N802 (as are those below: names of classes)
        """A connection that is never made."""
        from aiortc import RTCConfiguration, RTCPeerConnection

        return RTCPeerConnection(RTCConfiguration(iceServers=[]))

    @cached_property
    def RTCIceGatherer(self) -> Any:
        """A gatherer that gathers nothing."""
        from aiortc import RTCIceGatherer

        return RTCIceGatherer(iceServers=[])

    @cached_property
    def RTCIceTransport(self) -> Any:
        """The ICE transport of the gatherer."""
        from aiortc import RTCIceTransport

        return RTCIceTransport(self.RTCIceGatherer)

    @cached_property
    def RTCDtlsTransport(self) -> Any:
        """The DTLS transport over it."""
        from aiortc import RTCCertificate, RTCDtlsTransport

        return RTCDtlsTransport(self.RTCIceTransport, [RTCCertificate.generateCertificate()])

    @cached_property
    def RTCSctpTransport(self) -> Any:
        """The transport of data channels over it."""
        from aiortc import RTCSctpTransport

        return RTCSctpTransport(self.RTCDtlsTransport)

    @cached_property
    def InboundStream(self) -> Any:
        """A stream of a peer's data channel."""
        from aiortc.rtcsctptransport import InboundStream

        return InboundStream()

    @cached_property
    def RTCRtpReceiver(self) -> Any:
        """A receiver of video, which has more names than one of audio."""
        from aiortc import RTCRtpReceiver

        return RTCRtpReceiver("video", self.RTCDtlsTransport)

    @cached_property
    def RTCRtpSender(self) -> Any:
        """A sender of video."""
        from aiortc import RTCRtpSender

        return RTCRtpSender("video", self.RTCDtlsTransport)

    @cached_property
    def RTCRtpTransceiver(self) -> Any:
        """Both of them."""
        from aiortc import RTCRtpTransceiver

        return RTCRtpTransceiver("video", self.RTCRtpReceiver, self.RTCRtpSender)

    @cached_property
    def Connection(self) -> Any:
        """The ICE connection of aioice."""
        from aioice import Connection

        return Connection(ice_controlling=False)

    @cached_property
    def Candidate(self) -> Any:
        """A candidate of aioice."""
        from aioice import Candidate

        return Candidate("1", 1, "udp", 1, "192.0.2.1", 1024, "host")

    @cached_property
    def CandidatePair(self) -> Any:
        """A pair of no address here and it."""
        from aioice.ice import CandidatePair

        return CandidatePair(self.StunProtocol, self.Candidate)

    @cached_property
    def StunProtocol(self) -> Any:
        """What takes the datagrams of a socket, without one."""
        from aioice.ice import StunProtocol

        return StunProtocol(self.Connection)

    @cached_property
    def TurnTransport(self) -> Any:
        """The transport of a relay that there is not."""
        from aioice.turn import TurnTransport

        protocol: Any = None
        return TurnTransport(protocol)

    @cached_property
    def Vp8Decoder(self) -> Any:
        """Aiortc's decoder of VP8."""
        from aiortc.codecs.vpx import Vp8Decoder

        return Vp8Decoder()

    @cached_property
    def H264Decoder(self) -> Any:
        """Aiortc's decoder of H.264."""
        from aiortc.codecs.h264 import H264Decoder

        return H264Decoder()
