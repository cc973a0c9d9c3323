"""A disk without room. fastrtc itself writes only `audio_to_file`, and models into a cache."""

import asyncio
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.faults.over_http import running

PATIENCE_S = 60


async def test_a_reply_whose_disk_is_full_costs_its_own_turn(tmp_path: Path) -> None:
    """On a real file system of 4 KiB, which only this process and its children see."""
    small_disk = [
        *("unshare", "--user", "--map-root-user", "--mount"),
        *("sh", "-c", 'mount -t tmpfs -o size=4k none "$0" && exec "$@"', str(tmp_path)),
    ]
    if not may(*small_disk, "true"):
        pytest.skip("this machine lets nobody but root mount a file system")
    await assert_it_costs_its_own_turn("[Errno 28] No space left on device", tmp_path, small_disk)


async def test_a_reply_that_may_not_write_its_file_costs_its_own_turn(tmp_path: Path) -> None:
    """Wherever there is no such file system, the next best: no file may have a byte."""
    await assert_it_costs_its_own_turn("[Errno 27] File too large", tmp_path, limit="0")


def may(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except OSError:  # there is no such command
        return False


async def assert_it_costs_its_own_turn(
    error: str, folder: Path, by: Sequence[str] = (), limit: str | None = None
) -> None:
    """The client is told, no half of a file is left, and the next turn is answered."""
    arguments = ["-m", "tests.faults.disk_app", str(folder), *([limit] if limit else [])]
    with running(*arguments, by=by) as process:
        out, err = await asyncio.to_thread(process.communicate, timeout=PATIENCE_S)
    assert process.returncode == 0, err
    first, second, states, left = out.splitlines()
    assert first == second == error
    assert states == "['connecting', 'connected']"
    assert left == "[]"
    assert err.count(f"OSError: {error}") == 2  # each logged once
