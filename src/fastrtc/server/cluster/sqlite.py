"""A directory in a SQLite file, for the processes of one machine."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from .directory import (
    LOST_AFTER_S,
    MAX_ITEM_BYTES,
    MAX_ITEMS,
    MAX_PEERS,
    MAX_WAITING_KEYS,
    OPERATION_TIMEOUT_S,
    Claim,
    DirectoryUnreachable,
    FleetFull,
    Key,
    Node,
    NodeUnknown,
    check_item,
    read_nodes,
)
from .sqlite_file import identity, open_database

__all__ = ["SQLiteDirectory"]

T = TypeVar("T")


class SQLiteDirectory:
    """A directory in a file that all processes of a machine open.

    The file is created if it does not exist, for its owner only. It must be on a disk of the
    machine itself, because SQLite's locks do not work on network file systems. It is not needed
    after the last process has stopped.

    Args:
        path: Path of the file.
        lost_after_s: Time without a heartbeat after which a node counts as dead, in seconds.
        clock: Returns the time in seconds, the same for all processes. The default is the
            machine's monotonic clock; it starts again when the machine does, and times in the
            future count as long ago.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        lost_after_s: float = LOST_AFTER_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = Path(path)
        self._lost_after_s = lost_after_s
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, "fastrtc-directory")
        self._connection: sqlite3.Connection | None = None  # used only in the thread
        self._file: tuple[int, int] | None = None
        self._closed = False

    async def beat(self, node: Node, keys: Collection[Key] | None = None) -> Sequence[Node]:
        """See ``Directory.beat``."""
        record = node.to_json()
        rows_of_keys = None if keys is None else [(key.stream, key.id, node.id) for key in keys]

        def beat(connection: sqlite3.Connection, now: float) -> list[str]:
            if rows_of_keys is None and not _is_known(connection, node.id):
                raise NodeUnknown(f"{self._path} does not know the node {node.id}")
            connection.execute(
                "INSERT OR REPLACE INTO nodes VALUES (?, ?, ?)", (node.id, record, now)
            )
            if rows_of_keys is not None:
                connection.execute("DELETE FROM owners WHERE node = ?", (node.id,))
                connection.executemany(
                    "INSERT OR IGNORE INTO owners VALUES (?, ?, ?)", rows_of_keys
                )
            _drop_expired(connection, now)
            connection.execute("DELETE FROM items WHERE left_at > ?", (now + self._lost_after_s,))
            rows = connection.execute(
                "SELECT record FROM nodes ORDER BY id != ?, random() LIMIT ?", (node.id, MAX_PEERS)
            )
            return [record for (record,) in rows]

        return read_nodes(await self._write(beat))

    async def leave(self, node_id: str) -> None:
        """See ``Directory.leave``."""

        def leave(connection: sqlite3.Connection, now: float) -> None:
            connection.execute("DELETE FROM nodes WHERE id = ?", (node_id,))
            connection.execute("DELETE FROM owners WHERE node = ?", (node_id,))

        await self._write(leave)

    async def node(self, node_id: str) -> Node | None:
        """See ``Directory.node``."""

        def node(connection: sqlite3.Connection) -> str | None:
            query = "SELECT record FROM nodes WHERE id = ? AND beat_at BETWEEN ? AND ?"
            return _value(connection.execute(query, (node_id, *self._live(self._clock()))))

        record = await self._run(node)
        return next(iter(read_nodes([record] if record else [])), None)

    async def claim(self, key: Key, node_id: str, total_limit: int | None = None) -> Claim:
        """See ``Directory.claim``."""

        def claim(connection: sqlite3.Connection, now: float) -> Claim:
            if not _is_known(connection, node_id):
                raise NodeUnknown(f"{self._path} does not know the node {node_id}")
            owner = _owner(connection, key)
            if owner is None:
                if total_limit is not None and _total(connection, key.stream) >= total_limit:
                    raise FleetFull(f"{key.stream} has {total_limit} connections in the cluster")
                connection.execute(
                    "INSERT INTO owners VALUES (?, ?, ?)", (key.stream, key.id, node_id)
                )
            elif owner != node_id:
                return Claim(owner, [])
            rows = connection.execute(
                "SELECT item FROM items WHERE stream = ? AND id = ? AND expires_at > ? "
                "AND left_at <= ? ORDER BY number",
                (key.stream, key.id, now, now + self._lost_after_s),
            )
            items = [item for (item,) in rows]
            _drop_items(connection, (key.stream, key.id))
            return Claim(node_id, items)

        return await self._write(claim)

    async def release(self, key: Key, node_id: str) -> None:
        """See ``Directory.release``."""

        def release(connection: sqlite3.Connection, now: float) -> None:
            connection.execute(
                "DELETE FROM owners WHERE stream = ? AND id = ? AND node = ?",
                (key.stream, key.id, node_id),
            )

        await self._write(release)

    async def find(self, key: Key, item: bytes | None = None, ttl_s: float = 10) -> str | None:
        """See ``Directory.find``."""
        check_item(item)

        def find(connection: sqlite3.Connection) -> str | None:
            query = (
                "SELECT node FROM owners JOIN nodes ON nodes.id = owners.node "
                "WHERE stream = ? AND owners.id = ? AND beat_at BETWEEN ? AND ?"
            )
            values = (key.stream, key.id, *self._live(self._clock()))
            return _value(connection.execute(query, values))

        def leave_item(connection: sqlite3.Connection, now: float) -> str | None:
            owner = _owner(connection, key)
            if owner is None and item is not None:
                _leave_item(connection, key, item, now, now + ttl_s)
            return owner

        owner = await self._run(find)
        if owner is None and item is not None:
            return await self._write(leave_item)
        return owner

    async def close(self) -> None:
        """See ``Directory.close``."""
        if not self._closed:
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
            self._thread.shutdown()

    def _live(self, now: float) -> tuple[float, float]:
        """Return the range of the times of the last heartbeat of live nodes."""
        return now - self._lost_after_s, now + self._lost_after_s

    async def _write(self, operation: Callable[[sqlite3.Connection, float], T]) -> T:
        """Run an operation in a transaction that no other process writes in.

        Dead nodes are removed before it. It gets the connection and the time.
        """

        def write(connection: sqlite3.Connection) -> T:
            connection.execute("BEGIN IMMEDIATE")
            try:
                now = self._clock()
                dead = "DELETE FROM nodes WHERE beat_at NOT BETWEEN ? AND ?"
                if connection.execute(dead, self._live(now)).rowcount:
                    connection.execute(
                        "DELETE FROM owners WHERE node NOT IN (SELECT id FROM nodes)"
                    )
                result = operation(connection, now)
            except (FleetFull, NodeUnknown):
                connection.execute("COMMIT")  # of the removal
                raise
            except BaseException:
                self._disconnect()  # which ends the transaction
                raise
            connection.execute("COMMIT")
            return result

        return await self._run(write)

    async def _run(self, operation: Callable[[sqlite3.Connection], T]) -> T:
        """Run an operation in the thread.

        Raises:
            DirectoryUnreachable: The file cannot be used, or is locked for too long.
        """
        if self._closed:
            raise DirectoryUnreachable(f"the directory {self._path} is closed")

        def run() -> T:
            try:
                return operation(self._connect())
            except (OSError, sqlite3.Error) as error:
                self._disconnect()
                hint = "; delete it" if "malformed" in str(error) else ""  # nodes fill a new one
                raise DirectoryUnreachable(
                    f"the directory {self._path} cannot be used: {error}{hint}"
                ) from None

        running = asyncio.get_running_loop().run_in_executor(self._thread, run)
        try:
            return await asyncio.wait_for(running, OPERATION_TIMEOUT_S)
        except asyncio.TimeoutError:
            raise DirectoryUnreachable(
                f"the directory {self._path} did not respond within {OPERATION_TIMEOUT_S:g} s"
            ) from None

    def _connect(self) -> sqlite3.Connection:
        """Return the connection, a new one if the file has been deleted or replaced."""
        if self._connection is not None and self._file != identity(self._path):
            self._disconnect()
        if self._connection is None:
            self._connection, self._file = open_database(self._path, OPERATION_TIMEOUT_S * 0.9)
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()


