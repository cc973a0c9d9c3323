"""Check whether a command can use a port."""

from __future__ import annotations

import errno
import socket

__all__ = ["HOST", "port_problem"]

HOST = "127.0.0.1"
"""The address that commands serve on."""


def port_problem(port: int) -> str | None:
    """Return why a local port cannot be used, or None if it is free."""
    try:
        socket.create_server((HOST, port)).close()
    except OSError as error:
        in_use = error.errno == errno.EADDRINUSE
        reason = str(error.strerror).partition(" (while")[0]  # Python appends the address
        why = "is in use" if in_use else f"cannot be used ({reason})"
        return f"Port {port} of {HOST} {why}: choose another with --port"
    return None
