"""The stream that ``fastrtc playground`` points at: where it is, and what it takes."""

from __future__ import annotations

import uuid
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import httpx

from ..client.errors import ClientError
from ..client.signaling import Route, Signaling, modality_in, no_proxy, unreachable
from ..client.tls import http_context

__all__ = ["Choices", "Target"]

MODALITIES = ("audio", "video", "audio-video")
MODES = ("send-receive", "send", "receive")

OFFER = "/webrtc/offer"

ANSWER_TIMEOUT_S = 20.0
"""How long the target may take to answer a request, in seconds. The page waits for 15 s."""

CONNECT_TIMEOUT_S = 5.0

NO_ICE = "The offer has no ICE credentials"
NOTHING_TO_ANSWER = "The offer has no section that can be answered"
"""Parts of refusals by this package: the offer fits the stream, or its direction does not."""


@dataclass(frozen=True)
class Choices:
    """What the user has chosen with options of the command; None is left to the page.

    Attributes:
        modality: The kinds of media.
        mode: The direction of the media.
        transport: ``"webrtc"``, ``"websocket"`` or ``"auto"``.
        has_token: Whether requests have a token, which the page does not get to know.
    """

    modality: str | None = None
    mode: str | None = None
    transport: str | None = None
    has_token: bool = False


@dataclass(frozen=True)
class Found:
    """What is known about the target.

    Attributes:
        route: Where offers go.
        modality: The kinds of media; None if they are not known.
        mode: The direction of the media; None if it is not known.
    """

    route: Route
    modality: str | None = None
    mode: str | None = None


