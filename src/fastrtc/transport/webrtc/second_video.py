"""A second video of a client, such as its screen, beside that of its camera."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiortc import RTCPeerConnection, RTCRtpTransceiver
from aiortc.mediastreams import MediaStreamError

from ...pacing.video import VideoInbound
from ...session.session import Session
from ._aiortc.decoder_queue import bound_decoder

__all__ = ["SecondVideo", "read_video"]


class SecondVideo:
    """Pass the pictures of a client's second video to a function of the program.

    Args:
        session: The session.
        name: Name of the function, for the log.
        receive: Called with each picture: BGR, ``uint8``, shape ``(height, width, 3)``.
    """

    def __init__(self, session: Session, name: str, receive: Callable[[Any], Any]) -> None:
        self._session = session
        self._name = name
        self._receive = receive
        self._inbound = VideoInbound()
        session.on_start(self._start)

    def attach(self, transceiver: RTCRtpTransceiver, pc: RTCPeerConnection) -> None:
        """Read the video of a transceiver; to be called before the offer is answered."""
        transceiver.direction = "recvonly"
        _move_to_live_transport(transceiver, pc)
        bound_decoder(transceiver.receiver)
        reading = read_video(transceiver.receiver.track, self._inbound)
        self._session.run(f"{self._name}-track", reading)

    def _start(self) -> None:
        session, name = self._session, self._name
        failures = session.failures(name)
        session.run(name, self._inbound.run(session.invoker, self._receive, failures, name))


def _move_to_live_transport(transceiver: RTCRtpTransceiver, pc: RTCPeerConnection) -> None:
    """Use the transport of the bundle.

    aiortc lets a second section of a kind share the transport of the first one, and closes that
    when it bundles the first one with others, without moving the second.
    """
    transports = [one.receiver.transport for one in pc.getTransceivers()]
    live = next((one for one in transports if one.transport.state != "closed"), None)
    if live is not None and transceiver.receiver.transport.transport.state == "closed":
        transceiver.receiver.setTransport(live)
        transceiver.sender.setTransport(live)


async def read_video(track: Any, inbound: VideoInbound) -> None:
    """Read a video track as fast as frames arrive: aiortc's own queue is unbounded."""
    while True:
        try:
            inbound.push(await track.recv())
        except MediaStreamError:
            return
