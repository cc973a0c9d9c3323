"""The socket on which a node receives the requests of the others, and its address."""

from __future__ import annotations

import contextlib
import glob
import os
import secrets
import socket
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from .options import Cluster, split_address

__all__ = ["Listening", "Folders", "listen", "read_secret", "restore_secret"]

MAX_SOCKET_PATH = 100
"""Maximum length of the path of a Unix socket in bytes; Linux allows 107, macOS 103."""

BACKLOG = 1024


@dataclass(frozen=True)
class Listening:
    """A listening socket.

    Attributes:
        socket: The socket.
        address: Where the other nodes reach it: ``"unix:/path.sock"`` or
            ``"http://10.0.0.2:41234"``.
    """

    socket: socket.socket
    address: str

    @property
    def is_reachable(self) -> bool:
        """Whether the file of a Unix socket still exists; programs that clean /tmp remove it."""
        return not self.address.startswith("unix:") or os.path.exists(
            self.address.removeprefix("unix:")
        )

    def close(self) -> None:
        """Close the socket, and remove its file if it is a Unix socket."""
        self.socket.close()
        if self.address.startswith("unix:"):
            with contextlib.suppress(OSError):
                os.unlink(self.address.removeprefix("unix:"))


def listen(options: Cluster, node_id: str) -> Listening:
    """Open the socket of a node; see ``Cluster.address``.

    Raises:
        OSError: If the address cannot be used; the message names it.
    """
    if options.address is not None:
        if options.address.startswith("unix:"):
            return _listen_unix(f"{options.address.removeprefix('unix:')}/fastrtc", node_id)
        return _listen_tcp(*split_address(options.address))
    if options.scheme == "sqlite":
        return _listen_unix(options.path, node_id)
    if options.scheme == "ray":
        from .ray import address_of_node

        return _listen_tcp(address_of_node(), 0)
    url = urlsplit(options.url or "")
    return _listen_tcp(_address_towards(url.hostname or "127.0.0.1", url.port or 6379), 0)


def _listen_unix(beside: str, node_id: str) -> Listening:
    path = f"{beside}-{node_id[:12]}.sock"
    if not hasattr(socket, "AF_UNIX") or len(path.encode()) > MAX_SOCKET_PATH:
        return _listen_tcp("127.0.0.1", 0)
    _remove_dead_sockets(beside)
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    starting = f"{path}~"  # another node would remove a socket that does not listen yet
    try:
        opened.bind(starting)
        os.chmod(starting, 0o600)
        opened.listen(BACKLOG)
        os.rename(starting, path)
    except OSError as error:
        opened.close()
        raise OSError(f"Cluster: the socket {path} cannot be opened: {error}") from error
    opened.setblocking(False)
    return Listening(opened, f"unix:{path}")


def _remove_dead_sockets(beside: str) -> None:
    """Remove the socket files of processes that were killed."""
    for path in glob.glob(f"{glob.escape(beside)}-*.sock"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.setblocking(False)
            try:
                probe.connect(path)
            except ConnectionRefusedError:
                with contextlib.suppress(OSError):
                    os.unlink(path)
            except OSError:
                pass


def _listen_tcp(host: str, port: int) -> Listening:
    """Listen on an address of this machine; or on all, if a NAT forwards the port of another."""
    family, bound = _resolve(host, port)
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if port and not _is_of_this_machine(family, bound):
            bound = "::" if family == socket.AF_INET6 else "0.0.0.0"
        opened.bind((bound, port))
        opened.listen(BACKLOG)
    except OSError as error:
        opened.close()
        raise OSError(f"Cluster: cannot listen on {host}, port {port}: {error}") from error
    opened.setblocking(False)
    shown = f"[{host}]" if ":" in host else host
    return Listening(opened, f"http://{shown}:{opened.getsockname()[1]}")


def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise OSError(f"Cluster: the address {host!r} is unknown: {error}") from error
    family, _, _, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
    return family, str(address[0])


def _is_of_this_machine(family: socket.AddressFamily, host: str) -> bool:
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            return False
    return True


def _address_towards(host: str, port: int) -> str:
    """Return the address of this machine that packets to a host come from."""
    family, address = _resolve(host, port)
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((address, port))
        except OSError as error:
            raise OSError(f"Cluster: there is no route to {host}: {error}") from error
        return str(probe.getsockname()[0])


def read_secret(path: str) -> str:
    """Return the secret in a file; create the file with a new secret if there is none.

    Processes that start at the same time get the same secret.

    Raises:
        OSError: If the file cannot be read or created, or other users may read it.
    """
    file = Path(path)
    if not file.exists():
        _create_secret(file, secrets.token_hex(32))
    status = file.stat()
    if os.name == "posix" and (
        stat.S_IMODE(status.st_mode) & 0o077 or status.st_uid != os.getuid()
    ):
        raise OSError(f"Cluster: {path} must belong to this user, with the mode 600")
    secret = file.read_text(encoding="ascii").strip()
    if not secret:
        raise OSError(f"Cluster: {path} is empty: remove it")
    return secret


class Folders:
    """The directories of the files of a cluster, which are created again if they are removed.

    Args:
        options: The options of the cluster.
    """

    def __init__(self, options: Cluster) -> None:
        address = options.address or ""
        folders = [Path(address.removeprefix("unix:"))] if address.startswith("unix:") else []
        if options.scheme == "sqlite":
            folders.append(Path(options.path).parent)
        self._owners = {folder: _owner(folder) for folder in folders}

    def restore(self) -> None:
        """Create those that were removed.

        Raises:
            OSError: If one cannot be created, or another user has created it in the meantime.
        """
        for folder, owner in self._owners.items():
            folder.mkdir(0o700, parents=True, exist_ok=True)
            if _owner(folder) != owner:
                _check_own(folder)


def _owner(folder: Path) -> int | None:
    try:
        return folder.lstat().st_uid  # that of a symbolic link, which leads where its owner wants
    except FileNotFoundError:
        return None


def _check_own(folder: Path) -> None:
    """Check that only this user may write to a directory, or to one that a symbolic link leads to.

    Raises:
        OSError: If others may.
    """
    status = folder.stat()
    owners = {status.st_uid, folder.lstat().st_uid}
    if os.name == "posix" and (owners != {os.getuid()} or stat.S_IMODE(status.st_mode) & 0o022):
        raise OSError(f"Cluster: other users may write to {folder}: remove it")


def restore_secret(path: str, secret: str) -> None:
    """Create the file with a secret again if it was removed.

    Otherwise it gets the current time, so that cleaners of temporary files do not take it for
    old: a process that starts without it creates another secret, which the others do not know.

    Raises:
        OSError: If the file cannot be created.
    """
    try:
        os.utime(path)
    except FileNotFoundError:
        _create_secret(Path(path), secret)


def _create_secret(file: Path, secret: str) -> None:
    descriptor, made = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # mode 600
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as opened:
            opened.write(secret)
        with contextlib.suppress(FileExistsError):  # another process was faster
            os.link(made, file)
    finally:
        os.unlink(made)
