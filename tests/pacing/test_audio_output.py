"""The audio of outputs is validated where their author sees the error."""

import numpy as np
import pytest

from fastrtc.core.errors import HandlerError
from fastrtc.core.outputs import AdditionalOutputs, CloseStream
from fastrtc.pacing.audio_output import (
    check_audio,
    check_output,
    is_nothing,
    playable_s,
    seconds_of,
)

SECOND = (8000, np.ones(8000, np.int16))


class Elsewhere:
    """A tensor on a graphics card."""

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("copy it to the CPU first")


def test_bytes_are_little_endian_and_may_be_interleaved():
    assert check_audio(48000, b"\1\0\2\0")[1].tolist() == [[1, 2]]
    assert check_audio(48000, b"\1\0\2\0", "stereo")[1].tolist() == [[1], [2]]


def test_masked_samples_are_silence():
    masked = np.ma.array([1, 2, 3], np.int16, mask=[False, True, False])
    assert check_audio(48000, masked)[1].tolist() == [[1, 0, 3]]


@pytest.mark.parametrize(
    ("samples", "what"),
    [
        (None, "not NoneType"),
        ("audio", "not str"),
        (5, "not int"),
        (0.5, "not float"),
        ({"a": 1}, "not dict"),
        ({1, 2}, "not set"),
        (iter([1, 2]), "not list_iterator"),
        (b"abc", "even number of bytes, not 3"),
        (Elsewhere(), "Elsewhere cannot be read as an array: copy it to the CPU first"),
        (np.zeros(4, bool), "dtype bool"),
        (np.zeros(4, complex), "dtype complex128"),
        (np.zeros(4, object), "dtype object"),
        (np.zeros(4, "datetime64[s]"), "dtype datetime64"),
        (np.zeros(4, "timedelta64[s]"), "dtype timedelta64"),
        (np.zeros(4, [("a", "<i2")]), "dtype .*a"),
        (np.zeros(4, "V2"), "dtype .*V2"),
        (np.array(["a"]), "dtype <U1"),
        (np.array([b"ab"]), "dtype .*S2"),
        ([b"ab", b"cd"], "dtype .*S2"),
        ([None, None], "dtype object"),
        ([[1, 2], [3]], "inhomogeneous"),
        (np.array(5, np.int16), r"shape \(\)"),
        (np.int16(5), r"shape \(\)"),
        (np.zeros((1, 1, 4), np.int16), r"shape \(1, 1, 4\)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_sound_is_refused_by_name(samples, what):
    with pytest.raises(HandlerError, match="This is not audio: .*" + what):
        check_audio(48000, samples)


def test_checked_audio_is_planar():
    rate, planar = check_audio(np.int32(8000), np.zeros((100, 2)))
    assert (rate, type(rate)) == (8000, int)
    assert planar.shape == (2, 100)


@pytest.mark.parametrize("rate", [-1, 0, 48000.5, "48000", None, True, 768_001, 2**40])
def test_a_rate_that_is_none_is_refused(rate):
    with pytest.raises(HandlerError, match="sample rate"):
        check_audio(rate, SECOND[1])


@pytest.mark.parametrize(
    ("media", "what"),
    [
        (SECOND[1], "not ndarray"),
        ("audio", "not str"),
        ((8000,), "not a tuple of 1"),
        ([8000, SECOND[1], "mono", 1], "not a list of 4"),
    ],
)
def test_an_output_that_is_no_audio_is_refused(media, what):
    with pytest.raises(HandlerError, match=f"Audio must be given as .* {what}"):
        check_output(media)


@pytest.mark.parametrize("kind", [tuple, list])
def test_the_layout_of_an_output_decides_what_two_channels_are(kind):
    _, planar = check_output(kind((8000, np.arange(4, dtype=np.int16), "stereo")))
    assert planar.tolist() == [[0, 2], [1, 3]]


def test_the_length_of_an_output():
    assert seconds_of(SECOND) == playable_s(SECOND) == 1.0
    assert seconds_of((8000, np.ones(8000, np.int16), "stereo")) == 0.5
    assert playable_s((SECOND, AdditionalOutputs("and more"))) == 1.0


@pytest.mark.parametrize("output", [None, AdditionalOutputs("no audio"), (8000, "no samples")])
def test_an_output_that_cannot_be_played_has_no_length(output):
    assert playable_s(output) == 0.0


def test_the_length_of_what_is_no_audio_is_an_error():
    with pytest.raises(HandlerError):
        seconds_of((8000, "no samples"))


@pytest.mark.parametrize(
    ("output", "nothing"),
    [
        (None, True),
        ((8000, np.zeros((1, 0), np.int16)), True),
        ((8000, []), True),
        ([8000, b""], True),
        ((8000, [0]), False),
        ((8000, "no samples"), False),
        (AdditionalOutputs(), False),
        (CloseStream(), False),
        (((8000, []), CloseStream()), False),
    ],
)
def test_none_and_audio_without_samples_are_nothing(output, nothing):
    assert is_nothing(output) is nothing
