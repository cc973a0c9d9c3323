"""The versions of clients and servers, which tell them to each other."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

from .._version import __version__

__all__ = ["CLIENT_VERSION", "check_server_version", "read_client_version"]

CLIENT_VERSION = {"client_version": __version__}
"""What a client adds to its offer, or to the ``start`` of a WebSocket."""

MAX_REPORTED = 16
"""How many versions are reported: clients may tell any."""

_VERSION = re.compile(r"((?:0\.)?\d{1,6})\.[\w.+!-]{1,64}", re.ASCII)
"""A version, and the part of it that must be the same on both sides: ``0.1`` or ``1``."""

logger = logging.getLogger(__name__)
_reported: set[str] = set()


def read_client_version(message: Mapping[str, Any]) -> dict[str, str]:
    """Return what the server answers to a client that tells its version.

    A warning is logged if the versions do not fit: once for each version.

    Args:
        message: The body of an offer, or a ``start``.

    Returns:
        ``{"server_version"}``; empty for a client that tells no version.
    """
    version = message.get("client_version")
    if not _is_version(version):
        return {}
    _report("A client has version %s of fastrtc, but the server has %s", version)
    return {"server_version": __version__}


def check_server_version(answer: Mapping[str, Any]) -> None:
    """Log a warning if the version of the server does not fit: once for each version.

    Args:
        answer: The answer to an offer, or ``started``.
    """
    version = answer.get("server_version")
    if _is_version(version):
        _report("The server has version %s of fastrtc, but the client has %s", version)


def _is_version(value: Any) -> bool:
    return isinstance(value, str) and _VERSION.fullmatch(value) is not None


def _report(message: str, version: Any) -> None:
    if _significant(version) == _significant(__version__) or version in _reported:
        return
    if len(_reported) < MAX_REPORTED:
        _reported.add(version)
        logger.warning(f"{message}: not all may work, so use the same one", version, __version__)


def _significant(version: str) -> str:
    match = _VERSION.fullmatch(version)
    return "" if match is None else match[1]
