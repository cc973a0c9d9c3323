"""Media are told from what a handler gives beside them."""

import numpy as np
import pytest

from fastrtc.core.outputs import AdditionalOutputs, CloseStream, is_output, split_output
from fastrtc.core.transcript import Transcript

AUDIO = (24_000, np.zeros((1, 480), np.int16))
STEREO = (*AUDIO, "stereo")
LIST = list(AUDIO)
PICTURE = np.zeros((2, 2, 3), np.uint8)
OUTPUTS = AdditionalOutputs("a", 1)
CLOSE = CloseStream("bye")
SAID = Transcript("Hello")


@pytest.mark.parametrize(
    ("given", "media", "other"),
    [
        (None, None, None),
        (AUDIO, AUDIO, None),
        (STEREO, STEREO, None),
        (PICTURE, PICTURE, None),
        (OUTPUTS, None, OUTPUTS),
        (CLOSE, None, CLOSE),
        ((AUDIO, OUTPUTS), AUDIO, OUTPUTS),
        ((STEREO, CLOSE), STEREO, CLOSE),
        ((PICTURE, CLOSE), PICTURE, CLOSE),
        ((None, OUTPUTS), None, OUTPUTS),
        (SAID, None, SAID),
        ([AUDIO, SAID], AUDIO, SAID),
        (LIST, LIST, None),
        ([LIST, OUTPUTS], LIST, OUTPUTS),
        ([AUDIO, CLOSE], AUDIO, CLOSE),
        ((LIST, OUTPUTS), LIST, OUTPUTS),
    ],
)
def test_split(given, media, other):
    found_media, found_other = split_output(given)

    assert found_media is media
    assert found_other is other


def test_outputs_keep_their_values_in_order():
    assert OUTPUTS.args == ("a", 1)
    assert AdditionalOutputs().args == ()
    assert repr(OUTPUTS) == "AdditionalOutputs('a', 1)"


def test_a_close_has_a_reason():
    assert CLOSE.msg == "bye"
    assert CloseStream().msg == "Stream closed"


class Image:
    """An image of Pillow."""

    __array_interface__ = {"shape": (2, 2, 3), "typestr": "|u1", "version": 3, "data": b"\0" * 12}


class Frame:
    """A frame of PyAV."""

    def to_ndarray(self):
        return PICTURE


@pytest.mark.parametrize(
    "value",
    [
        AUDIO,
        STEREO,
        LIST,
        (24_000.0, AUDIO[1]),
        (np.int64(24_000), AUDIO[1]),
        (24_000, b"\0\0"),
        PICTURE,
        AUDIO[1],
        b"\0\0",
        bytearray(2),
        "text",
        Image(),
        Frame(),
        OUTPUTS,
        CLOSE,
        (AUDIO, OUTPUTS),
        (PICTURE, CLOSE),
        (None, OUTPUTS),
        SAID,
        (AUDIO, SAID),
    ],
    ids=lambda value: type(value).__name__,
)
def test_one_output(value):
    assert is_output(value)


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        (),
        {},
        [AUDIO],
        [AUDIO, AUDIO],
        (AUDIO, AUDIO, AUDIO),
        [AUDIO, OUTPUTS],
        [PICTURE, PICTURE],
        iter([AUDIO]),
        (output for output in [AUDIO]),
        np.zeros((5, 2, 2, 3), np.uint8),
    ],
    ids=lambda value: type(value).__name__,
)
def test_outputs_to_iterate_over(value):
    assert not is_output(value)
