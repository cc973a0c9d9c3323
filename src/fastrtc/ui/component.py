"""What the page exchanges with a component: its configuration, its requests and its value."""

from __future__ import annotations

import logging
from typing import Any, cast

from gradio.components.base import Component
from gradio.route_utils import Request

from ..core.errors import InvalidOffer, SessionRefused
from ..core.failures import text_of
from ..core.types import RTCConfigurationCallable
from ..handlers.inputs import WebRTCData
from ..server.endpoint import endpoint_of
from ..transport.webrtc.configuration import resolve_configuration
from ._compat import ComponentMetaWithoutStub, server
from .options import Variant
from .socket_route import ticket_for
from .value import START, WebRTCModel

__all__ = ["PageComponent"]

logger = logging.getLogger(__name__)


class PageComponent(Component, metaclass=ComponentMetaWithoutStub):
    """The side of the ``WebRTC`` component that faces the page.

    The component of the program, a subclass, has an endpoint and sets the attributes.
    """

    data_model = WebRTCModel

    rtc_configuration: dict[str, Any] | None | RTCConfigurationCallable
    icon_radius: int | None
    variant: Variant

    def get_config(self, *args: Any) -> dict[str, Any]:
        """Return the configuration for the page, without that of the server.

        It does not contain the ``rtc_configuration`` either, which may contain the credentials of a
        TURN server: the page requests it for each connection with ``turn``.
        """
        config = super().get_config(*args)
        config.pop("server_rtc_configuration", None)
        config["rtc_configuration"] = None
        if self.icon_radius is not None:
            config["icon_radius"] = f"{self.icon_radius}%"
        return config

    # Requests of the page

    @server
    async def offer(self, body: dict[str, Any], request: Request | None = None) -> Any:
        """Answer an offer of the page, or add a trickled candidate; see ``handle_offer``.

        ``authorize`` is called with the request, which Gradio provides since 5.50. The body may
        have a ``token``, which the page has from its address.

        Gradio does not pass exceptions to the page, so if an offer cannot be answered, the refusal
        has the reason instead of a code.
        """
        refusal = await self._refusal_of(request, body)
        if refusal is not None:
            return refusal.answer
        first = endpoint_of(self).owner
        if first.event_handler is None:
            logger.error(
                "An offer is refused, as there is no handler: call stream() of the component"
            )
            return _refusal("it has no handler")
        if not isinstance(body, dict) or "webrtc_id" not in body:
            return _refusal("an offer must be an object with a webrtc_id")
        try:
            return await first.handle_offer(
                dict(body), set_outputs=first.set_additional_outputs(body["webrtc_id"])
            )
        except InvalidOffer as error:
            return _refusal(str(error))
        except Exception as error:
            logger.exception("An offer could not be answered")
            return _refusal(f"{type(error).__name__}: {text_of(error)}")

    @server
    async def turn(self, _: Any = None, request: Request | None = None) -> dict[str, Any] | None:
        """Return the ``rtc_configuration`` for the next connection of the page.

        A page that may not connect gets none, as it may contain the credentials of a TURN server.
        """
        body = _  # the name of the parameter in FastRTC 0.0.34
        if await self._refusal_of(request, body) is not None:
            return None
        try:
            return await resolve_configuration(self.rtc_configuration)
        except Exception:
            logger.exception("rtc_configuration failed, the page connects without it")
            return None

    @server
    async def websocket(self, body: Any = None, request: Request | None = None) -> str | None:
        """Return the address of a WebSocket for the audio of the page, which is valid once.

        A page that may not connect gets none. Before 5.50, Gradio passes no request, so there is
        none.
        """
        if request is None or await self._refusal_of(request, body) is not None:
            return None
        return ticket_for(endpoint_of(self), request)

    @server
    async def quit_output_stream(
        self, body: dict[str, Any], request: Request | None = None
    ) -> None:
        """End the ``output_stream`` of a connection that the page no longer reads."""
        if await endpoint_of(self).refusal_of(request) is not None:
            return
        queue = endpoint_of(self).owner.additional_outputs.get((body or {}).get("webrtc_id", ""))
        if queue is not None:
            queue.end()

    async def _refusal_of(self, request: Request | None, body: Any) -> SessionRefused | None:
        token = body.get("token") if isinstance(body, dict) else None
        refusal: SessionRefused | None = await endpoint_of(self).refusal_of(request, token)
        return refusal

    # Values

    def preprocess(self, payload: Any) -> str | WebRTCData | None:
        """Convert the page's value to that of an event's function.

        Args:
            payload: A ``WebRTCModel``, or a value of its root.

        Returns:
            The id of the page's connection; for the textbox a ``WebRTCData``; None before the first
            connection.
        """
        payload = payload.root if isinstance(payload, WebRTCModel) else payload
        if isinstance(payload, dict):
            payload = WebRTCData.model_validate(payload) if payload.get("webrtc_id") else None
        if isinstance(payload, WebRTCData):
            return payload if self.variant == "textbox" else payload.webrtc_id
        if self.variant == "textbox" and payload and payload != START:
            return WebRTCData(webrtc_id=payload)
        return cast("str | None", payload or None)

    def postprocess(self, value: Any) -> Any:
        """Convert a value for the page; ``"start_webrtc_stream"`` makes the page start."""
        if isinstance(value, WebRTCData):
            return value.model_dump(include={"webrtc_id", "textbox"})
        return value

    def example_payload(self) -> Any:
        """Return an example of a value sent by the page."""
        return "w1a2b3"

    def example_value(self) -> Any:
        """Return an example of a value sent to the page."""
        return START

    def api_info(self) -> dict[str, Any]:
        """Return the JSON schema of the value."""
        return {"type": "string"}


def _refusal(reason: str) -> dict[str, Any]:
    return {"status": "failed", "meta": {"error": reason}}
