"""A sample rate is any number with a positive, integral value."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from fastrtc.core.rates import FRAME_S, FRAMES_PER_SECOND, check_rate


def test_a_second_has_a_whole_number_of_frames():
    assert FRAMES_PER_SECOND * FRAME_S == 1


class Indexed:
    def __index__(self):
        return 24000


@pytest.mark.parametrize(
    "rate",
    [
        24000,
        24000.0,
        np.int64(24000),
        np.uint16(24000),
        np.float32(24000),
        np.float64(24000),
        np.array(24000),
        np.array(24000.0),
        Fraction(24000),
        Decimal(24000),
        Indexed(),
    ],
    ids=lambda rate: type(rate).__name__,
)
def test_integral_values_are_rates(rate):
    checked = check_rate(rate)
    assert checked == 24000
    assert type(checked) is int


@pytest.mark.parametrize(
    "rate",
    [
        0,
        -1,
        -24000.0,
        22050.5,
        np.float32(0.5),
        float("nan"),
        float("inf"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        Fraction(1, 2),
        24000 + 0j,
        True,
        np.True_,
        None,
        "24000",
        b"24000",
        [24000],
        np.array([24000]),
        np.zeros(960),
    ],
    ids=str,
)
def test_other_values_are_refused(rate):
    with pytest.raises(ValueError, match="The sample rate must be a positive integer, in Hz, not"):
        check_rate(rate)


@pytest.mark.parametrize("rate", [22050.5, -3, "24000", None])
def test_the_error_shows_the_value_and_the_name(rate):
    with pytest.raises(ValueError, match="input_sample_rate must .*, not " + repr(rate)):
        check_rate(rate, "input_sample_rate")


def test_the_error_shows_no_more_of_an_array_than_its_beginning():
    with pytest.raises(ValueError) as error:
        check_rate(np.arange(100_000))
    assert "array([" in str(error.value)
    assert len(str(error.value)) < 120
