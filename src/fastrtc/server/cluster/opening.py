"""Create the directory that the options of a cluster name."""

from __future__ import annotations

from urllib.parse import urlsplit

from .directory import Directory
from .listening import read_secret, restore_secret
from .options import Cluster

__all__ = ["find_secret", "keep_secret", "open_directory"]


def open_directory(options: Cluster, secret: str) -> Directory:
    """Create the directory of a cluster, without connecting to it.

    Args:
        options: The options.
        secret: The secret of the cluster.

    Raises:
        ImportError: If the extra ``cluster`` or ``ray`` is needed and not installed.
    """
    if options.directory is not None:
        return options.directory()
    if options.scheme == "sqlite":
        from .sqlite import SQLiteDirectory

        return SQLiteDirectory(options.path, lost_after_s=options.lost_after_s)
    if options.scheme == "ray":
        from .ray import RayDirectory

        return RayDirectory(name_of_actor(options), options.lost_after_s, secret)
    from .redis import RedisDirectory

    return RedisDirectory(options.url or "", lost_after_s=options.lost_after_s)


async def find_secret(options: Cluster) -> str:
    """Return the secret of a cluster: that of the options, or the one that the directory keeps.

    Raises:
        OSError: If it cannot be read.
    """
    if options.secret is not None:
        return options.secret
    if options.scheme == "ray":
        from .ray import ask_secret

        return await ask_secret(name_of_actor(options), options.lost_after_s)
    return read_secret(f"{options.path}.secret")


def keep_secret(options: Cluster, secret: str) -> None:
    """Write the secret of a cluster to its file again if the file was removed.

    Raises:
        OSError: If it cannot be written.
    """
    if options.secret is None and options.scheme == "sqlite":
        restore_secret(f"{options.path}.secret", secret)


def name_of_actor(options: Cluster) -> str:
    """Return the name in the url of an actor in Ray."""
    return urlsplit(options.url or "").path
