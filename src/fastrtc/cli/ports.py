"""Check whether a command can use a port."""

from __future__ import annotations

import errno
import socket

__all__ = ["HOST", "port_problem"]

HOST = "127.0.0.1"
"""The address that commands serve on."""


def port_problem(port: int, host: str = HOST) -> str | None:
    """Return why a port cannot be used, or None if it is free.

    Args:
        port: The port.
        host: The address to serve on, or its name.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        in_use = error.errno == errno.EADDRINUSE
        reason = str(error.strerror).partition(" (while")[0]  # Python appends the address
        why = "is in use" if in_use else f"cannot be used ({reason})"
        return f"Port {port} of {host} {why}: choose another with --port"
    return None
