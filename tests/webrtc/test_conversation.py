"""A conversation with no key and no hub: somebody speaks, is understood, and hears an answer."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastrtc import get_stt_model
from fastrtc.testing import Call
from tests.support.speech import recorded_prompt
from tests.support.stalls import again_after_a_stall

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


@pytest.mark.parametrize("prompt", ANSWERS)
@again_after_a_stall
async def test_what_a_recorded_voice_says_is_answered_aloud(stream: Any, prompt: str) -> None:
    async with Call(stream, "webrtc", limit_s=30) as call:
        await call.reply()  # the greeting, which is interrupted
        await call.wait(0.5)
        await call.say((RATE, recorded_prompt(prompt)))
        await call.reply()
        await call.finish()
    padding = np.zeros(RATE // 4, np.int16)
    answer = np.concatenate((padding, call.turns[-1].audio[1], padding))
    words = ["after", "comes", *"monday tuesday wednesday four five six".split()]
    recogniser = get_stt_model("pocketsphinx", words=words)
    # PocketSphinx misses "comes" as often as not, and each of its frames begins somewhere else
    heard = {recogniser.stt((RATE, answer[at:])).replace("comes ", "") for at in range(0, 480, 96)}
    assert ANSWERS[prompt] in heard
    assert not heard & (set(ANSWERS.values()) - {ANSWERS[prompt]})
