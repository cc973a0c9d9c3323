"""Middleware that lets only certain sites show a page in a frame."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from ..server.local_server import App, Receive, Scope, Send

__all__ = ["FrameAncestors", "check_frame_ancestors"]

SOURCE = re.compile(
    r"[a-z][a-z0-9+.-]*:(//(\*|(\*\.)?[a-z0-9.-]+|\[[0-9a-f:.]+\])(:(\d+|\*))?)?", re.IGNORECASE
)
"""A source in ``frame-ancestors``: an origin, with wildcards, or a scheme (CSP 3)."""


class FrameAncestors:
    """Add ``Content-Security-Policy: frame-ancestors`` to the responses of an app.

    For a launched page, use ``Stream(frame_ancestors=...)``. For a mounted page, or your own page::

        app.add_middleware(FrameAncestors, sources=["https://www.example.org"])

    Args:
        app: The ASGI app.
        sources: The sites that may frame the page, in addition to the page itself.

    Raises:
        ValueError: If ``sources`` is not a list of such strings.
    """

    def __init__(self, app: App, sources: Collection[str]) -> None:
        self._app = app
        given = check_frame_ancestors(sources) or ()
        self._header = ("content-security-policy", " ".join(("frame-ancestors 'self'", *given)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward a request, and add the header to its response."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name, value = self._header

        async def send_with_header(message: Any) -> None:
            if message["type"] == "http.response.start":  # the app's own policy applies as well
                own = (name.encode(), value.encode())
                message = {**message, "headers": [*message.get("headers", ()), own]}
            await send(message)

        await self._app(scope, receive, send_with_header)


def check_frame_ancestors(given: Any) -> tuple[str, ...] | None:
    """Return the sites that may frame a page as a tuple; None allows all sites.

    Raises:
        ValueError: If it is not a list of sources.
    """
    if given is None:
        return None
    if isinstance(given, str) or not isinstance(given, list | tuple | set | frozenset):
        raise ValueError(f"frame_ancestors must be a list of strings or None, not {given!r}")
    for one in given:
        if not isinstance(one, str) or not SOURCE.fullmatch(one):
            raise ValueError(
                "frame_ancestors must be origins such as 'https://www.example.org', "
                f"'https://*.example.org' or 'http://localhost:*', not {one!r}"
            )
    return tuple(given)
