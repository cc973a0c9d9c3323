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
        raise InvalidArgument(f"{option} needs {error}") from None


def parse_headers(given: Iterable[str]) -> dict[str, str]:
    """Return headers by name.

    Raises:
        InvalidArgument: If one is not ``"NAME: VALUE"``, or a name occurs twice.
    """
    headers: dict[str, str] = {}
    for header in given:
        name, colon, value = header.partition(":")
        name = name.strip()
        fits = name.isascii() and value.isascii() and header.isprintable() and " " not in name
        if not colon or not name or not fits:
            raise InvalidArgument(f"--header must be 'NAME: VALUE', not {header!r}")
        if name.lower() in (one.lower() for one in headers):
            raise InvalidArgument(f"--header {name!r} is given twice: join the values with a comma")
        headers[name] = value.strip()
    return headers
