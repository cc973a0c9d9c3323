"""ICE servers in ``Link`` headers (RFC 9725 section 4.5). No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["ice_links"]

MAX_LINKS = 16
"""Maximum number of headers; servers and proxies limit the size of all headers together."""


def ice_links(configuration: Mapping[str, Any] | None) -> list[str]:
    """Return the values of ``Link`` headers for the ICE servers of a configuration.

    Servers whose values a header cannot represent are left out.

    Args:
        configuration: An ``RTCConfiguration`` of browsers, or None.
    """
    links: list[str] = []
    servers = (configuration or {}).get("iceServers") or []
    for server in [servers] if isinstance(servers, Mapping) else servers:
        if not isinstance(server, Mapping):
            continue
        urls = server.get("urls", server.get("url"))
        for url in [urls] if isinstance(urls, str) else urls or []:
            link = _link(url, server.get("username"), server.get("credential"))
            if link is not None:
                links.append(link)
    return links[:MAX_LINKS]


def _link(url: Any, username: Any, credential: Any) -> str | None:
    if not isinstance(url, str) or not _fits(url) or any(c in url for c in '<>" '):
        return None
    link = f'<{url}>; rel="ice-server"'
    if username is None or credential is None:
        return link
    if not all(isinstance(one, str) and _fits(one) for one in (username, credential)):
        return None
    return (
        f"{link}; username={_quoted(username)}; credential={_quoted(credential)}; "
        'credential-type="password"'
    )


def _fits(value: str) -> bool:
    """Return whether a quoted string of a header can have the value (RFC 9110 section 5.6.4)."""
    return value.isascii() and value.isprintable()


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
