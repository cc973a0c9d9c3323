"""Real speech for the workloads that take turns: spoken by espeak-ng, and recorded from people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from benchmarks.client.media import AUDIO_RATE
from benchmarks.environments import Failed
from tests.support.speech import recorded_channel, recorded_prompt, speech, trimmed

SPOKEN = (
    ("en-us", "Hello there, how are you today?"),
    ("en-us+f3", "Yes, please."),
    ("en-gb", "What is the weather going to be like tomorrow?"),
    ("en-us+f4", "I would like to book a table for two, at eight."),
    ("en-us", "Stop."),
    ("en-gb+f2", "Could you tell me, where the next station is?"),
    ("en-us+m3", "I was born in Boston and I moved to Chicago a long time ago."),
    ("en-us", "No."),
    ("en-gb", "Well, let me think about it."),
    ("en-us+f3", "Thank you very much, that was very kind of you."),
)
RECORDED = (
    "vm-goodbye",
    "hello-world",
    "one-moment-please",
    "digits/4",
    "pbx-transfer",
    "demo-abouttotry",
    "vm-intro",
)
CHANNELS = ("Front_Center", "Rear_Left", "Side_Right")


def turns() -> list[np.ndarray]:
    """What somebody says in twenty turns, `(n,)` int16 at 48 kHz, without silence at the ends.

    Raises:
        Failed: If a program or a recording is missing; the message says what installs it.
    """
    try:
        spoken = [speech(text, AUDIO_RATE, voice) for voice, text in SPOKEN]
        recorded = [recorded_prompt(name, AUDIO_RATE) for name in RECORDED]
        named = [recorded_channel(name, AUDIO_RATE) for name in CHANNELS]
    except (pytest.skip.Exception, pytest.fail.Exception) as missing:
        raise Failed(str(missing)) from None
    everything = [trimmed(sound, AUDIO_RATE) for sound in (*spoken, *recorded, *named)]
    mixed = np.random.default_rng(5).permutation(len(everything))
    return [everything[k] for k in mixed]


@dataclass(frozen=True)
class Script:
    """A sound to send, and where speech begins and ends in it, in samples."""

    sound: np.ndarray
    spoken: list[tuple[int, int]]


def with_pauses(sounds: list[np.ndarray], lead: float, pause: float) -> Script:
    """The sounds one after another in quiet noise, so that a room is there between them."""
    length = lead + sum(sound.size / AUDIO_RATE + pause for sound in sounds)
    made = np.random.default_rng(6).normal(0, 8, int(length * AUDIO_RATE))
    spoken, place = [], int(lead * AUDIO_RATE)
    for sound in sounds:
        made[place : place + sound.size] += sound
        spoken.append((place, place + sound.size))
        place += sound.size + int(pause * AUDIO_RATE)
    return Script(np.clip(made, -32768, 32767).astype(np.int16), spoken)
