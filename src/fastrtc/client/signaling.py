"""Send offers to a running server: over a mounted stream's route, or that of a Gradio page."""

from __future__ import annotations

import socket
import ssl
import uuid
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit

import httpx

from .errors import ClientError
from .http_redirects import REQUEST_ERRORS, send_request
from .origins import HeaderScope, has_host, is_same_origin
from .tls import http_context

__all__ = [
    "Route",
    "Signaling",
    "is_answer",
    "is_local",
    "modality_in",
    "no_proxy",
    "page_url",
    "unreachable",
    "with_token",
]

OFFER = "/webrtc/offer"
ANSWER_TIMEOUT_S = 15.0
"""How long the server may take to answer a request. An answer may wait for TURN and STUN servers
for some 5 s."""

TRY_AGAIN = (408, 425, 429)
"""The status of responses of proxies that say nothing about the stream, as those from 500 on."""

NO_ROUTE = (404, 405, 501)
"""The status of a path that takes no offers; 501 of servers that know no ``POST``."""


@dataclass(frozen=True)
class Route:
    """Where offers go.

    Attributes:
        url: The URL that requests are posted to.
        component: The id of the component of a Gradio page; None for a mounted stream.
        notes: What was found on the way.
        page: The URL of the Gradio page, after redirects; None for a mounted stream.
        is_own: Whether it gets the headers of the user: no redirect led to another origin.
    """

    url: str
    component: int | None = None
    notes: tuple[str, ...] = ()
    page: str | None = None
    is_own: bool = True


class _Reply(NamedTuple):
    """A response, and whether no redirect on the way to it led to another origin."""

    response: httpx.Response
    is_own: bool


def page_url(given: str) -> str:
    """Return the URL of a page or a stream: without query, trailing slash and offer route.

    ``ws`` becomes ``http``.

    Raises:
        ValueError: If it is no URL of HTTP or WebSocket.
    """
    text = given.strip()
    if "://" not in text:
        text = f"http://{text}"
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 (raises ValueError)
    except ValueError as error:
        raise ValueError(f"the URL of a server, not {given!r}: {error}") from None
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    if scheme not in ("http", "https") or not has_host(text):
        raise ValueError(f"the URL of a server, such as http://127.0.0.1:7860, not {given!r}")
    path = parts.path.rstrip("/").removesuffix("/websocket/offer")
    return urlunsplit((scheme, parts.netloc, path, "", ""))


def with_token(headers: Mapping[str, str], token: str | None) -> dict[str, str]:
    """Return the headers of each request, with a token if there is one.

    Raises:
        ValueError: If there is a token and the headers have another one.
    """
    if token is None:
        return dict(headers)
    if any(name.lower() == "authorization" for name in headers):
        raise ValueError("token and the header Authorization exclude each other")
    return {**headers, "Authorization": f"Bearer {token}"}


