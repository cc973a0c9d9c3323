import asyncio
import contextlib
import itertools
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from fastrtc.server.cluster.directory import (
    LOST_AFTER_S,
    Directory,
    DirectoryUnreachable,
    Key,
    NodeUnknown,
)
from fastrtc.server.cluster.sqlite import SQLiteDirectory
from fastrtc.server.cluster.sqlite_file import prepare
from tests.server.cluster.contract import KEY, DirectoryContract, node
from tests.server.cluster.race import check_race, race_of_processes


class SQLiteStore:
    """A file, opened for each node, in virtual time."""

    lost_after_s = LOST_AFTER_S

    def __init__(self, path: Path) -> None:
        self.now = 1000.0
        self.path = path

    def connect(self) -> Directory:
        return SQLiteDirectory(self.path, clock=lambda: self.now)

    async def pass_time(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "directory"


class TestSQLiteDirectory(DirectoryContract):
    @pytest.fixture
    def store(self, path: Path) -> SQLiteStore:
        return SQLiteStore(path)

    async def test_a_reboot_removes_everything(
        self, store: SQLiteStore, a: Directory, b: Directory
    ) -> None:
        await a.claim(KEY, "a")
        await b.find(Key("/", "other"), b"item", ttl_s=10_000)
        store.now = 5.0
        with pytest.raises(NodeUnknown):
            await a.beat(node("a"))
        assert await b.find(KEY) is None
        await b.beat(node("b"), ())
        assert list((await b.claim(Key("/", "other"), "b")).items) == []


@pytest.fixture
async def directory(path: Path) -> Iterator[SQLiteDirectory]:
    directory = SQLiteDirectory(path)
    yield directory
    await directory.close()


def test_processes_that_start_at_once_share_it(path: Path) -> None:
    check_race(SQLiteDirectory(path, lost_after_s=60), *race_of_processes(SQLiteDirectory, path))


def test_tables_created_between_any_two_statements_of_another_process(tmp_path: Path) -> None:
    def connect(path: Path, timeout_s: float) -> sqlite3.Connection:
        return sqlite3.connect(path, timeout=timeout_s, isolation_level=None)

    created = []
    for place in itertools.count():
        path = tmp_path / str(place)
        statements = 0

        def create_too(statement: str, path: Path = path, place: int = place) -> None:
            nonlocal statements
            statements += 1
            if statements == place + 1:
                with contextlib.closing(connect(path, 0)) as other:
                    with contextlib.suppress(sqlite3.OperationalError):  # locked
                        prepare(other, deadline=0)
                        created.append(place)

        with contextlib.closing(connect(path, 1)) as connection:
            connection.set_trace_callback(create_too)
            prepare(connection, time.monotonic() + 10)
            connection.set_trace_callback(None)
            assert connection.execute("SELECT * FROM nodes").fetchall() == []
        if statements <= place:
            break
    assert {0, 1} <= set(created)


NODE_IN_A_PROCESS = """
import asyncio, sys
from fastrtc.server.cluster.directory import Node
from fastrtc.server.cluster.sqlite import SQLiteDirectory

async def beat(path, name):
    directory = SQLiteDirectory(path, lost_after_s=60)
    print(*sorted(node.id for node in await directory.beat(Node(name, "unix:/x"), ())))
    await directory.close()

asyncio.run(beat(*sys.argv[1:]))
"""


def beat_in_a_process(path: Path, name: str) -> list[str]:
    command = [sys.executable, "-c", NODE_IN_A_PROCESS, str(path), name]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


async def test_two_in_a_process_share_it_with_other_processes(path: Path) -> None:
    one, two = (SQLiteDirectory(path, lost_after_s=60) for _ in range(2))
    await one.beat(node("one"), ())
    await two.beat(node("two"), ())
    assert beat_in_a_process(path, "a") == ["a", "one", "two"]
    assert beat_in_a_process(path, "b") == ["a", "b", "one", "two"]
    assert sorted(each.id for each in await one.beat(node("one"))) == ["a", "b", "one", "two"]
    await one.close()
    assert beat_in_a_process(path, "c") == ["a", "b", "c", "one", "two"]
    assert await two.node("c") is not None
    await two.close()


def test_its_file_is_for_its_owner_only(path: Path) -> None:
    async def use() -> list[int]:
        directory = SQLiteDirectory(path)
        await directory.beat(node("a"), ())
        modes = [one.stat().st_mode & 0o777 for one in path.parent.iterdir()]
        await directory.close()
        return modes

    mask = os.umask(0)
    try:
        modes = asyncio.run(use())
    finally:
        os.umask(mask)
    assert len(modes) == 3  # with the journal and its index
    assert set(modes) == {0o600}


@pytest.mark.parametrize("content", [b"no database" * 1000, b"x", random.Random(1).randbytes(9000)])
def test_a_file_that_is_no_database_is_refused(path: Path, content: bytes) -> None:
    async def use() -> None:
        directory = SQLiteDirectory(path)
        with pytest.raises(DirectoryUnreachable, match=f"{path} cannot be used: file is not a da"):
            await directory.beat(node("a"), ())
        await directory.close()

    path.write_bytes(content)
    asyncio.run(use())
    assert path.read_bytes() == content


def test_a_damaged_file_is_to_be_deleted(path: Path) -> None:
    async def beat(keys: Collection[Key]) -> list[str]:
        directory = SQLiteDirectory(path)
        try:
            return [one.id for one in await directory.beat(node("a"), keys)]
        finally:
            await directory.close()

    asyncio.run(beat([Key("/", str(number)) for number in range(500)]))
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(bytes(range(256)) * 48)
    with pytest.raises(DirectoryUnreachable, match="malformed; delete it$"):
        asyncio.run(beat([]))
    path.unlink()
    assert asyncio.run(beat([])) == ["a"]


async def test_a_database_of_another_program_is_refused(path: Path, directory: Directory) -> None:
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE nodes (name TEXT)")
    other.close()
    with pytest.raises(DirectoryUnreachable, match="it is a database of another program"):
        await directory.beat(node("a"), ())


async def test_a_file_of_another_version_is_refused(path: Path, directory: Directory) -> None:
    await directory.beat(node("a"), ())
    other = sqlite3.connect(path)
    other.execute("PRAGMA user_version = 2")
    other.close()
    later = SQLiteDirectory(path)
    with pytest.raises(DirectoryUnreachable, match="another version of fastrtc created it"):
        await later.find(KEY)
    await later.close()


@pytest.mark.parametrize("place", ["missing/directory", "."])
async def test_a_file_that_cannot_be_created_is_an_error(tmp_path: Path, place: str) -> None:
    directory = SQLiteDirectory(tmp_path / place)
    with pytest.raises(DirectoryUnreachable, match="cannot be used: .*(No such file|not a file)"):
        await directory.find(KEY)
    await directory.close()


@pytest.mark.parametrize(
    "pragma, message",
    [
        ("query_only = 1", "attempt to write a readonly database"),
        ("max_page_count = 1", "database or disk is full"),
    ],
)
async def test_it_works_again_when_the_disk_does(
    directory: Directory, path: Path, monkeypatch: pytest.MonkeyPatch, pragma: str, message: str
) -> None:
    before = SQLiteDirectory(path)
    await before.beat(node("a"), [KEY])

    def connect(*arguments, **options) -> sqlite3.Connection:
        connection = real_connect(*arguments, **options)
        connection.execute(f"PRAGMA {pragma}")
        return connection

    real_connect = sqlite3.connect
    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", connect)
        for _ in range(3):
            with pytest.raises(DirectoryUnreachable, match=message):
                for number in range(50):
                    await directory.find(Key("/", str(number)), b"x" * 60_000)
        assert await directory.find(KEY) == "a"
        await directory.close()
    await before.beat(node("a"))
    await before.release(KEY, "a")
    await before.close()


async def test_a_file_that_is_locked_is_waited_for(
    directory: Directory, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await directory.beat(node("a"), ())
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.ensure_future(directory.claim(KEY, "a"))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    other.execute("COMMIT")
    assert (await waiting).owner == "a"

    monkeypatch.setattr("fastrtc.server.cluster.sqlite.OPERATION_TIMEOUT_S", 0.2)
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    with pytest.raises(DirectoryUnreachable, match="did not respond within 0.2 s"):
        await directory.release(KEY, "a")
    assert time.monotonic() - began < 20
    other.execute("COMMIT")
    other.close()


async def test_an_operation_that_fails_leaves_no_lock(directory: Directory, path: Path) -> None:
    other = SQLiteDirectory(path)
    for one, id in ((directory, "a"), (other, "b")):
        await one.beat(node(id), [])
    with pytest.raises(TypeError):
        await directory.claim(KEY, "a", total_limit="many")  # type: ignore[arg-type]
    assert (await other.claim(KEY, "b")).owner == "b"
    assert (await directory.claim(KEY, "a")).owner == "b"
    await other.close()


async def test_a_file_that_was_deleted_is_created_again(directory: Directory, path: Path) -> None:
    await directory.beat(node("a"), [KEY])
    for file in path.parent.iterdir():
        file.unlink()
    with pytest.raises(NodeUnknown):
        await directory.beat(node("a"))
    await directory.beat(node("a"), [KEY])
    other = SQLiteDirectory(path)
    assert await other.find(KEY) == "a"
    await other.close()


async def test_it_is_closed(directory: Directory) -> None:
    await directory.close()
    with pytest.raises(DirectoryUnreachable, match="is closed"):
        await directory.beat(node("a"), ())
