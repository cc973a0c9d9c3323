"""Audio with its text is still a pair of rate and samples."""

import copy
import pickle

import numpy as np
import pytest

from fastrtc import AdditionalOutputs, Speech
from fastrtc.core.outputs import is_output, split_output
from fastrtc.pacing.audio_output import check_output, playable_s

SAMPLES = np.ones(2400, np.int16)


def test_it_is_a_pair() -> None:
    speech = Speech(24_000, SAMPLES, text="Hello.")
    rate, samples = speech
    assert (rate, samples, speech.text) == (24_000, SAMPLES, "Hello.") or samples is SAMPLES
    assert speech.rate == rate and speech.samples is samples
    assert isinstance(speech, tuple) and len(speech) == 2
    assert "Hello." in repr(speech)


def test_it_is_an_output_like_any_other() -> None:
    speech = Speech(24_000, SAMPLES, "Hello.")
    outputs = AdditionalOutputs(1)
    assert is_output(speech)
    assert split_output(speech) == (speech, None)
    assert split_output((speech, outputs))[0].text == "Hello."
    assert check_output(speech)[1].shape == (1, 2400)
    assert playable_s(speech) == pytest.approx(0.1)


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))]
)
def test_a_copy_has_the_text(again) -> None:
    speech = again(Speech(24_000, SAMPLES, "Hello."))
    assert speech.rate == 24_000 and speech.text == "Hello." and len(speech.samples) == 2400


def test_a_text_that_is_none_is_refused() -> None:
    assert Speech(24_000, SAMPLES).text is None
    with pytest.raises(TypeError, match="must be a string, not bytes"):
        Speech(24_000, SAMPLES, b"Hello.")  # type: ignore[arg-type]
