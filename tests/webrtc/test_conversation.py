"""A conversation with no key and no hub: somebody speaks, is understood, and hears an answer."""

import asyncio
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastrtc import get_stt_model
from tests.support.peers import AudioSource, Client, eventually
from tests.support.speech import recorded_prompt

pytestmark = pytest.mark.external("recorded-voices")

RATE = 48_000
DEMOS = Path(__file__).parents[2] / "demo"
ANSWERS = {
    "digits/day-1": "after monday tuesday",
    "digits/4": "after four five",
}


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The stream of the demo; for whatever asks the hub, there is none."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.syspath_prepend(str(DEMOS))
    name = "offline_assistant.app"
    yield importlib.import_module(name).stream
    sys.modules.pop(name, None)


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * RATE), np.int16)


def speech_after(client: Client, since: float) -> np.ndarray:
    """What the client has heard from a time on."""
    frames = [frame for when, frame, _ in client.audio_frames if when >= since]
    return np.concatenate([silence(0), *frames])


@pytest.mark.parametrize("prompt", ANSWERS)
async def test_what_a_recorded_voice_says_is_answered_aloud(stream: Any, prompt: str) -> None:
    # the greeting is interrupted, if it has not ended
    audio = np.concatenate([silence(1), recorded_prompt(prompt), silence(2)])
    async with Client(stream, audio=AudioSource(audio)) as client:
        await client.message("log", "pause_detected")
        since = client.audio_frames[-1][0] if client.audio_frames else 0.0
        await eventually(lambda: client.loud() and client.loud()[-1][0] > since)
        loop = asyncio.get_running_loop()
        # when everything has been said, nothing is sent any more
        await eventually(lambda: loop.time() - client.audio_frames[-1][0] > 1.0)
        answer = speech_after(client, since)
    words = ["after", "comes", *"monday tuesday wednesday four five six".split()]
    recogniser = get_stt_model("pocketsphinx", words=words)
    # PocketSphinx misses "comes" as often as not, and each of its frames begins somewhere else
    heard = {recogniser.stt((RATE, answer[at:])).replace("comes ", "") for at in range(0, 480, 96)}
    assert ANSWERS[prompt] in heard
    assert not heard & (set(ANSWERS.values()) - {ANSWERS[prompt]})
