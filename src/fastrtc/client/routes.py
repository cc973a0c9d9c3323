"""Requests to routes of the program: inputs, and outputs as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import httpx

from .errors import JSON, ClientError
from .origins import has_host, is_same_origin
from .signaling import no_proxy, unreachable
from .tls import http_context

__all__ = ["Routes"]

ROUTE = "fastrtc.route"
"""The name of an extension of requests, and of those that follow redirects: the first URL."""


class Routes:
    """Send requests to the program that serves a stream.

    Args:
        url: The URL of the page or stream, against which paths are resolved.
        id: The connection id.
        headers: Headers of each request, but for those that a redirect sends to another origin.
        timeout_s: How long a response may take, in seconds.
    """

    def __init__(self, url: str, id: str, headers: Mapping[str, str], timeout_s: float) -> None:
        self._url = httpx.URL(f"{url}/")
        self._id = id
        self._http = httpx.AsyncClient(
            headers=dict(headers),
            timeout=timeout_s,
            follow_redirects=True,
            mounts=no_proxy(url),
            verify=http_context(),
            event_hooks={"request": [self._remove_headers]},
        )
        self._names = tuple(headers)

    async def post(self, route: str, values: Mapping[str, JSON]) -> None:
        """Post ``{"webrtc_id": id, **values}``.

        Raises:
            ClientError: If the route does not accept it.
        """
        url = self._url.join(route)
        try:
            body = {"webrtc_id": self._id, **values}
            response = await self._http.post(url, json=body, extensions={ROUTE: url})
        except httpx.HTTPError as error:
            raise unreachable(str(url), error) from error
        if not response.is_success:
            raise _failed(url, response.status_code, response.text)

    async def events(self, route: str) -> AsyncIterator[str]:
        """Yield the data of each server-sent event of ``GET route?webrtc_id=id``.

        Raises:
            ClientError: If the route does not answer, or the connection is lost.
        """
        url = self._url.join(route).copy_merge_params({"webrtc_id": self._id})
        timeout = httpx.Timeout(self._http.timeout.connect, read=None)
        try:
            request = self._http.stream("GET", url, timeout=timeout, extensions={ROUTE: url})
            async with request as response:
                if not response.is_success:
                    body = await response.aread()
                    raise _failed(url, response.status_code, body.decode(errors="replace"))
                data: list[str] = []
                async for line in response.aiter_lines():
                    if line.startswith("data:"):
                        data.append(line.removeprefix("data:").removeprefix(" "))
                    elif not line and data:
                        yield "\n".join(data)
                        data = []
        except httpx.HTTPError as error:
            raise unreachable(str(url), error) from error

    async def _remove_headers(self, request: httpx.Request) -> None:
        """Remove the user's headers from a request to another origin than that of the route.

        Raises:
            httpx.UnsupportedProtocol: If the URL, which may be that of a redirect, is invalid.
        """
        if not has_host(str(request.url)):
            raise httpx.UnsupportedProtocol("The URL is invalid", request=request)
        if not is_same_origin(str(request.url), str(request.extensions[ROUTE])):
            for name in self._names:
                request.headers.pop(name, None)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()


def _failed(url: httpx.URL, status: int, body: str) -> ClientError:
    code = {400: "bad_inputs", 422: "bad_inputs", 401: "forbidden", 403: "forbidden"}.get(status)
    if code is None:
        code = "not_found" if status in (404, 405) else "server_error"
    return ClientError(f"{url} answers {status}: {body[:200]}", code, {"status": status})
