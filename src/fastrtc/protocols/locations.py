"""The ``Location`` of what a request has created. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

__all__ = ["location_below"]

SAFE = "/:@!$&'()*+,;=~"
"""What RFC 3986 section 3.3 allows in a path beside letters, digits, ``-``, ``.`` and ``_``."""


def location_below(scope: Mapping[str, Any], name: str) -> str:
    """Return the path, as the client sees it, of a resource below that of a request.

    The path of a request has the ``root_path`` of its app, as with ``app.mount`` and ``uvicorn
    --root-path``, or lacks it, because a reverse proxy has removed it.

    Args:
        scope: The ASGI scope of the request.
        name: The last segment of the path.

    Returns:
        An absolute path, percent-encoded.
    """
    path, root = scope["path"], scope.get("root_path", "").rstrip("/")
    if not f"{path}/".startswith(f"{root}/"):
        path = scope.get("app_root_path", root).rstrip("/") + path  # without what mounts add
    return quote(f"{path.rstrip('/')}/{name}", safe=SAFE)
