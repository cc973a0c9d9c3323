"""Cross-Origin Resource Sharing of the routes, for pages of other sites. No I/O."""

from __future__ import annotations

from collections.abc import Mapping

from ..transport.cross_site import SitePolicy, refuse_request

__all__ = ["EXPOSED", "cors_headers"]

EXPOSED = "Location, ETag, Link, Accept-Patch, Retry-After, WWW-Authenticate"
"""Headers of our responses that a page may read."""

ALLOWED = "Authorization, Content-Type, If-Match, X-OpenAI-Agents-SDK"
"""Headers that a page may send."""

MAX_AGE_S = 600


def cors_headers(
    headers: Mapping[str, str], policy: SitePolicy, methods: str, *, preflight: bool = False
) -> dict[str, str]:
    """Return the headers that let a page of an allowed origin use a route.

    Only origins that the program has named in ``allowed_origins`` get them; a ``CORSMiddleware``
    of the program replaces them with its own.

    Args:
        headers: The headers of the request; lookups must ignore case.
        policy: The policy of the endpoint.
        methods: The methods of the route, such as ``"POST, OPTIONS"``.
        preflight: Whether the request is one of a browser that asks before the real one.
    """
    origin = headers.get("origin")
    if origin is None or policy.origins is None or refuse_request(headers, policy) is not None:
        return {}
    found = {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}
    if not preflight:
        return {**found, "Access-Control-Expose-Headers": EXPOSED}
    return {
        **found,
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": ALLOWED,
        "Access-Control-Max-Age": str(MAX_AGE_S),
    }