def _is_known(connection: sqlite3.Connection, node_id: str) -> bool:
    found = connection.execute("SELECT 1 FROM nodes WHERE id = ?", (node_id,)).fetchone()
    return found is not None


def _owner(connection: sqlite3.Connection, key: Key) -> str | None:
    query = "SELECT node FROM owners WHERE stream = ? AND id = ?"
    return _value(connection.execute(query, (key.stream, key.id)))


def _total(connection: sqlite3.Connection, stream: str) -> int:
    count = "SELECT count(*) FROM owners WHERE stream = ?"
    return int(connection.execute(count, (stream,)).fetchone()[0])


def _leave_item(
    connection: sqlite3.Connection, key: Key, item: bytes, now: float, expires_at: float
) -> None:
    _drop_expired(connection, now)
    of_key = (key.stream, key.id)
    sizes = connection.execute(
        "SELECT count(*), total(length(item)) FROM items WHERE stream = ? AND id = ?", of_key
    )
    count, size = sizes.fetchone()
    if count >= MAX_ITEMS or size + len(item) > MAX_ITEM_BYTES:
        return
    waiting = connection.execute("SELECT count(*) FROM waiting").fetchone()[0]
    if not count and waiting >= MAX_WAITING_KEYS:
        soonest = connection.execute("SELECT stream, id FROM waiting ORDER BY expires_at LIMIT 1")
        _drop_items(connection, soonest.fetchone())
    connection.execute(
        "INSERT INTO waiting VALUES (?, ?, ?) ON CONFLICT DO UPDATE "
        "SET expires_at = max(expires_at, excluded.expires_at)",
        (*of_key, expires_at),
    )
    connection.execute(
        "INSERT INTO items (stream, id, left_at, expires_at, item) VALUES (?, ?, ?, ?, ?)",
        (*of_key, now, expires_at, item),
    )


def _drop_items(connection: sqlite3.Connection, of_key: tuple[str, str]) -> None:
    for table in ("items", "waiting"):
        connection.execute(f"DELETE FROM {table} WHERE stream = ? AND id = ?", of_key)


def _drop_expired(connection: sqlite3.Connection, now: float) -> None:
    for table in ("items", "waiting"):
        connection.execute(f"DELETE FROM {table} WHERE expires_at <= ?", (now,))


def _value(cursor: sqlite3.Cursor) -> str | None:
    row = cursor.fetchone()
    return None if row is None else row[0]
