"""The first turn of a process: what takes long the first time has been done before."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.faults.over_http import HttpClient, running
from tests.speech_to_text.networks import write_moonshine
from tests.support.peers import AudioSource, eventually
from tests.support.speech import spaced, speech


@pytest.mark.external("espeak-ng")
async def test_nothing_is_imported_in_the_first_turn(tmp_path: Path) -> None:
    folder = write_moonshine(tmp_path, "tiny", "Hello computer.")
    said = spaced(0.5, speech("Good morning, how are you today?"), 3)
    with running("-m", "tests.webrtc.cold_app", str(folder)) as process:
        assert process.stdout is not None and process.stderr is not None
        port = (await asyncio.to_thread(process.stdout.readline)).strip()
        assert port, process.stderr.read()
        client = HttpClient(f"http://127.0.0.1:{port}", audio=AudioSource(said))
        await client.connect()
        try:
            await eventually(client.loud)
            imported = json.loads(await asyncio.to_thread(process.stdout.readline))
        finally:
            await client.close()
    # pyOpenSSL, which aiortc uses, imports a few small ones when it has its first certificate
    assert [name for name in imported if not name.startswith("cryptography.")] == []
