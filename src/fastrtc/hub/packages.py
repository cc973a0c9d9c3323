"""Find files in installed packages, without importing them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

__all__ = ["find_packaged_file"]


def find_packaged_file(package: str, pattern: str) -> Path | None:
    """Return the path of a file in an installed package, or None.

    Args:
        package: Name of a top-level package. It is not imported.
        pattern: Path of the file in the package, with ``*`` for what may differ between versions;
            of several files the last one by name.
    """
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):  # ValueError: imported, but without a spec
        return None
    folders = spec.submodule_search_locations if spec else None
    for folder in folders or ():
        found = [path for path in sorted(Path(folder).glob(pattern)) if path.is_file()]
        if found:
            return found[-1]
    return None
