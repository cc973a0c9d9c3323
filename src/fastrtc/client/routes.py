"""Requests to routes of the program: inputs, and outputs as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx

from .errors import JSON, ClientError
from .http_redirects import REQUEST_ERRORS, send_request
from .origins import HeaderScope
from .signaling import no_proxy, unreachable
from .tls import http_context

__all__ = ["Routes"]


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
            timeout=timeout_s,
            mounts=no_proxy(url),
            verify=http_context(),
        )
        self._headers = dict(headers)

    async def post(self, route: str, values: Mapping[str, JSON]) -> None:
        """Post ``{"webrtc_id": id, **values}``.

        Raises:
            ClientError: If the route does not accept it.
        """
        body = {"webrtc_id": self._id, **values}
        response = await self._request("POST", route, json=body)
        if not response.is_success:
            raise _failed(response, response.text)

    async def events(self, route: str) -> AsyncIterator[str]:
        """Yield the data of each server-sent event of ``GET route?webrtc_id=id``.

        Raises:
            ClientError: If the route does not answer, or the connection is lost.
        """
        timeout = httpx.Timeout(self._http.timeout.connect, read=None)
        id = {"webrtc_id": self._id}
        response = await self._request("GET", route, id, stream=True, timeout=timeout)
        try:
            if not response.is_success:
                body = await response.aread()
                raise _failed(response, body.decode(errors="replace"))
            data: list[str] = []
            async for line in response.aiter_lines():
                if line.startswith("data:"):
                    data.append(line.removeprefix("data:").removeprefix(" "))
                elif not line and data:
                    yield "\n".join(data)
                    data = []
        except httpx.HTTPError as error:
            raise unreachable(str(response.request.url), error) from error
        finally:
            await response.aclose()

    async def _request(
        self, method: str, route: str, query: Mapping[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        """Send a request to a route; see ``send_request``.

        Raises:
            ClientError: If there is no response.
        """
        scope = HeaderScope(route, self._headers)
        try:
            url = str(self._url.join(route).copy_merge_params(query or {}))
            scope.url = url  # the program itself has chosen it
            return await send_request(self._http, method, url, scope, **options)
        except REQUEST_ERRORS as error:
            raise unreachable(scope.url, error) from error

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()


def _failed(response: httpx.Response, body: str) -> ClientError:
    url, status = response.request.url, response.status_code
    code = {400: "bad_inputs", 422: "bad_inputs", 401: "forbidden", 403: "forbidden"}.get(status)
    if code is None:
        code = "not_found" if status in (404, 405) else "server_error"
    return ClientError(f"{url} answers {status}: {body[:200]}", code, {"status": status})
