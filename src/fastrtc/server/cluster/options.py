"""The options of a cluster: its directory, its secret, and the address of this process."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from .directory import Directory

__all__ = ["ADDRESS", "CLUSTER", "SECRET", "Cluster", "check_cluster", "resolve_cluster"]

CLUSTER = "FASTRTC_CLUSTER"
"""The environment variable with the ``url`` of a stream without the option ``cluster``."""

SECRET = "FASTRTC_CLUSTER_SECRET"
"""The environment variable with ``secret``."""

ADDRESS = "FASTRTC_CLUSTER_ADDRESS"
"""The environment variable with ``address``."""

MIN_SECRET_LENGTH = 16
SCHEMES = ("sqlite", "redis", "rediss", "ray")
WITHOUT_SECRET = ("sqlite", "ray")
"""The directories that keep a secret themselves, if none is given."""


@dataclass(frozen=True)
class Cluster:
    """The processes that serve one program together; an argument of ``Stream``.

    Any request may reach any process, also on other machines: a *directory* knows which process
    owns a connection, and the processes send each other the requests of connections that they do
    not own. Media goes directly to the owner.

    Attributes:
        url: The directory: ``"sqlite:///path/to/file"`` for the processes of one machine, or
            ``"redis://host:6379/0"`` or ``"rediss://..."`` for several machines, which needs
            ``fastrtc[cluster]``. A relative path is ``"sqlite:file"``. ``"ray:name"`` is an actor
            in the Ray cluster that the process is connected to; see ``fastrtc.ray.deployment``.
        secret: The secret that all processes share, of 16 characters or more, with which they sign
            the requests to each other. **A process that has it can run code in the others.** None
            reads ``FASTRTC_CLUSTER_SECRET``; with SQLite, without either, one is generated and
            stored beside the file, readable only by its owner.
        address: Where the other processes reach this one: ``"10.0.0.2"``, ``"10.0.0.2:7000"`` or
            ``"unix:/directory"``. None reads ``FASTRTC_CLUSTER_ADDRESS``; without either, it is a
            Unix socket beside the SQLite file, or the machine's own address towards Redis with a
            random port.
        heartbeat_s: Interval between heartbeats to the directory, in seconds.
        lost_after_s: Time without a heartbeat after which a process counts as dead, and its places
            are free, in seconds.
        directory: Creates a directory of another kind, in place of ``url``; called on the event
            loop. Needs a ``secret``.

    Raises:
        ValueError: If an option is invalid; the message names it.
    """

    url: str | None = None
    secret: str | None = field(default=None, repr=False)
    address: str | None = None
    heartbeat_s: float = 1.0
    lost_after_s: float = 4.0
    directory: Callable[[], Directory] | None = None

    def __post_init__(self) -> None:
        """Validate the options."""
        if (self.url is None) == (self.directory is None):
            raise ValueError("Cluster: either url or directory is needed")
        if self.url is not None:
            _check_url(self.url)
        if self.directory is not None and not callable(self.directory):
            raise ValueError(f"Cluster: directory must be a function, not {self.directory!r}")
        if self.secret is not None:
            if not isinstance(self.secret, str) or len(self.secret) < MIN_SECRET_LENGTH:
                raise ValueError(
                    f"Cluster: secret must be a string of {MIN_SECRET_LENGTH} characters or more"
                )
        if self.address is not None:
            _check_address(self.address)
        for name in ("heartbeat_s", "lost_after_s"):
            value = getattr(self, name)
            if not isinstance(value, int | float) or isinstance(value, bool) or not value > 0:
                raise ValueError(f"Cluster: {name} must be a positive number, not {value!r}")
        if self.lost_after_s < 2 * self.heartbeat_s:
            raise ValueError("Cluster: lost_after_s must be at least twice heartbeat_s")

    @property
    def scheme(self) -> str:
        """``"sqlite"``, ``"redis"``, ``"rediss"`` or ``"ray"``; ``""`` for another directory."""
        return "" if self.url is None else urlsplit(self.url).scheme

    @property
    def path(self) -> str:
        """The absolute path of the SQLite file.

        Raises:
            ValueError: If the directory is not an SQLite file.
        """
        if self.url is None or self.scheme != "sqlite":
            raise ValueError("Cluster: only the url of an SQLite file has a path")
        return os.path.abspath(_sqlite_path(self.url))

    def with_environment(self, variables: Mapping[str, str] = os.environ) -> Cluster:
        """Return the options, with those that are None read from environment variables.

        Raises:
            ValueError: If a variable is invalid, or there is no secret where one is needed.
        """
        options = self
        for variable, name in ((SECRET, "secret"), (ADDRESS, "address")):
            value = variables.get(variable, "").strip()
            if value and getattr(options, name) is None:
                try:
                    options = replace(options, **{name: value})  # type: ignore[arg-type]
                except ValueError as error:
                    raise ValueError(f"{variable}: {error}") from None
        if options.secret is None and options.scheme not in WITHOUT_SECRET:
            raise ValueError(
                f"Cluster: a secret is needed, the same in all processes: set {SECRET}, for "
                'example to the output of: python -c "import secrets; print(secrets.token_hex())"'
            )
        return options


def check_cluster(cluster: object) -> Cluster | str | None:
    """Return the ``cluster`` of a stream.

    Raises:
        ValueError: If it is invalid.
    """
    if cluster is None or isinstance(cluster, Cluster):
        return cluster
    if isinstance(cluster, str):
        Cluster(cluster)
        return cluster
    raise ValueError(f"cluster must be a Cluster, its url or None, not {cluster!r}")


def resolve_cluster(
    cluster: Cluster | str | None, variables: Mapping[str, str] = os.environ
) -> Cluster | None:
    """Return the options of a stream's cluster; None without ``cluster`` and environment variable.

    Raises:
        ValueError: If an option or a variable is invalid, or there is no secret where one is
            needed.
    """
    if cluster is None:
        url = variables.get(CLUSTER, "").strip()
        if not url:
            return None
        try:
            cluster = Cluster(url)
        except ValueError as error:
            raise ValueError(f"{CLUSTER}={url!r}: {error}") from None
    elif isinstance(cluster, str):
        cluster = Cluster(cluster)
    return cluster.with_environment(variables)


def _check_url(url: object) -> None:
    if not isinstance(url, str):
        raise ValueError(f"Cluster: url must be a string, not {url!r}")
    scheme = urlsplit(url).scheme
    if scheme not in SCHEMES:
        shown = url if "@" not in url else f"{scheme}://..."  # it may contain a password
        raise ValueError(
            "Cluster: url must be sqlite:///path/to/file, redis://host:6379/0, rediss://... or "
            f"ray:name, not {shown!r}"
        )
    if scheme == "sqlite" and not _sqlite_path(url):
        raise ValueError("Cluster: the url of SQLite needs a path: sqlite:///path/to/file")
    if scheme == "ray":
        if not urlsplit(url).path or urlsplit(url).netloc:
            raise ValueError("Cluster: the url of an actor in Ray is ray:name")
    elif scheme != "sqlite" and not urlsplit(url).hostname:
        raise ValueError("Cluster: the url of Redis needs a host: redis://host:6379/0")


def _sqlite_path(url: str) -> str:
    """Return the path of ``sqlite:///absolute/path`` or ``sqlite:relative/path``."""
    path = url.partition(":")[2]
    if path.startswith("//"):
        host, slash, path = path[2:].partition("/")
        if host:
            raise ValueError(
                f"Cluster: an SQLite file is on this machine, not on {host!r}: write three "
                "slashes, sqlite:///path/to/file"
            )
        path = slash + path if path else ""
    return path


def _check_address(address: object) -> None:
    if not isinstance(address, str) or not address.strip():
        raise ValueError(f"Cluster: address must be a host, not {address!r}")
    if address.startswith("unix:"):
        if not address.removeprefix("unix:"):
            raise ValueError("Cluster: address needs a directory: unix:/directory")
        return
    host, port = split_address(address)
    if not host or "/" in host or not 0 <= port < 65536:
        raise ValueError(
            f"Cluster: address must be host, host:port or unix:/directory, not {address!r}"
        )


def split_address(address: str) -> tuple[str, int]:
    """Return the host and the port of ``host``, ``host:port``, ``[v6]`` or ``[v6]:port``.

    The port is 0 if there is none, and -1 if it is malformed.
    """
    host, colon, port = address.rpartition(":")
    if not colon or address.endswith("]") or (":" in host and not host.startswith("[")):
        host, port = address, "0"
    return host.strip("[]"), int(port) if port.isdecimal() and len(port) < 6 else -1
