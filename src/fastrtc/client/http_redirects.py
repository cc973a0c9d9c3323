"""Send an HTTP request, also behind redirects."""

from __future__ import annotations

from typing import Any

import httpx

from .origins import HeaderScope, has_host, is_same_origin

__all__ = ["MAX_REDIRECTS", "REQUEST_ERRORS", "send_request"]

MAX_REDIRECTS = 3

SEE_OTHER = 303
"""The status of the only redirect that is requested with another method (RFC 9110 section 15.4)."""

REQUEST_ERRORS = (httpx.HTTPError, httpx.InvalidURL, httpx.CookieConflict, UnicodeError)
"""What ``send_request`` raises if there is no response."""


async def send_request(
    http: httpx.AsyncClient,
    method: str,
    url: str,
    scope: HeaderScope,
    *,
    stream: bool = False,
    elsewhere: bool = True,
    **options: Any,
) -> httpx.Response:
    """Send a request, and follow redirects, which keep its method and its body.

    Args:
        http: The client, which does not follow redirects.
        method: The method.
        url: The URL.
        scope: The user's headers. Its ``url`` is that of the last request, also after an error.
        stream: Whether the caller reads the body of the response, and closes it.
        elsewhere: Whether redirects to other origins are followed.
        options: Further arguments of ``httpx.AsyncClient.build_request``. All requests get their
            headers, unless the user's have the same names.

    Returns:
        The response; the redirect if it is not followed, or one too many.

    Raises:
        httpx.HTTPError: If there is no response.
        httpx.InvalidURL: If a URL is invalid.
        httpx.CookieConflict: If the server has set two cookies of one name.
        UnicodeError: If a header or a host name cannot be encoded.
    """
    common = httpx.Headers(options.pop("headers", None))
    for left in reversed(range(MAX_REDIRECTS + 1)):
        headers = common.copy()
        headers.update(httpx.Headers(scope.headers_for(url), encoding="latin-1"))  # as browsers do
        if not has_host(url):
            raise httpx.InvalidURL("The URL is invalid")
        request = http.build_request(method, url, headers=headers, **options)
        response = await http.send(request, stream=stream)
        if not left or not response.has_redirect_location:
            break
        try:
            url = str(request.url.join(response.headers["location"]))
        except BaseException:
            await response.aclose()
            raise
        if not elsewhere and not is_same_origin(url, scope.url):
            break
        await response.aclose()
        if response.status_code == SEE_OTHER:
            method = "GET"
            options = {name: options[name] for name in options.keys() - {"json", "content"}}
    return response
