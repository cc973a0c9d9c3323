"""Ports for servers that a test starts a little later."""

import os
import random
import re
import socket
from collections.abc import Iterator

__all__ = ["free_port"]

PORTS = range(20_000, 32_000)
"""Below those that systems choose for clients (from 32768 on, Linux), which would take one."""

STRETCHES = 16
"""Each worker of pytest-xdist has a stretch of the ports for itself."""

_chosen: set[int] = set()


def free_port() -> int:
    """Return a port that is free for TCP and UDP, another one each time."""
    for port in _candidates():
        if _is_free(port):
            _chosen.add(port)
            return port
    raise OSError(f"no port of {_stretch()} is free")


def _stretch() -> range:
    worker = re.fullmatch(r"gw(\d+)", os.environ.get("PYTEST_XDIST_WORKER", ""))
    if worker is None:
        return PORTS
    size = len(PORTS) // STRETCHES
    number = int(worker[1]) % STRETCHES
    return PORTS[number * size : (number + 1) * size]


def _candidates() -> Iterator[int]:
    """Yield all ports in random order, first those that this process has not chosen yet.

    The order does not depend on a seed, as a forked program would have the same.
    """
    ports = random.SystemRandom().sample(_stretch(), len(_stretch()))
    yield from sorted(ports, key=_chosen.__contains__)


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("", port))
            except OSError:
                return False
    return True
