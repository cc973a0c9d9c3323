"""The telephone end of a stream: the webhook of an incoming call, and the call's socket."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import HTTPException, Request, WebSocket
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from starlette.datastructures import QueryParams

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
"""Where the token is looked for. Not ``TWILIO_AUTH_TOKEN``: programs set that for calls and
TURN servers of their own, without wanting signatures to be checked."""

INCOMING = "/telephone/incoming"
LINE_BUSY = "All lines are busy. Please call again later."
NO_VOICE = "There is nobody to talk to at this number."
NOT_ALLOWED = "Sorry, this call cannot be taken."
MAX_NUMBER_LENGTH = 128
"""Characters that a number, or a SIP address in its place, may have to be passed on."""

CONNECTED_TIMEOUT_S = 10.0
"""How long a place is kept for a caller: the greeting takes 2 s of it."""

MAX_BYTES = 1 << 16
"""How long the form may be in which Twilio tells of a call; it has some 30 short fields."""

POLICY_VIOLATION = 1008
"""The close code for a socket that may not be opened (RFC 6455 section 7.4.1)."""


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
"""What Twilio posts to the webhook, for OpenAPI: what of it is used, and the id of the call."""

CALL_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "TwiML", "content": {"application/xml": {}}},
    400: {"description": "The request names no usable host", "content": {"text/plain": {}}},
    403: {"description": "The signature is not Twilio's", "content": {"text/plain": {}}},
    413: {"description": "The request is too large", "content": {"application/json": {}}},
}
"""What the webhook answers, for OpenAPI."""


class CallReservations:
    """Keeps places for callers who have been told that they are connected, until they are.

    Args:
        places: The places of all connections.
    """

    def __init__(self, places: Places) -> None:
        self._places = places
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def __contains__(self, id: str | None) -> bool:
        """Whether a place is kept for a call."""
        return id in self._timers

    def reserve(self, id: str | None, limit: int | None, connecting: int) -> bool:
        """Keep a place for a call, if its id is known.

        Args:
            id: The provider's id of the call.
            limit: How many places there are; None is no limit.
            connecting: How many connections may be established at a time.

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
        """Free the place of a call that is there, or has not come."""
        timer = self._timers.pop(id or "", None)
        if id is not None and timer is not None:
            timer.cancel()
            self._places.let_go(id)


class Telephone:
    """Answers incoming calls of a stream, and sees that they come from Twilio.

    Args:
        token: The auth token of the Twilio account, by which its requests are signed; None
            looks for it in ``FASTRTC_TWILIO_AUTH_TOKEN``. Without one nothing is checked.

    Attributes:
        through_fastphone: Whether calls come through FastPhone, which signs them with a
            token that nobody here has.

    Raises:
        ValueError: If the token is no text, or empty.
        PhoneExtraMissing: If there is a token, but not the ``twilio`` package to check it.
    """

    def __init__(self, token: str | None = None) -> None:
        if token is not None and (not isinstance(token, str) or not token):
            shown = "an empty text" if token == "" else type(token).__name__
            raise ValueError(f"twilio_auth_token must be a text or None, not {shown}")
        self._token = token or os.getenv(TOKEN_VARIABLE) or None
        self._tokens = None if self._token is None else CallTokens(self._token)
        self._warned = False
        self._refused = LogThrottle()
        self.through_fastphone = False
        if self._token is not None:
            require_twilio()

    async def answer(
        self,
        request: Request,
        *,
        has_voice: bool,
        expect: Callable[[str | None], bool],
        authorize: Authorize | None = None,
    ) -> Response:
        """Answer the webhook of an incoming call with TwiML.

        Args:
            request: Twilio's.
            has_voice: Whether the stream can be talked to.
            expect: Keeps a place for the call of an id; False if there is none.
            authorize: Asked about the request, when it is Twilio's; a refused caller hears why.

        Raises:
            HTTPException: If its body is too large: status 413.
            PhoneExtraMissing: If the ``twilio`` package is not installed.
        """
        host = public_host(request.headers)
        if host is None or not _has_url(request):
            return PlainTextResponse("The request says no usable host or URL", status_code=400)
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
        if not expect(parameters.get("CallSid")):
            return _twiml(end_call(LINE_BUSY))
        path = request.url.path.removesuffix(INCOMING)
        passed_on = {**_numbers(parameters), **self.call_parameters(parameters.get("CallSid"))}
        return _twiml(connect_call(f"wss://{host}{path}/telephone/handler", passed_on))

    def call_parameters(self, id: str | None) -> dict[str, str]:
        """Return the custom parameters that the ``start`` message of a call has to bring back."""
        if self._tokens is None or self.through_fastphone or not id:
            return {}
        return {PARAMETER: self._tokens.issue(id)}

    def check_call(self, call: Call, *, expected: bool) -> None:
        """Check that the socket of a call is that of a call which Twilio has announced.

        Args:
            call: As its ``start`` message has it.
            expected: Whether its webhook was answered by this process, a moment ago.

        Raises:
            SessionRefused: If a token is needed, and is not there, used already, too old, or that
                of another call.
        """
        if self._tokens is None or self.through_fastphone:
            return
        good = self._tokens.redeem(call.parameters.get(PARAMETER, ""), call.id or "")
        if isinstance(call.parameters, dict):  # it is not for the handler
            call.parameters.pop(PARAMETER, None)
        if not good and not expected:
            self._refused.log(
                logger.warning,
                "A telephone call is refused: its start message has no valid token. TwiML of the "
                "program's own must have the parameters that stream.call_parameters() returns",
            )
            raise SessionRefused("unauthorized")

    async def admit(self, websocket: WebSocket, authorize: Authorize | None = None) -> bool:
        """Tell whether the socket of a call may be opened; one that may not is closed."""
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
                    "Anybody who knows the address can make a telephone call to this stream: "
                    "give Stream a twilio_auth_token to have Twilio's signature checked"
                )
            return True
        query = f"?{request.url.query}" if request.url.query else ""
        urls = [f"{scheme}://{host}{request.url.path}{query}" for scheme in schemes]
        if is_signed(self._token, urls, parameters, request.headers.get(HEADER)):
            return True
        self._refused.log(
            logger.warning,
            "A telephone call is refused: Twilio's signature is not that of %.500r",
            urls,
        )
        return False


async def _read(request: Request) -> Request:
    """Give the request with the form that it has, read, so that it can be read again.

    Raises:
        HTTPException: If it is too large.
    """
    if not _has_form(request):
        return request
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > MAX_BYTES:
                raise HTTPException(413, f"The request has more than {MAX_BYTES} bytes")
    except RuntimeError:  # the program's own route has read the form already
        return request

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": bytes(body)}

    return Request(request.scope, receive)


async def _parameters(request: Request) -> Mapping[str, str]:
    """Give what Twilio says about the call, from the form that it posts, or from the query."""
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
    """Return whether the URL can be read: not if its query is not UTF-8, for example."""
    try:
        return bool(request.url.components)
    except ValueError:
        return False


def _numbers(parameters: Mapping[str, str]) -> dict[str, str]:
    """Give who calls whom, which Twilio tells only here, to be passed on."""
    found = {"from": parameters.get("From"), "to": parameters.get("To")}
    return {
        name: number
        for name, number in found.items()
        if number
        and len(number) <= MAX_NUMBER_LENGTH
        and number.isprintable()  # XML knows no others
    }


def _twiml(content: str) -> Response:
    return HTMLResponse(content, media_type="application/xml")