class Target:
    """The server of the stream.

    Args:
        url: The URL of a page, of a mounted stream or of its offer route, as of ``page_url``.
        headers: The headers of each request.

    Attributes:
        url: The URL without a login, as the page shows it.
        headers: The headers with that login, unless they have another one.
    """

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self.url, login = _without_login(url)
        given = {name.lower() for name in headers}
        self.headers = {**({} if "authorization" in given else login), **headers}
        self.http = httpx.AsyncClient(
            timeout=httpx.Timeout(ANSWER_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            mounts=no_proxy(self.url),
            verify=http_context(),
        )
        self._session = uuid.uuid4().hex
        self._routes: dict[str, Route] = {}

    async def close(self) -> None:
        """Close the connections to the target."""
        await self.http.aclose()

    async def route(self) -> Route:
        """Return where offers go.

        Raises:
            ClientError: If there is no stream, or the target cannot be reached.
        """
        if self.url in self._routes:
            return self._routes[self.url]
        async with Signaling(self.url, self.headers, self._routes) as signaling:
            return await signaling.find()

    def forget_route(self) -> None:
        """Look the route up again: another program may run there now."""
        self._routes.clear()

    def gradio_body(self, route: Route, function: str, data: Any) -> dict[str, Any]:
        """Return the body of a request to a function of the component of a Gradio page."""
        return {
            "data": data,
            "component_id": route.component,
            "fn_name": function,
            "session_hash": self._session,
        }

    async def call_component(
        self, route: Route, function: str, data: Any, headers: Mapping[str, str]
    ) -> Any:
        """Call a function of the component of a Gradio page; None for any failure of it.

        Raises:
            ClientError: If the target cannot be reached.
        """
        body = self.gradio_body(route, function, data)
        try:
            response = await self.http.post(route.url, json=body, headers=_encoded(headers))
            return response.json() if response.is_success else None
        except httpx.HTTPError as error:
            raise unreachable(route.url, error) from error
        except ValueError:  # it is not JSON
            return None

    def socket_url(self, route: Route) -> str:
        """Return the URL of the WebSocket of a mounted stream."""
        return route.url.removesuffix(OFFER) + "/websocket/offer"

    async def find(self) -> Found:
        """Find the stream again, and what it takes, without connecting to it.

        Raises:
            ClientError: If there is no stream, or the target cannot be reached.
        """
        self.forget_route()
        route = await self.route()
        if route.component is not None:
            return await self._of_component(route)
        async with Signaling(self.url, self.headers, self._routes) as signaling:
            return await _of_offers(signaling, route)

    async def _of_component(self, route: Route) -> Found:
        """Return what the configuration of a Gradio page says."""
        try:
            url = f"{route.page}/config"
            headers = self.headers if route.is_own else {}
            response = await self.http.get(url, headers=headers)
            config = response.json()
        except httpx.HTTPError as error:
            raise unreachable(self.url, error) from error
        except ValueError:
            config = {}
        components = config.get("components") or ()
        props: Mapping[str, Any] = next(
            (one.get("props") for one in components if one["id"] == route.component), {}
        )
        return Found(
            route,
            _known(props.get("modality"), MODALITIES),
            _known(props.get("mode"), MODES),
        )


def _encoded(headers: Mapping[str, str]) -> httpx.Headers:
    """Return headers with the bytes that browsers send, which need not be ASCII."""
    return httpx.Headers(dict(headers), encoding="latin-1")


def _without_login(url: str) -> tuple[str, dict[str, str]]:
    """Return a URL without the login of ``http://NAME:PASSWORD@HOST``, and that as a header."""
    parts = urlsplit(url)
    login, found, host = parts.netloc.rpartition("@")
    if not found:
        return url, {}
    name, _, password = login.partition(":")
    basic = b64encode(f"{unquote(name)}:{unquote(password)}".encode()).decode()
    return urlunsplit(parts._replace(netloc=host)), {"Authorization": f"Basic {basic}"}


async def _of_offers(signaling: Signaling, route: Route) -> Found:
    """Return the modality and mode of a mounted stream, which its refusals of offers tell.

    The offers have neither ICE credentials nor a fingerprint, so they cannot be answered, and take
    no place. An older server is not asked, as it may keep a place for them.
    """
    if not await _keeps_early_candidates(signaling, route):
        return Found(route)
    refusal = await _refusal(signaling, route, {"audio": "sendonly", "video": "sendonly"})
    kinds = modality_in(refusal)
    modality = "-".join(kinds) if kinds else "audio-video" if NO_ICE in refusal else None
    if modality is None and NOTHING_TO_ANSWER in refusal:
        return Found(route, "audio-video", "receive")
    if modality is None:
        return Found(route)
    both = ("audio", "video")
    sending = {kind: "sendonly" if kind in modality else "inactive" for kind in both}
    receiving = {kind: "recvonly" if kind in modality else "inactive" for kind in both}
    sends = await _refusal(signaling, route, sending)
    receives = await _refusal(signaling, route, receiving)
    mode = {
        (True, True): "send-receive",
        (True, False): "send",
        (False, True): "receive",
    }.get((NO_ICE in sends, NO_ICE in receives))
    return Found(route, modality, mode)


async def _keeps_early_candidates(signaling: Signaling, route: Route) -> bool:
    """Return whether the server accepts a candidate before its offer, as this package does.

    FastRTC 0.0.34 does not, and keeps a place for each offer, even if it cannot answer it.
    """
    end = {"candidate": "", "sdpMid": "0", "sdpMLineIndex": 0}
    body = {"candidate": end, "type": "ice-candidate", "webrtc_id": _new_id()}
    try:
        answer = await signaling.send(route, body)
    except ClientError:
        return False
    return answer.get("status") == "success"


async def _refusal(signaling: Signaling, route: Route, directions: Mapping[str, str]) -> str:
    """Return why the server refuses an offer of audio and video; "" if it gives no reason."""
    body = {"sdp": _sdp(directions), "type": "offer", "webrtc_id": _new_id()}
    try:
        meta = (await signaling.send(route, body)).get("meta")
    except ClientError:
        return ""
    return str(meta.get("error", "")) if isinstance(meta, dict) else ""


def _new_id() -> str:
    return f"playground-{uuid.uuid4().hex}"


CODECS = {"audio": "111 opus/48000/2", "video": "96 VP8/90000"}


def _sdp(directions: Mapping[str, str]) -> str:
    lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0"]
    for index, (kind, direction) in enumerate(directions.items()):
        codec = CODECS[kind]
        lines += [
            f"m={kind} 9 UDP/TLS/RTP/SAVPF {codec.split()[0]}",
            "c=IN IP4 0.0.0.0",
            f"a=mid:{index}",
            f"a={direction}",
            "a=rtcp-mux",
            f"a=rtpmap:{codec}",
        ]
    return "\r\n".join([*lines, ""])


def _known(value: Any, words: tuple[str, ...]) -> str | None:
    return value if value in words else None
