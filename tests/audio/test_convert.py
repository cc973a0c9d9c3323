from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastrtc.audio.convert import (
    as_planar,
    audio_to_float32,
    audio_to_int16,
    full_scale,
    mix_channels,
    to_float32,
    to_int16,
)

INT16 = np.array([-32768, -1, 0, 1, 32767], np.int16)
# What carries no audio, with what is not a number in it.
REFUSED = [
    np.array([True, False]),
    np.array([1 + 1j]),
    np.array([None]),
    np.array(["a"]),
    np.array([b"a"]),
    np.array(["2020-01-01"], "datetime64[D]"),
]


def test_int16_is_not_copied():
    assert to_int16(INT16) is INT16


def test_float32_in_range_is_not_copied():
    samples = np.array([-1, 0, 0.5, 1], np.float32)
    assert to_float32(samples) is samples


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (np.array([-128, 0, 127], np.int8), [-32768, 0, 32512]),
        (np.array([-(2**31), 0, 2**31 - 1], np.int32), [-32768, 0, 32767]),
        (np.array([-(2**16), 0, 2**16], np.int32), [-1, 0, 1]),
        (np.array([-(2**31), 0, 2**31 - 1], np.int64), [-32768, 0, 32767]),
        (np.array([-(2**63), 0, 2**63 - 1], np.int64), [-32768, 0, 32767]),
        (np.array([0, 128, 255], np.uint8), [-32768, 0, 32512]),
        (np.array([0, 2**15, 2**16 - 1], np.uint16), [-32768, 0, 32767]),
        (np.array([0, 2**31, 2**32 - 1], np.uint32), [-32768, 0, 32767]),
        (np.array([0, 2**63, 2**64 - 1], np.uint64), [-32768, 0, 32767]),
        (np.array([-32768, 0, 258], ">i2"), [-32768, 0, 258]),
        (np.array([0, 2**15, 2**16 - 1], ">u2"), [-32768, 0, 32767]),
    ],
    ids=lambda value: str(getattr(value, "dtype", "")),
)
def test_integers_are_scaled_by_their_width(samples, expected):
    result = to_int16(samples)
    assert result.dtype == np.int16
    assert result.tolist() == expected
    floats = to_float32(samples)
    assert floats.dtype == np.float32
    np.testing.assert_allclose(floats, np.array(expected) / 32768, atol=1 / 32768)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble, ">f4"])
def test_floats_are_clipped_and_nan_is_silence(dtype):
    samples = np.array([-np.inf, -2, -1, -0.5, 0, np.nan, 0.5, 1, 2, np.inf], dtype)
    before = samples.copy()
    result = to_int16(samples)
    assert result.dtype == np.int16
    assert result.tolist() == [-32767, -32767, -32767, -16384, 0, 0, 16384, 32767, 32767, 32767]
    floats = to_float32(samples)
    assert floats.dtype == np.float32 and floats.dtype.isnative
    assert floats.tolist() == [-1, -1, -1, -0.5, 0, 0, 0.5, 1, 1, 1]
    np.testing.assert_array_equal(samples, before)  # the caller's array is left alone


def test_floats_too_large_for_narrower_ones_are_clipped():
    assert to_int16(np.array([1e300, -1e300])).tolist() == [32767, -32767]
    assert to_float32(np.array([1e300, -1e300])).tolist() == [1, -1]
    assert to_int16(np.array([np.finfo(np.float32).max], np.float32)).tolist() == [32767]


def test_floats_are_rounded_not_cut():
    assert to_int16(np.array([0.6, -0.6, 1.4]) / 32767).tolist() == [1, -1, 1]


def test_every_int16_survives_the_way_through_float32():
    every = np.arange(-32768, 32768, dtype=np.int16)
    back = to_int16(to_float32(every))
    assert np.abs(back.astype(int) - every).max() <= 1
    quiet = np.abs(every.astype(int)) < 16000  # further up x - x / 32768 rounds down
    np.testing.assert_array_equal(back[quiet], every[quiet])


@pytest.mark.parametrize("samples", REFUSED, ids=lambda samples: str(samples.dtype))
@pytest.mark.parametrize("convert", [to_int16, to_float32])
def test_what_is_no_real_number_is_refused_by_name(convert, samples):
    with pytest.raises(TypeError, match=str(samples.dtype).replace("[", r"\[")) as error:
        convert(samples)
    assert "integer dtype" in str(error.value) and "float dtype" in str(error.value)


