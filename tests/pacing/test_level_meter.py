"""The level of audio."""

import numpy as np
import pytest

from fastrtc.pacing.level_meter import LevelMeter


def test_the_peak_between_two_readings_counts() -> None:
    meter = LevelMeter()
    assert meter.read() is None
    meter.push(np.zeros((1, 0), np.int16))
    assert meter.read() is None
    meter.push(np.array([[0, 100]], np.int16))
    meter.push(np.array([[-32768, 0]], np.int16))
    assert meter.read() == 0
    meter.push(np.array([3276, -5], np.int16))
    assert meter.read() == pytest.approx(-20, abs=0.01)
    meter.push(np.zeros((2, 960), np.int16))
    assert meter.read() == pytest.approx(-90.3, abs=0.01)
    assert meter.read() is None
