"""The voices of the workloads that take turns."""

import numpy as np
import pytest

from benchmarks.client import voices
from benchmarks.client.media import AUDIO_RATE
from benchmarks.environments import Failed


def test_a_missing_program_fails_what_needs_it_and_says_what_installs_it(monkeypatch):
    def speech(*arguments: object) -> None:
        pytest.skip("missing: espeak-ng (install: apt-get install espeak-ng)")

    monkeypatch.setattr(voices, "speech", speech)
    with pytest.raises(Failed, match="apt-get install espeak-ng"):
        voices.turns()


def test_sounds_keep_their_places_between_the_pauses():
    sounds = [np.full(4800, level, np.int16) for level in (9000, -9000)]
    script = voices.with_pauses(sounds, lead=1.0, pause=0.5)
    assert script.sound.size == int(AUDIO_RATE * 2.2)
    for sound, (begin, end) in zip(sounds, script.spoken, strict=True):
        assert abs(script.sound[begin:end].mean() - sound[0]) < 10
    assert script.spoken[0][0] == AUDIO_RATE
    assert script.spoken[1][0] - script.spoken[0][1] == AUDIO_RATE // 2
