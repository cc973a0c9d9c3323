"""Telephone calls of a stream: the webhook of an incoming call, and the call's socket."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import HTTPException, Request, WebSocket
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from starlette.datastructures import QueryParams

from ..core.close_reason import POLICY_VIOLATION
from ..core.context import Call
from ..core.errors import SessionRefused
from ..core.log_throttle import LogThrottle
from ..transport.telephony.address import public_host, public_scheme
from ..transport.telephony.call_token import PARAMETER, CallTokens
from ..transport.telephony.signature import HEADER, is_signed
from ..transport.telephony.twiml import connect_call, end_call, require_twilio
from .authorization import Authorize, refusal_of
from .places import Places

__all__ = ["CALL_REQUEST", "CALL_RESPONSES", "CallReservations", "Telephone"]

logger = logging.getLogger(__name__)

TOKEN_VARIABLE = "FASTRTC_TWILIO_AUTH_TOKEN"
"""Environment variable of the auth token. Not ``TWILIO_AUTH_TOKEN``: programs set that for their
own calls and TURN servers, without expecting signatures to be verified."""

INCOMING = "/telephone/incoming"
LINE_BUSY = "All lines are busy. Please call again later."
NO_VOICE = "This number does not accept voice calls."
NOT_ALLOWED = "Sorry, this call cannot be taken."
MAX_NUMBER_LENGTH = 128
"""Maximum length of a phone number or SIP address that is passed on, in characters."""

CONNECTED_TIMEOUT_S = 10.0
"""How long a place is reserved for a caller, in seconds; the greeting takes 2 s of it."""

MAX_BYTES = 1 << 16
"""Maximum size of the form that Twilio posts, in bytes; it has about 30 short fields."""


CALL_REQUEST: dict[str, Any] = {
    "requestBody": {
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "properties": {name: {"type": "string"} for name in ("CallSid", "From", "To")},
                }
            }
        }
    }
}
"""The form that Twilio posts to the webhook, for OpenAPI: the fields that are used, including the
call id."""

CALL_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "TwiML", "content": {"application/xml": {}}},
    400: {"description": "The request names no usable host", "content": {"text/plain": {}}},
    403: {"description": "The signature is not Twilio's", "content": {"text/plain": {}}},
    413: {"description": "The request is too large", "content": {"application/json": {}}},
}
"""The responses of the webhook, for OpenAPI."""


class CallReservations:
    """Reserved places for callers who hear the greeting, until their call connects.

    Args:
        places: The places of the endpoint.
        released: Called with the id of a call whose place is free again.
    """

    def __init__(self, places: Places, released: Callable[[str], None] = lambda id: None) -> None:
        self._places = places
        self._released = released
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def __contains__(self, id: str | None) -> bool:
        """Whether a place is reserved for a call."""
        return id in self._timers

    def reserve(self, id: str | None, limit: int | None, connecting: int) -> bool:
        """Reserve a place for a call, if its id is known.

        Args:
            id: The provider's id of the call.
            limit: Maximum number of connections; None means no limit.
            connecting: Maximum number of connections that are not established yet.

        Returns:
            Whether there is a place.
        """
        if id in self._timers:
            return True
        try:
            self._places.check_connecting(connecting)
            if id is None or len(id) > MAX_NUMBER_LENGTH:
                return not self._places.is_full(limit)
            self._places.hold(id, limit)
        except SessionRefused:
            return False
        loop = asyncio.get_running_loop()
        self._timers[id] = loop.call_later(CONNECTED_TIMEOUT_S, self.release, id)
        return True

    def release(self, id: str | None) -> None:
        """Free the place of a call that has connected or has not arrived in time."""
        timer = self._timers.pop(id or "", None)
        if id is not None and timer is not None:
            timer.cancel()
            self._places.release_call(id)
            self._released(id)


class Telephone:
    """Answer incoming calls of a stream, and verify that they come from Twilio.

    Args:
        token: Auth token of the Twilio account, which signs its requests; None reads
            ``FASTRTC_TWILIO_AUTH_TOKEN``. Without a token, nothing is verified.

    Attributes:
        through_fastphone: Whether calls come through FastPhone, which signs them with its own
            token.

    Raises:
        ValueError: If the token is empty or not a string.
        PhoneExtraMissing: If there is a token, but the ``twilio`` package to verify it is missing.
    """

    def __init__(self, token: str | None = None) -> None:
        if token is not None and (not isinstance(token, str) or not token):
            shown = "an empty string" if token == "" else type(token).__name__
            raise ValueError(f"twilio_auth_token must be a string or None, not {shown}")
        self._token = token or os.getenv(TOKEN_VARIABLE) or None
        self._tokens = None if self._token is None else CallTokens(self._token)
        self._warned = False
        self._refused = LogThrottle()
        self.through_fastphone = False
        if self._token is not None:
            require_twilio()

    @property
    def auth_token(self) -> str | None:
        """The auth token with which Twilio signs, or None."""
        return self._token

    async def answer(
        self,
        request: Request,
        *,
        has_voice: bool,
        reserve: Callable[[str | None], Awaitable[bool]],
        authorize: Authorize | None = None,
    ) -> Response:
        """Answer the webhook of an incoming call with TwiML.

        Args:
            request: Twilio's request.
            has_voice: Whether the stream has audio.
            reserve: Reserves a place for the call with an id; returns False if there is none.
            authorize: Called with the request once it is verified; a refused caller hears the
                reason.

        Raises:
            HTTPException: If the body is too large: status 413.
            PhoneExtraMissing: If the ``twilio`` package is not installed.
        """
        host = public_host(request.headers)
        if host is None or not _has_url(request):
            return PlainTextResponse("The request has no usable host or URL", status_code=400)
        request = await _read(request)
        parameters = await _parameters(request)
        posted = parameters if request.method == "POST" else {}
        scheme = public_scheme(request.headers, request.url.scheme)
        if not self._is_trusted(request, {scheme, "https"}, host, posted):
            return PlainTextResponse("The signature is not Twilio's", status_code=403)
        refusal = await refusal_of(authorize, request)
        if refusal is not None:
            return _twiml(end_call(refusal.details.get("reason", NOT_ALLOWED)))
        if not has_voice:
            return _twiml(end_call(NO_VOICE))
        if not await reserve(parameters.get("CallSid")):
            return _twiml(end_call(LINE_BUSY))
        path = request.url.path.removesuffix(INCOMING)
        passed_on = {**_numbers(parameters), **self.call_parameters(parameters.get("CallSid"))}
        return _twiml(connect_call(f"wss://{host}{path}/telephone/handler", passed_on))

    def call_parameters(self, id: str | None) -> dict[str, str]:
        """Return the custom parameters that the ``start`` message of a call must contain."""
        if self._tokens is None or self.through_fastphone or not id:
            return {}
        return {PARAMETER: self._tokens.issue(id)}

    def check_call(self, call: Call, *, expected: bool) -> None:
        """Check that Twilio has announced the call of a socket.

        Args:
            call: The call in the ``start`` message.
            expected: Whether this process, or another one of the cluster, has just answered its
                webhook.

        Raises:
            SessionRefused: If a token is required, and is missing, already used, expired, or
                belongs to another call.
        """
        if self._tokens is None or self.through_fastphone:
            return
        good = self._tokens.redeem(call.parameters.get(PARAMETER, ""), call.id or "")
        if isinstance(call.parameters, dict):  # not for the handler
            call.parameters.pop(PARAMETER, None)
        if not good and not expected:
            self._refused.log(
                logger.warning,
                "A telephone call is refused: its start message has no valid token. Your own "
                "TwiML must contain the parameters that stream.call_parameters() returns",
            )
            raise SessionRefused("unauthorized")

    async def admit(self, websocket: WebSocket, authorize: Authorize | None = None) -> bool:
        """Return whether to accept the socket of a call; close it if not."""
        host = public_host(websocket.headers) or ""
        trusted = _has_url(websocket) and self._is_trusted(websocket, {"wss"}, host, {})
        if trusted and await refusal_of(authorize, websocket) is None:
            return True
        await websocket.close(POLICY_VIOLATION)
        return False

    def _is_trusted(
        self,
        request: Request | WebSocket,
        schemes: set[str],
        host: str,
        parameters: Any,
    ) -> bool:
        if self.through_fastphone:
            return True
        if self._token is None:
            if not self._warned:
                self._warned = True
                logger.warning(
                    "Anyone who knows the address can make a telephone call to this stream: "
                    "set twilio_auth_token of Stream to verify Twilio's signature"
                )
            return True
        query = f"?{request.url.query}" if request.url.query else ""
        urls = [f"{scheme}://{host}{request.url.path}{query}" for scheme in schemes]
        if is_signed(self._token, urls, parameters, request.headers.get(HEADER)):
            return True
        self._refused.log(
            logger.warning,
            "A telephone call is refused: Twilio's signature does not match %.500r",
            urls,
        )
        return False


async def _read(request: Request) -> Request:
    """Return the request with its form already read, so that it can be read again.

    Raises:
        HTTPException: If the form is too large.
    """
    if not _has_form(request):
        return request
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > MAX_BYTES:
                raise HTTPException(413, f"The request has more than {MAX_BYTES} bytes")
    except RuntimeError:  # the program's route has already read the form
        return request

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": bytes(body)}

    return Request(request.scope, receive)


async def _parameters(request: Request) -> Mapping[str, str]:
    """Return Twilio's parameters of a call, from the posted form or the query."""
    if request.method != "POST":
        return request.query_params
    if not _has_form(request):
        return {}
    try:
        return QueryParams(await request.body())
    except RuntimeError:
        return {name: str(value) for name, value in (await request.form()).items()}


def _has_form(request: Request) -> bool:
    kind = request.headers.get("content-type", "")
    return request.method == "POST" and kind.startswith("application/x-www-form-urlencoded")


def _has_url(request: Request | WebSocket) -> bool:
    """Return whether the URL is valid; it is not if its query is not UTF-8, for example."""
    try:
        return bool(request.url.components)
    except ValueError:
        return False


def _numbers(parameters: Mapping[str, str]) -> dict[str, str]:
    """Return the caller's and callee's numbers, which only the webhook gets, to pass them on."""
    found = {"from": parameters.get("From"), "to": parameters.get("To")}
    return {
        name: number
        for name, number in found.items()
        if number
        and len(number) <= MAX_NUMBER_LENGTH
        and number.isprintable()  # XML allows no others
    }


def _twiml(content: str) -> Response:
    return HTMLResponse(content, media_type="application/xml")
