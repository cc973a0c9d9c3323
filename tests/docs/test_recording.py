"""What the programs of `docs/recording.md` record."""

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from fastrtc.testing import Call
from tests.recording.sound import RATE, read, tone
from tests.support.peers import LOCAL, AudioSource, Client, eventually


async def test_each_call_is_recorded_and_archived(snippet: Any) -> None:
    for name, folder in (("all", "calls"), ("upload", "archive")):
        async with Call(snippet(f"recording/{name}.py").stream) as call:
            await call.say((RATE, tone(0.5)), at=0.5)
        found = [name for _, _, names in os.walk(folder) for name in names]
        assert sorted(found) == [f"{call_id(found)}.ogg", f"{call_id(found)}.ogg.json"]


def call_id(names: list[str]) -> str:
    return min(names).removesuffix(".json").removesuffix(".ogg")


async def test_only_with_consent(snippet: Any) -> None:
    stream = snippet("recording/consent.py").stream
    stream.server_rtc_configuration = stream.convert_to_aiortc_format(LOCAL)
    async with Client(stream, audio=AudioSource(tone(60)), webrtc_id="me") as client:
        await eventually(lambda: client.channel.readyState == "open")
        assert "calls" not in os.listdir()
        moments = []
        for given in (True, False):
            client.channel.send(json.dumps({"type": "consent", "given": given}))
            moments.append(time.monotonic())
            await client.message("recording", {"active": given})
            moments.append(time.monotonic())
            await asyncio.sleep(1.5)
    left, _ = read(Path("calls/me.ogg"))
    asked, began, over, ended = moments
    assert over - began - 0.5 < len(left) / RATE < ended - asked + 0.5
    assert np.abs(left.astype(int)).max() > 4000
