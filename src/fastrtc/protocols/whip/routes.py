"""The routes of WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep)."""

from __future__ import annotations

import http
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ...core.errors import InvalidOffer, SessionRefused
from ...core.failures import text_of
from ...core.log_throttle import LogThrottle
from ...server.offers import BodyTooLarge
from ...server.protocol_requests import connect_client, read_body, status_of
from ...server.stream_endpoint import StreamEndpoint
from ...transport.webrtc.configuration import resolve_configuration
from ..cors import cors_headers
from ..locations import location_below
from ..refusals import reason_of, refusal_headers
from .fragment import InvalidFragment, parse_fragment
from .links import ice_links
from .preconditions import entity_tag, failed_precondition
from .protocol import Egress, Ingest, accepts_ingest, offers_playback
from .sessions import connection_id, end_session, trickle

__all__ = ["routes"]

logger = logging.getLogger(__name__)
_failures = LogThrottle()

OFFER = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"

ENDPOINT_METHODS = ["GET", "HEAD", "POST", "OPTIONS"]
SESSION_METHODS = ["GET", "HEAD", "PATCH", "DELETE", "OPTIONS"]


def routes(endpoint: StreamEndpoint, path: str) -> Sequence[BaseRoute]:
    """Return the routes ``{path}/whip`` and ``{path}/whep``, and those of their sessions."""
    endpoint.hooks.protocols["whip"] = Ingest()
    endpoint.hooks.protocols["whep"] = Egress()
    found: list[BaseRoute] = []
    for name in ("whip", "whep"):
        handling = _Handling(endpoint, name)
        found += [
            Route(f"{path}/{name}", handling.endpoint_request, methods=ENDPOINT_METHODS),
            Route(f"{path}/{name}/{{secret}}", handling.session_request, methods=SESSION_METHODS),
        ]
    return found


class _Handling:
    """The requests of one of the two protocols.

    Args:
        endpoint: The endpoint of the stream.
        name: ``"whip"`` or ``"whep"``.
    """

    def __init__(self, endpoint: StreamEndpoint, name: str) -> None:
        self._endpoint = endpoint
        self._name = name

    async def endpoint_request(self, request: Request) -> Response:
        """Answer a request to the address that clients are configured with."""
        extra = {"Accept-Post": OFFER}
        return await self._answer(request, self._connect, ENDPOINT_METHODS, extra)

    async def session_request(self, request: Request) -> Response:
        """Answer a request to the address of a session."""
        extra = {"Accept-Patch": FRAGMENT}
        return await self._answer(request, self._change, SESSION_METHODS, extra)

    async def _answer(
        self,
        request: Request,
        work: Callable[[Request], Awaitable[Response]],
        methods: Sequence[str],
        options: dict[str, str],
    ) -> Response:
        allowed = ", ".join(methods)
        policy, preflight = self._endpoint.site_policy, request.method == "OPTIONS"
        if preflight:
            response = Response(headers={"Allow": allowed, **options})
        elif request.method in ("GET", "HEAD"):  # RFC 9725 section 4.1: no representation
            response = Response(status_code=204)
        else:
            response = await self._admitted(request, work)
        response.headers.update(cors_headers(request.headers, policy, allowed, preflight=preflight))
        return response

    async def _admitted(
        self, request: Request, work: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        try:
            refusal = await self._endpoint.refusal_of(request)
            return await work(request) if refusal is None else _refused(refusal)
        except SessionRefused as refused:
            return _refused(refused)
        except BodyTooLarge as error:
            return _problem(error.status_code, str(error.detail))

    # The endpoint

    async def _connect(self, request: Request) -> Response:
        endpoint, owner = self._endpoint, self._endpoint.owner
        if self._name == "whip" and not accepts_ingest(owner.mode):
            return _problem(404, "This stream only sends media: use WHEP")
        if self._name == "whep" and not offers_playback(owner.mode, owner.event_handler):
            return _problem(404, "This stream sends no media of its own")
        if _content_type(request) != OFFER:
            return _problem(415, f"The body must be {OFFER}", {"Accept-Post": OFFER})
        try:
            sdp = (await read_body(endpoint, request)).decode()
        except UnicodeDecodeError:
            return _problem(400, "The offer is not UTF-8")
        if not _has_media(sdp, "send" if self._name == "whip" else "recv"):
            wanted = "sends" if self._name == "whip" else "receives"
            return _problem(422, f"The offer has no audio or video that the client {wanted}")
        secret = secrets.token_urlsafe(24)
        id = connection_id(self._name, secret)
        try:
            answer = await connect_client(endpoint, id, sdp, self._name)
        except InvalidOffer as error:
            return _problem(400, text_of(error))
        response = Response(answer, 201, media_type=OFFER)
        response.headers["Location"] = location_below(request.scope, secret)
        response.headers["ETag"] = entity_tag(id)
        response.headers["Accept-Patch"] = FRAGMENT
        for link in await self._links():
            response.headers.append("Link", link)
        return response

    async def _links(self) -> list[str]:
        try:
            return ice_links(await resolve_configuration(self._endpoint.owner.rtc_configuration))
        except Exception as error:
            _failures.log(logger.error, "rtc_configuration failed: %s", error)
            return []

    # A session

    async def _change(self, request: Request) -> Response:
        id = connection_id(self._name, request.path_params["secret"])
        if request.method == "DELETE":  # whatever its If-Match (RFC 9725 section 4.3.1)
            if await end_session(self._endpoint, id):
                return Response(status_code=200)
            return _problem(404, "There is no such session")
        if _content_type(request) != FRAGMENT:
            return _problem(415, f"The body must be {FRAGMENT}", {"Accept-Patch": FRAGMENT})
        try:
            fragment = parse_fragment((await read_body(self._endpoint, request)).decode())
        except (InvalidFragment, UnicodeDecodeError) as error:
            return _problem(400, text_of(error))
        status = failed_precondition(request.headers.get("if-match"), entity_tag(id))
        if status is not None:
            return _problem(status, "If-Match must have the ETag of the session")
        status, reason = await trickle(self._endpoint, id, fragment)
        return Response(status_code=204) if status == 204 else _problem(status, reason)


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _has_media(sdp: str, way: str) -> bool:
    """Return whether an offer may have a section of audio or video in a direction.

    Args:
        sdp: The offer, which is not validated yet.
        way: ``"send"`` or ``"recv"``, as seen by the client.
    """
    if "m=" not in sdp:
        return True  # which is malformed, not unsuitable
    ways = {"a=sendrecv", f"a={way}only"}
    media: bool | None = None
    for line in map(str.strip, sdp.splitlines()):
        if line.startswith("m="):
            if media:
                return True  # a section without a direction has both
            media = True if line.startswith(("m=audio", "m=video")) else None
        elif media and line in ways:
            return True
        elif media and line in ("a=sendonly", "a=recvonly", "a=inactive"):
            media = False
    return bool(media)


def _refused(refusal: SessionRefused) -> Response:
    status = status_of(refusal)
    return _problem(status, reason_of(refusal), refusal_headers(status), code=refusal.code)


def _problem(
    status: int, detail: str, headers: dict[str, str] | None = None, **fields: str
) -> Response:
    """Return a response that describes an error (RFC 9457)."""
    title = http.HTTPStatus(status).phrase
    content = {"title": title, "status": status, "detail": detail, **fields}
    return JSONResponse(content, status, headers, media_type="application/problem+json")
