"""Rates and numbers of frames are checked when a handler is constructed."""

import math
from fractions import Fraction

import numpy as np
import pytest

from fastrtc.handlers.arguments import check_fps, check_input_rate, check_output_rate
from fastrtc.handlers.video import VideoStreamHandler

CHECKS = {"input_sample_rate": check_input_rate, "output_sample_rate": check_output_rate}


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize("rate", [16000, 16000.0, np.int32(16000), np.float64(16000)], ids=repr)
def test_integral_rates_become_int(name, rate):
    checked = CHECKS[name](rate)
    assert (checked, type(checked)) == (16000, int)


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize(
    "rate", [0, -16000, 16000.5, math.nan, math.inf, True, None, "16000", [16000]], ids=repr
)
def test_other_rates_are_refused_by_name(name, rate):
    with pytest.raises(ValueError) as error:
        CHECKS[name](rate)
    assert name in str(error.value)
    assert repr(rate) in str(error.value)


def test_an_output_rate_fits_frames_of_20_ms():
    assert check_output_rate(22050) == 22050
    with pytest.raises(ValueError, match="multiple of 50, not 22051"):
        check_output_rate(22051.0)


def test_an_input_rate_has_a_sample_in_20_ms():
    assert check_input_rate(11025) == 11025
    with pytest.raises(ValueError, match="at least 50, .*, not 49"):
        check_input_rate(49)


@pytest.mark.parametrize(
    "fps", [30, 29.97, 0.5, np.float32(15), np.int64(24), Fraction(30000, 1001)]
)
def test_fps_may_be_any_positive_number(fps):
    assert check_fps(fps) is fps
    assert VideoStreamHandler(lambda frame: frame, fps=fps).fps is fps


@pytest.mark.parametrize("fps", [0, -1, math.nan, math.inf, True, None, "30", 1j], ids=repr)
def test_other_fps_are_refused(fps):
    with pytest.raises(ValueError, match="fps must be a positive number, not"):
        check_fps(fps)
    with pytest.raises(ValueError, match="fps must be a positive number, not"):
        VideoStreamHandler(lambda frame: frame, fps=fps)