def is_local(url: str) -> bool:
    """Return whether a server is on this machine, so that no proxy of the environment applies."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def no_proxy(url: str) -> dict[str, None]:
    """Return the ``mounts`` of httpx that use no proxy for a server on this machine."""
    return {f"all://{urlsplit(url).netloc.rpartition('@')[2]}": None} if is_local(url) else {}


class Signaling:
    """Send offers to a server; an async context manager.

    Args:
        url: The URL of the server, as of `page_url`.
        headers: The headers of each request, but for those that a redirect sends to another origin.
        routes: The routes that were found before, by URL; None for none. It is updated.

    Attributes:
        reached: Whether a connection to the server was established.
    """

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        routes: MutableMapping[str, Route] | None = None,
    ) -> None:
        self.reached = False
        self._routes: MutableMapping[str, Route] = {} if routes is None else routes
        self._url = url
        self._headers = dict(headers)
        self._http = httpx.AsyncClient(
            timeout=ANSWER_TIMEOUT_S,
            mounts=no_proxy(url),
            verify=http_context(),
        )
        self._session = uuid.uuid4().hex

    async def __aenter__(self) -> Signaling:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections to the server."""
        await self._http.aclose()

    async def find(self) -> Route:
        """Find out where offers go, with requests that are none, unless that is known.

        Raises:
            ClientError: If there is no stream, or the server cannot be reached.
        """
        if self._url not in self._routes:
            self._routes[self._url] = await self._find()
        return self._routes[self._url]

    async def _find(self) -> Route:
        path = urlsplit(self._url).path
        mounted = Route(self._url if path.endswith(OFFER) else self._url + OFFER)
        response, is_own = await self._post(mounted, "offer", {})
        request = response.request
        if response.status_code not in NO_ROUTE and request.method == "POST":
            return Route(str(request.url), notes=self._notes(is_own), is_own=is_own)
        found = await self._page() or await self._documented()
        if found is None:
            raise ClientError(
                f"there is no stream at {self._url}: no {OFFER}, and no Gradio page with one",
                "not_found",
                advice="Pass the address of the page, or the path of stream.mount(app, path=...): "
                "http://HOST:PORT/PATH.",
            )
        return found

    async def send(self, route: Route, body: dict[str, Any]) -> dict[str, Any]:
        """Send an offer.

        Returns:
            The answer, ``{"sdp", "type"}``, or a refusal, ``{"status", "meta"}``.

        Raises:
            ClientError: If there is none. The route may have changed, and is looked up next time.
        """
        try:
            return _read((await self._post(route, "offer", body)).response, route.url)
        except BaseException:  # also if it is canceled, as it takes too long
            self._routes.pop(self._url, None)
            raise

    async def page_configuration(self, route: Route) -> dict[str, Any] | None:
        """Return the ``rtc_configuration`` that a Gradio page gives its client, or None."""
        if route.component is None:
            return None
        found = _json((await self._post(route, "turn", None)).response)
        return found if isinstance(found, dict) and found.get("iceServers") else None

    # Where offers go

    async def _page(self) -> Route | None:
        """Return the route of the component of a Gradio page."""
        response, is_own = await self._request("GET", f"{self._url}/config")
        config = _json(response)
        if not isinstance(config, dict) or not isinstance(config.get("components"), list):
            return None
        found = [one["id"] for one in config["components"] if _is_component(one)]
        if not found:
            raise ClientError(
                f"{self._url} is a Gradio page without a WebRTC component",
                "not_found",
                advice="Pass the address of the page that has the stream.",
            )
        several = (f"the page has {len(found)} streams: the first one",) if len(found) > 1 else ()
        reached = str(response.request.url)
        page = reached.removesuffix("/config") if reached.endswith("/config") else self._url
        prefix = str(config.get("api_prefix") or "")
        notes = (*several, *self._notes(is_own))
        return Route(f"{page}{prefix}/component_server/", found[0], notes, page, is_own)

    async def _documented(self) -> Route | None:
        """Return the first route of offers that the OpenAPI schema of the server lists."""
        parts = urlsplit(self._url)
        origin = f"{parts.scheme}://{parts.netloc}"
        schema = _json((await self._request("GET", f"{origin}/openapi.json")).response)
        paths = schema.get("paths") if isinstance(schema, dict) else None
        found = [path for path in paths if path.endswith(OFFER)] if isinstance(paths, dict) else []
        if not found:
            return None
        others = "" if len(found) == 1 else f", one of {', '.join(found)}"
        url = origin + found[0]
        notes = (f"the stream is at {found[0]}{others}",)
        return Route(url, notes=notes, is_own=is_same_origin(url, self._url))

    def _notes(self, is_own: bool) -> tuple[str, ...]:
        """Return a note if redirects lead to another server, which does not get the headers."""
        if not self._headers or is_own:
            return ()
        return (f"{self._url} redirects to another server, which gets none of the headers",)

    # Requests

    async def _post(self, route: Route, function: str, body: Any) -> _Reply:
        if route.component is not None:
            body = {
                "data": body,
                "component_id": route.component,
                "fn_name": function,
                "session_hash": self._session,
            }
        return await self._request("POST", route.url, route.is_own, json=body)

    async def _trace(self, event: str, _: Mapping[str, Any]) -> None:
        """Process an event of httpcore: ``http11.send_request_headers.started`` and others."""
        if "send_request" in event:  # TCP and TLS are connected
            self.reached = True

    async def _request(self, method: str, url: str, is_own: bool = True, **body: Any) -> _Reply:
        """Send a request; redirects keep its method.

        Raises:
            ClientError: If there is no response, or one that asks to log in.
        """
        scope = HeaderScope(self._url, self._headers)
        scope.is_own = is_own
        trace = {"trace": self._trace}
        try:
            response = await send_request(self._http, method, url, scope, extensions=trace, **body)
        except httpx.TimeoutException as error:
            raise ClientError(
                f"no response from {scope.url} within {ANSWER_TIMEOUT_S:.0f} s",
                "server_timeout",
                advice="The server hangs, or a firewall drops the packets: check the address, and "
                "the server's log.",
            ) from error
        except REQUEST_ERRORS as error:
            raise unreachable(scope.url, error) from error
        if response.status_code in (401, 403):
            advice = (
                "Log in as a client does: --header 'Authorization: Bearer TOKEN', or the cookie of "
                "a browser: --header 'Cookie: NAME=VALUE'."
            )
            for note in self._notes(scope.is_own):
                advice = f"{note}: pass its own address. {advice}"
            raise ClientError(
                f"{scope.url} refuses the request: {response.status_code} {response.reason_phrase}",
                "forbidden",
                advice=advice,
            )
        return _Reply(response, scope.is_own)


