"""A line over WebRTC."""

from __future__ import annotations

from collections.abc import Callable

from ..client import Client
from .client_line import ClientLine
from .udp_path import UdpPath

__all__ = ["WebRTCLine"]


class WebRTCLine(ClientLine):
    """A line over WebRTC."""

    transport = "webrtc"

    def _create_client(self, url: str) -> Client:
        client = super()._create_client(url)
        if not self._network.perfect:
            client._shape_network(
                UdpPath(self._network, "to the server").carry,
                UdpPath(self._network, "to the caller").carry,
            )
        return client

    def _carry(self, deliver: Callable[[], None]) -> None:
        deliver()  # packets are shaped, in the client

    def _carry_back(self, deliver: Callable[[], None]) -> None:
        deliver()
