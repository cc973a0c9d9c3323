"""Create the directory that the options of a cluster name."""

from __future__ import annotations

from .directory import Directory
from .options import Cluster

__all__ = ["open_directory"]


def open_directory(options: Cluster) -> Directory:
    """Create the directory of a cluster, without connecting to it.

    Raises:
        ImportError: If the extra ``cluster`` is needed and not installed.
    """
    if options.directory is not None:
        return options.directory()
    if options.scheme == "sqlite":
        from .sqlite import SQLiteDirectory

        return SQLiteDirectory(options.path, lost_after_s=options.lost_after_s)
    from .redis import RedisDirectory

    return RedisDirectory(options.url or "", lost_after_s=options.lost_after_s)
