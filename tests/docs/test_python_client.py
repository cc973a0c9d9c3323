"""What the programs of `docs/python-client.md` do."""

import asyncio
import wave
from pathlib import Path

import numpy as np
import pytest

from tests.client.test_client import PATIENCE_S
from tests.support.peers import LOCAL, tone
from tests.support.servers import serving


async def test_a_recording_comes_back(snippet, tmp_path: Path) -> None:
    module = snippet("websocket/app.py")
    module.stream.server_rtc_configuration = module.stream.convert_to_aiortc_format(LOCAL)
    with wave.open(str(tmp_path / "in.wav"), "wb") as file:
        file.setparams((1, 2, 48000, 0, "NONE", ""))
        file.writeframes(tone(1.0).tobytes())
    talk = snippet("python-client/echo.py").talk
    with serving(module.app) as url:
        heard = await asyncio.wait_for(talk(url, str(tmp_path / "in.wav")), PATIENCE_S)
    assert len(heard) >= 0.95 * 24000 and np.abs(heard).max() > 4000


async def test_why_a_conversation_ends(snippet, capsys: pytest.CaptureFixture[str]) -> None:
    converse = snippet("python-client/conversation.py").converse
    module = snippet("websocket/app.py")
    module.stream.server_rtc_configuration = module.stream.convert_to_aiortc_format(LOCAL)
    with serving(module.app) as url:
        await asyncio.wait_for(converse(url, (48000, tone(0.1))), PATIENCE_S)
    assert "/inputs answers 404" in capsys.readouterr().out
