"""The engines of the page on speech, and the two that it makes itself."""

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from tests.support.speech import recorded_prompt

Snippet = Callable[[str], ModuleType]
RATE = 48_000


def heard(module: ModuleType, samples: np.ndarray) -> float:
    """How many seconds are replied."""
    return sum(said.size / rate for rate, said in module.reply((RATE, samples.reshape(1, -1))))


async def test_both(snippet: Snippet) -> None:
    module = snippet("speech/both.py")
    monday = recorded_prompt("digits/day-1")
    assert module.ears.stt((RATE, monday)) == "monday"
    assert 0.5 < heard(module, monday) < 5


async def test_own(snippet: Snippet) -> None:
    module = snippet("speech/own.py")
    loud = np.full(RATE, 20_000, np.int16)
    assert module.ears.stt((RATE, loud)) == "loud"
    assert heard(module, loud) == pytest.approx(
        1.2
    )  # a word is a beep of 0.2 s, and as long a silence
