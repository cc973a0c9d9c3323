"""Media are told from what a handler gives beside them."""

import numpy as np
import pytest

from fastrtc.core.outputs import AdditionalOutputs, CloseStream, split_output

AUDIO = (24_000, np.zeros((1, 480), np.int16))
STEREO = (*AUDIO, "stereo")
PICTURE = np.zeros((2, 2, 3), np.uint8)
OUTPUTS = AdditionalOutputs("a", 1)
CLOSE = CloseStream("bye")


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