@pytest.mark.parametrize("shape", [(0,), (1, 0), (3,), (1, 4), (2, 3), (4, 2), (2, 2, 2)])
@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.float32, np.float64])
def test_the_shape_is_kept(shape, dtype):
    assert to_int16(np.zeros(shape, dtype)).shape == shape
    assert to_float32(np.zeros(shape, dtype)).shape == shape


def test_views_are_converted():
    samples = np.arange(12, dtype=np.uint16).reshape(3, 4).T[::2]
    np.testing.assert_array_equal(to_int16(samples), samples.astype(int) - 32768)


def test_a_tuple_or_just_samples():
    floats = np.array([[-1, 0, 0.5, 2]], np.float32)
    for function, samples in ((audio_to_int16, INT16), (audio_to_float32, floats)):
        assert function((8000, samples)) is samples
        assert function(samples) is samples
    assert audio_to_int16((8000, floats)).tolist() == [[-32767, 0, 16384, 32767]]
    np.testing.assert_array_equal(audio_to_float32((8000, INT16)), INT16 / 32768)


@pytest.mark.parametrize("shape", [(), (0,), (3,), (1, 0), (1, 3), (2, 3), (1, 1, 3)])
@pytest.mark.parametrize("dtype", [np.int16, "<i2", np.float32])
@pytest.mark.parametrize("function", [audio_to_int16, audio_to_float32])
def test_any_shape_of_the_two_dtypes(function, dtype, shape):
    samples = np.zeros(shape, dtype)
    for audio in (samples, (8000, samples)):
        assert function(audio).shape == shape
        assert function(audio).dtype == (np.int16 if function is audio_to_int16 else np.float32)


@pytest.mark.parametrize(
    "dtype",
    "i1 u1 u2 >i2 i4 u4 i8 u8 f2 f8 >f4 >f8 longdouble bool c8 c16 O U5 S5 datetime64[s] "
    "timedelta64[s] V2".split(),
)
@pytest.mark.parametrize("function", [audio_to_int16, audio_to_float32])
def test_other_dtypes_are_a_type_error_as_in_fastrtc_0_0_34(function, dtype):
    samples = np.zeros(4, dtype)
    for audio in (samples, (8000, samples)):
        with pytest.raises(TypeError, match="Unsupported audio data type: "):
            function(audio)


@pytest.mark.parametrize("samples", [[1, 2], [0.5], None, b"ab", 5, "ab"], ids=repr)
@pytest.mark.parametrize("function", [audio_to_int16, audio_to_float32])
def test_what_is_no_array_is_a_type_error(function, samples):
    for audio in (samples, (8000, samples)):
        with pytest.raises(TypeError, match="array of int16 or float32"):
            function(audio)


class Foreign:
    """A dtype of another library."""


def test_dtypes_of_other_libraries_are_a_type_error():
    class Tensor:
        dtype = Foreign()

    with pytest.raises(TypeError):
        audio_to_float32(Tensor())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (np.zeros(3, np.int8), 2**7),
        (np.zeros(3, np.uint8), 2**7),
        (np.zeros(3, np.int16), 2**15),
        (np.zeros(3, np.uint16), 2**15),
        (np.zeros(3, np.uint32), 2**31),
        (np.zeros(3, np.int32), 2**15),
        (np.array([-32768, 32767], np.int32), 2**15),
        (np.array([-32769], np.int32), 2**31),
        (np.array([-32769], np.int64), 2**15),
        (np.array([2**20], np.int64), 2**31),
        (np.array([2**32], np.int64), 2**63),
        (np.array([-(2**63)], np.int64), 2**63),
        (np.zeros(0, np.int64), 2**15),
        (np.zeros(0), 1),
        (np.array([-15.9]), 1),
        (np.array([-16.1]), 2**15),
        (np.array([1e6]), 2**31),
        (np.array([1e30]), 1),
        (np.array([np.inf, 100]), 1),
        (np.array([np.nan, 100]), 1),
        (np.array([100], ">f4"), 2**15),
        (np.array([100], ">i4"), 2**15),
    ],
    ids=str,
)
def test_full_scale(samples, expected):
    assert full_scale(samples) == expected


def test_full_scale_does_not_become_less():
    assert full_scale(np.zeros(3, np.int32), 2**31) == 2**31
    assert full_scale(np.zeros(3), 2**15) == 2**15
    assert full_scale(np.zeros(0), 2**15) == 2**15


