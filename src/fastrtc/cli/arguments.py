"""Arguments of commands that connect to a server."""

from __future__ import annotations

from collections.abc import Iterable

from ..client.signaling import page_url

__all__ = ["InvalidArgument", "parse_headers", "server_url"]


class InvalidArgument(ValueError):
    """An argument of a command is malformed."""


def server_url(option: str, given: str) -> str:
    """Return the URL of a server; see ``page_url``.

    Args:
        option: The name of the argument, for the error.
        given: Its value.

    Raises:
        InvalidArgument: If it is no URL of HTTP or WebSocket.
    """
    try:
        return page_url(given)
    except ValueError as error:
        verb = "" if "is not a URL" in str(error) else "needs "
        raise InvalidArgument(f"{option} {verb}{error}") from None


def parse_headers(given: Iterable[str]) -> dict[str, str]:
    """Return headers by name.

    Raises:
        InvalidArgument: If one is not ``"NAME: VALUE"``.
    """
    headers = {}
    for header in given:
        name, colon, value = header.partition(":")
        name = name.strip()
        if not colon or not name or not name.isascii() or not value.isascii() or " " in name:
            raise InvalidArgument(f"--header must be 'NAME: VALUE', not {header!r}")
        headers[name] = value.strip()
    return headers
