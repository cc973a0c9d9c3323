"""A connection over ``/webrtc/offer``, or a Gradio page."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.types import Mode
from ..core.versions import CLIENT_VERSION, check_server_version
from ..transport.webrtc.client_peer import RATE, ClientPeer
from ..transport.webrtc.shaped_media import Carry
from .errors import ClientError, refused
from .link import LinkEvents
from .signaling import Route, Signaling, is_answer

__all__ = ["WebRTCLink"]

RESUMES_AFTER_S = 5.0
"""How long the server may not answer before a client resumes its session, in seconds."""


class WebRTCLink:
    """Implement ``Link`` over WebRTC.

    Args:
        url: The URL of the page or stream, as of ``page_url``.
        id: The ``webrtc_id``.
        headers: Headers of each request.
        kinds: ``"audio"``, ``"video"`` or both.
        mode: The direction of the media, from the client's point of view.
        configuration: The client's ICE servers, in the format of browsers; None uses those of a
            Gradio page, if it has any.
        sample_rate: Sample rate of received audio in Hz.
        events: Receives what the server sends.
        trickle: Whether candidates are sent one by one after the offer.
        metadata: The metadata for the program; None for none.
        routes: Where offers go, as found before; see ``Signaling``.

    Attributes:
        shape_network: Functions that carry RTP and RTCP packets to and from the server; or None.
        answered: Whether the server has accepted the offer.
        resume: ``resume`` of its answer.
    """

    rate = RATE

    def __init__(
        self,
        url: str,
        id: str,
        headers: Mapping[str, str],
        kinds: Sequence[str],
        mode: Mode,
        configuration: Mapping[str, Any] | None,
        sample_rate: int,
        events: LinkEvents,
        *,
        trickle: bool,
        metadata: Mapping[str, Any] | None = None,
        routes: MutableMapping[str, Route] | None = None,
    ) -> None:
        self._id = id
        self._signaling = Signaling(url, headers, routes)
        self._kinds = kinds
        self._mode = mode
        self._configuration = configuration
        self._sample_rate = sample_rate
        self._events = events
        self._trickle = trickle
        self._metadata = metadata
        self._peer: ClientPeer | None = None
        self.answered = False
        self.resume: Any = None
        self.shape_network: tuple[Carry, Carry] | None = None

    @property
    def reached(self) -> bool:
        """Whether a connection to the server was established, for the offer."""
        return self._signaling.reached

    @property
    def heard(self) -> int | None:
        """The RTP timestamp until which audio was received; None without any."""
        return None if self._peer is None else self._peer.heard

    async def open(self, fields: Mapping[str, Any] | None = None) -> Any:
        """Send the offer, and wait until media flow and the data channel is open.

        Args:
            fields: Further fields of the offer.

        Returns:
            ``resume`` of the answer.

        Raises:
            ClientError: If the server refuses the connection, cannot be reached, or ICE finds no
                route to it.
        """
        route = await self._signaling.find()
        configuration = self._configuration
        if configuration is None:
            configuration = await self._signaling.page_configuration(route)
        try:
            peer = self._peer = ClientPeer(
                self._kinds,
                self._mode,
                configuration,
                self._sample_rate,
                self._events,
                self._ended,
                consent_s=RESUMES_AFTER_S if fields else None,
            )
        except (TypeError, ValueError) as error:
            raise ClientError(f"rtc_configuration: {error}", "bad_configuration") from error
        sdp = await peer.offer(trickle=self._trickle)
        if self.shape_network is not None:
            peer.shape_network(*self.shape_network)
        body: dict[str, Any] = {"sdp": sdp, "type": "offer", "webrtc_id": self._id}
        body |= CLIENT_VERSION
        if self._metadata is not None:
            body["metadata"] = self._metadata
        body |= fields or {}
        answer = await self._signaling.send(route, body)
        if not is_answer(answer):
            raise refused(answer)
        self.answered, self.resume = True, answer.get("resume")
        check_server_version(answer)
        try:
            await peer.accept(answer["sdp"])
        except ValueError as error:
            raise ClientError(str(error), "bad_answer") from error
        if self._trickle:
            await self._send_candidates(route, peer)
        if not await peer.connected():
            why = peer.explain()
            raise ClientError(f"not connected: {why.problem}", "ice_failed", advice=why.advice[0])
        return self.resume

    async def close(self, *, stop: bool = True) -> None:
        """Close the connection; never raises."""
        if self._peer is not None:
            await self._peer.close()
        await self._signaling.close()

    async def send_audio(self, samples: NDArray[np.int16]) -> None:
        """Send 20 ms of audio, shape ``(n,)``."""
        if self._peer is not None:
            self._peer.send_audio(samples)

    async def send_video(self, image: NDArray[np.uint8]) -> None:
        """Send a frame: BGR, shape ``(height, width, 3)``."""
        if self._peer is not None:
            await self._peer.send_video(image)

    def send_message(self, text: str) -> None:
        """Send a message on the data channel."""
        if self._peer is not None:
            self._peer.send_message(text)

    async def _send_candidates(self, route: Route, peer: ClientPeer) -> None:
        for candidate in (*peer.candidates(), None):
            body = {"candidate": candidate, "type": "ice-candidate", "webrtc_id": self._id}
            answer = await self._signaling.send(route, body)
            if answer.get("status") != "success":
                raise refused(answer)

    def _ended(self, lost: bool) -> None:
        if lost:
            error = ClientError("the connection was lost", "connection_lost")
        else:
            error = ClientError("the server closed the connection", "ended_by_server")
        self._events.ended(error)
