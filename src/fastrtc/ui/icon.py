"""Images for the page."""

from __future__ import annotations

import base64
import mimetypes
import warnings
from pathlib import Path

__all__ = ["image_address"]


def image_address(image: str) -> str | None:
    """Return an address with which a page can show an image.

    Args:
        image: A URL, or the path of a file. A file is embedded into the page (RFC 2397), so that it
            needs no route, wherever the page is mounted.

    Returns:
        The address; None, with a ``UserWarning``, if it is neither a URL nor an existing file. A
        URL without a host whose folder exists on this machine also causes one.
    """
    path = Path(image)
    if path.is_file():
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        if not kind.startswith("image/"):
            _warn(f"icon must be an image, such as SVG, PNG or JPEG, not {image!r}")
        return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"
    if image.startswith(("http://", "https://", "data:", "/")):
        if image.startswith("/") and path.parent.is_dir() and path.parent.parent != path.parent:
            _warn(f"icon is taken for a URL of this server, as there is no such file: {image!r}")
        return image
    _warn(f"icon is neither a URL nor an existing file: {image!r}")
    return None


def _warn(text: str) -> None:
    warnings.warn(text, UserWarning, stacklevel=4)
