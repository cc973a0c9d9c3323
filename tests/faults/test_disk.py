"""A disk without room. fastrtc itself writes only `audio_to_file`, and models into a cache."""

import asyncio
import os
from pathlib import Path

from tests.faults.over_http import running

PATIENCE_S = 60


async def test_a_reply_that_cannot_write_its_file_costs_its_own_turn(tmp_path: Path) -> None:
    """The client is told, no half of a file is left, and the next turn is answered."""
    with running("-m", "tests.faults.disk_app", str(tmp_path)) as process:
        out, err = await asyncio.to_thread(process.communicate, timeout=PATIENCE_S)
    assert process.returncode == 0, err
    first, second, states = out.splitlines()
    assert first == second == "[Errno 27] File too large"
    assert states == "['connecting', 'connected']"
    assert err.count("OSError: [Errno 27] File too large") == 2  # each logged once
    assert not os.listdir(tmp_path)
