"""Images for the page."""

from __future__ import annotations

import base64
import mimetypes
from pathlib import Path

__all__ = ["image_address"]


def image_address(image: str) -> str:
    """Give the address by which a page can show an image.

    Args:
        image: A URL, or the path of a file. A file becomes part of the page (RFC 2397), so
            that it needs no route, wherever the page is mounted.

    Raises:
        ValueError: If it is neither.
    """
    path = Path(image)
    if path.is_file():
        kind = mimetypes.guess_type(path.name)[0] or ""
        if not kind.startswith("image/"):
            raise ValueError(f"icon must be an image, such as SVG, PNG or JPEG, not {image!r}")
        return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"
    if image.startswith(("http://", "https://", "data:", "/")):
        return image
    raise ValueError(f"icon is neither a URL nor a file that exists: {image!r}")