def is_answer(answer: Mapping[str, Any]) -> bool:
    """Return whether a response to an offer is an SDP answer; otherwise it is a refusal."""
    return answer.get("type") == "answer" and isinstance(answer.get("sdp"), str)


def modality_in(refusal: str) -> Sequence[str]:
    """Return the kinds of media that a stream accepts, if a refusal names them."""
    _, marker, modality = refusal.partition("the stream's modality is ")
    kinds = modality.split()[0].rstrip(").").split("-") if marker and modality.split() else []
    return [kind for kind in kinds if kind in ("audio", "video")]


def _read(response: httpx.Response, url: str) -> dict[str, Any]:
    """Return the answer or the refusal in a response.

    Raises:
        ClientError: If it has neither.
    """
    found = _json(response)
    if response.status_code == 400 and isinstance(found, dict) and "detail" in found:
        return {"status": "failed", "meta": {"error": str(found["detail"])}}
    if response.status_code >= 500 or response.status_code in TRY_AGAIN:
        raise ClientError(
            f"{url} fails: {response.status_code} {response.reason_phrase}",
            "server_error",
            advice="See the log of the server; behind a proxy, check that it is running.",
        )
    if response.status_code != 200 or not isinstance(found, dict):
        raise ClientError(
            f"{url} does not answer offers: {response.status_code} {response.reason_phrase}",
            "not_found",
            advice="This is not a server of fastrtc, or not its address.",
        )
    return found


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _is_component(one: Any) -> bool:
    return isinstance(one, dict) and one.get("type") == "webrtc" and isinstance(one.get("id"), int)


def unreachable(url: str, error: BaseException) -> ClientError:
    """Describe why a server cannot be reached, by the innermost known cause."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return ClientError(
                f"TLS with {url} failed: {cause}",
                "server_unreachable",
                advice="Check the certificate, whether the port uses TLS (https) or not (http), "
                "and set SSL_CERT_FILE for a certificate authority of your own.",
            )
        if isinstance(cause, socket.gaierror):
            return ClientError(
                f"the host name of {url} cannot be resolved: {cause}",
                "server_unreachable",
                advice="Check the host name; if it is correct, the machine has no working DNS.",
            )
        cause = cause.__cause__ or cause.__context__
    return ClientError(
        f"{url} cannot be reached: {error or type(error).__name__}",
        "server_unreachable",
        advice="Check the address and the port, whether the server is running, and whether it uses "
        "https. "
        "A server on 127.0.0.1 is reachable from its own machine only.",
    )
