"""The SQLite file of a cluster: opened and created by several processes and threads at once."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from contextlib import suppress
from pathlib import Path

__all__ = ["identity", "open_database", "prepare"]

APPLICATION_ID = 0x46525443
"""Identifies the files of this module, see SQLite's ``PRAGMA application_id``."""

VERSION = 1
"""Of the tables. A file with another version is refused."""

MIN_FILE_BYTES = 512
"""Of a database. SQLite would overwrite a smaller file, whatever it contains."""

_creating = threading.Lock()
"""Held while the file is opened by us: its descriptor must be closed before SQLite opens the file.
The system drops all locks that a process has on a file when it closes any descriptor of it, so that
other processes would delete the log of a database that is in use (fcntl(2), "Advisory record
locking")."""

TABLES = """
CREATE TABLE nodes (id TEXT PRIMARY KEY, record TEXT NOT NULL, beat_at REAL NOT NULL);
CREATE TABLE owners (
    stream TEXT, id TEXT, node TEXT NOT NULL, PRIMARY KEY (stream, id)
) WITHOUT ROWID;
CREATE INDEX owners_by_node ON owners (node);
CREATE TABLE items (
    number INTEGER PRIMARY KEY, stream TEXT NOT NULL, id TEXT NOT NULL,
    left_at REAL NOT NULL, expires_at REAL NOT NULL, item BLOB NOT NULL
);
CREATE INDEX items_by_key ON items (stream, id);
CREATE INDEX items_by_expiry ON items (expires_at);
CREATE INDEX items_by_time ON items (left_at);
CREATE TABLE waiting (
    stream TEXT, id TEXT, expires_at REAL NOT NULL, PRIMARY KEY (stream, id)
) WITHOUT ROWID;
CREATE INDEX waiting_by_expiry ON waiting (expires_at);
"""


def open_database(
    path: Path, timeout_s: float
) -> tuple[sqlite3.Connection, tuple[int, int] | None]:
    """Open a database, and create it if it does not exist.

    Args:
        path: Path of the file.
        timeout_s: How long to wait for other processes, then and later, in seconds.

    Returns:
        A connection that any thread may use, and the identity of the file.

    Raises:
        OSError: If the file cannot be created.
        sqlite3.DatabaseError: If it cannot be used.
    """
    with _creating:
        _create(path)
        file = identity(path)
        connection = sqlite3.connect(
            path, timeout=timeout_s, isolation_level=None, check_same_thread=False
        )
    try:
        prepare(connection, time.monotonic() + timeout_s)
    except BaseException:
        connection.close()
        raise
    return connection, file


def identity(path: Path) -> tuple[int, int] | None:
    """Return the device and the inode of a file; None if there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _create(path: Path) -> None:
    """Create an empty file for its owner only, if there is none, and check one that is there.

    Raises:
        OSError: If it cannot be created, read or written.
        sqlite3.DatabaseError: If it is too small for a database.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    if not path.is_file():
        raise OSError("it is not a file")
    if not os.access(path, os.R_OK | os.W_OK):
        raise PermissionError("no permission to read and write it")
    if 0 < path.stat().st_size < MIN_FILE_BYTES:
        raise sqlite3.DatabaseError("file is not a database")


def prepare(connection: sqlite3.Connection, deadline: float) -> None:
    """Create the tables if the file has none, and check them otherwise.

    Args:
        connection: A connection without an open transaction.
        deadline: The time of ``time.monotonic`` until which a locked file is tried again.

    Raises:
        sqlite3.DatabaseError: The file is not for this version of fastrtc.
    """
    while True:
        try:
            application, version, is_empty = _header(connection)
            if (application, version) != (0, 0) or not is_empty:
                break
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("BEGIN IMMEDIATE")
            if _is_empty(connection):
                for statement in TABLES.split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            # SQLite does not wait for the processes that change the journal mode of a new file.
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            time.sleep(0.005)
    if application != APPLICATION_ID:
        raise sqlite3.DatabaseError("it is a database of another program")
    if version != VERSION:
        raise sqlite3.DatabaseError("another version of fastrtc created it; delete it")
    connection.execute("PRAGMA synchronous = NORMAL")


def _header(connection: sqlite3.Connection) -> tuple[int, int, bool]:
    """Return the ids of the program and of its tables, and whether there are none.

    Read in one transaction, because another process may be creating the tables.
    """
    connection.execute("BEGIN")
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    is_empty = _is_empty(connection)
    connection.execute("COMMIT")
    return application, version, is_empty


def _is_empty(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None
