"""Whether a command can serve on a port."""

from __future__ import annotations

import errno
import socket

__all__ = ["HOST", "port_problem"]

HOST = "127.0.0.1"
"""Where commands serve."""


def port_problem(port: int) -> str | None:
    """Return why nothing can be served on a port of this machine, or None if it is free."""
    try:
        socket.create_server((HOST, port)).close()
    except OSError as error:
        in_use = error.errno == errno.EADDRINUSE
        reason = str(error.strerror).partition(" (while")[0]  # where, Python adds
        why = "is in use" if in_use else f"cannot be used ({reason})"
        return f"Port {port} of {HOST} {why}: choose another with --port"
    return None
