"""Changes of volume: their level, and that they do not click."""

import numpy as np
import pytest

from fastrtc.pacing.fader import RAMP_S, Fader

RATE = 48000
FRAME = 960


def frames(fader: Fader, count: int, value: int = 16000, size: int = FRAME) -> np.ndarray:
    frame = np.full((1, size), value, np.int16)
    return np.concatenate([fader.apply(frame, RATE) for _ in range(count)], axis=1)[0]


def test_full_volume_is_not_copied() -> None:
    frame = np.ones((2, FRAME), np.int16)
    assert Fader().apply(frame, RATE) is frame


@pytest.mark.parametrize("size", [FRAME, 7, 48000])
def test_a_lower_volume_is_reached_in_a_ramp(size: int) -> None:
    fader = Fader()
    fader.lower_by(20)
    samples = frames(fader, max(1, 2 * FRAME // size), size=size)
    assert samples[-1] == 1600
    steepest = np.abs(np.diff(samples.astype(int))).max()
    assert steepest <= 16000 / (RAMP_S * RATE) + 1
    assert np.all(np.diff(samples) <= 0)


def test_the_way_back_is_a_ramp_too() -> None:
    fader = Fader()
    fader.lower_by(12)
    frames(fader, 3)
    fader.lower_by(0)
    samples = frames(fader, 2)
    assert 4000 < samples[0] < 4100
    assert samples[-1] == 16000
    frame = np.ones((1, FRAME), np.int16)
    assert fader.apply(frame, RATE) is frame


def test_a_new_volume_within_a_ramp_continues_from_there() -> None:
    fader = Fader()
    fader.lower_by(40)
    first = frames(fader, 1, size=100)
    fader.lower_by(0)
    second = frames(fader, 1, size=100)
    assert abs(int(second[0]) - int(first[-1])) < 40
    assert second[-1] == 16000


def test_other_audio_has_full_volume_at_once() -> None:
    fader = Fader()
    fader.lower_by(40)
    frames(fader, 3)
    fader.reset()
    assert frames(fader, 1)[0] == 16000


@pytest.mark.parametrize("value", [-32768, 32767])
def test_the_loudest_samples_do_not_overflow(value: int) -> None:
    fader = Fader()
    fader.lower_by(1)
    samples = frames(fader, 2, value=value)
    assert np.all(np.sign(samples) == np.sign(value))