@pytest.mark.parametrize("convert", [to_int16, to_float32])
def test_values_of_another_range_are_the_same_sound(convert):
    expected = convert(INT16)
    for dtype in (np.int32, np.int64, np.float32, np.float64):
        converted = convert(INT16.astype(dtype))
        assert converted.dtype == expected.dtype
        np.testing.assert_allclose(converted, expected, atol=1)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((5,), (1, 5)),
        ((1, 5), (1, 5)),
        ((5, 1), (1, 5)),
        ((1, 1), (1, 1)),
        ((1, 2), (1, 2)),
        ((2, 5), (2, 5)),
        ((2, 1), (2, 1)),
        ((2, 2), (2, 2)),
        ((5, 2), (2, 5)),
        ((0,), (1, 0)),
        ((1, 0), (1, 0)),
        ((0, 1), (1, 0)),
        ((2, 0), (2, 0)),
        ((0, 2), (2, 0)),
        ((0, 7), (1, 0)),
        ((7, 0), (1, 0)),
    ],
)
@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_shapes_without_a_layout(shape, expected, dtype):
    planar = as_planar(np.zeros(shape, dtype))
    assert planar.shape == expected
    assert planar.dtype == dtype


def test_two_columns_are_two_channels():
    assert as_planar(np.array([[1, 4], [2, 5], [3, 6]])).tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize("shape", [(6,), (1, 6), (6, 1)])
def test_one_row_of_stereo_is_interleaved(shape):
    packed = np.array([1, 4, 2, 5, 3, 6], np.int16).reshape(shape)
    assert as_planar(packed, "stereo").tolist() == [[1, 2, 3], [4, 5, 6]]


def test_stereo_that_is_planar_stays_so():
    planar = np.zeros((2, 6), np.int16)
    assert as_planar(planar, "stereo") is planar
    assert as_planar(np.zeros((6, 2), np.int16), "stereo").shape == (2, 6)


@pytest.mark.parametrize("shape", [(0,), (1, 0), (2, 0)])
def test_empty_stereo(shape):
    assert as_planar(np.zeros(shape, np.int16), "stereo").shape == (2, 0)


@pytest.mark.parametrize("shape", [(5,), (1, 5), (5, 1)])
def test_half_a_stereo_sample_is_refused(shape):
    with pytest.raises(ValueError, match="even number of samples, not 5"):
        as_planar(np.zeros(shape, np.int16), "stereo")


def test_mono_mixes_two_channels_down():
    assert as_planar(np.array([[100, 200], [300, 401]], np.int16), "mono").tolist() == [[200, 300]]
    assert as_planar(np.zeros((1, 5)), "mono").shape == (1, 5)
    assert as_planar(np.zeros(5), "mono").shape == (1, 5)


@pytest.mark.parametrize("shape", [(), (3, 3), (6, 100), (100, 6), (1, 1, 5), (1, 2, 0)])
def test_other_shapes_are_refused_by_name(shape):
    with pytest.raises(ValueError) as error:
        as_planar(np.zeros(shape))
    assert str(shape) in str(error.value)
    assert "(1, n)" in str(error.value)


def test_other_layouts_are_refused():
    with pytest.raises(ValueError, match=r"5\.1"):
        as_planar(np.zeros(5), "5.1")  # type: ignore[arg-type]


def test_mixing_does_not_copy_what_fits():
    for channels in (1, 2):
        planar = np.zeros((channels, 3), np.int16)
        assert mix_channels(planar, channels) is planar


def test_mixing_up_doubles():
    assert mix_channels(np.array([[1, 2]], np.int16), 2).tolist() == [[1, 2], [1, 2]]


@given(
    st.sampled_from([np.int8, np.int16, np.int32, np.uint8, np.uint16]).flatmap(
        lambda dtype: hnp.arrays(dtype, (2, 5))
    )
)
def test_the_mean_of_integers_does_not_overflow(planar):
    mixed = mix_channels(planar, 1)
    assert mixed.dtype == planar.dtype
    np.testing.assert_array_equal(mixed[0], planar.astype(np.int64).sum(axis=0) // 2)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_mean_of_floats(dtype):
    mixed = mix_channels(np.array([[1, -1, 0.5], [1, 1, 0]], dtype), 1)
    assert mixed.dtype == dtype
    assert mixed.tolist() == [[1, 0, 0.25]]


def test_mixing_leaves_its_input_alone():
    planar = np.array([[1, 2], [3, 4]], np.int16)
    mix_channels(planar, 1)
    assert planar.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(("present", "channels"), [(3, 1), (1, 3), (2, 0), (0, 1)])
def test_other_numbers_of_channels_are_refused(present, channels):
    with pytest.raises(ValueError, match="Cannot mix"):
        mix_channels(np.zeros((present, 4), np.int16), channels)


def test_other_dtypes_are_not_mixed():
    with pytest.raises(TypeError, match="bool"):
        mix_channels(np.zeros((2, 4), bool), 1)
