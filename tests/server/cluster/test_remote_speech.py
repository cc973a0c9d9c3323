"""How speech is encoded for another node."""

from typing import Any

import numpy as np
import pytest

from fastrtc.server.cluster.remote_speech import decode_speech, encode_speech


def test_a_text_stays_as_it_is() -> None:
    assert decode_speech(encode_speech("Hello")) == "Hello"


@pytest.mark.parametrize(
    "samples",
    [
        np.array([1, -2, 3], np.int16),
        np.array([[1, -2, 3]], np.int16),
        np.array([[1, -2, 3], [4, 5, -6]], np.int16),
    ],
)
def test_audio_is_the_same_to_the_sample(samples: Any) -> None:
    encoded = encode_speech((24_000, samples))
    assert encoded == (24_000, max(1, samples.ndim and samples.reshape(-1, 3).shape[0]), encoded[2])
    rate, decoded = decode_speech(encoded)  # type: ignore[misc]
    assert rate == 24_000
    assert decoded.dtype == np.int16
    assert np.array_equal(decoded, samples.reshape(-1, 3))


def test_floats_become_integers() -> None:
    _, decoded = decode_speech(encode_speech((16_000, np.array([0.5, -1.0], np.float32))))  # type: ignore[misc]
    assert decoded.tolist() == [[16384, -32767]]


@pytest.mark.parametrize(
    "encoded",
    [None, 5, (), (24_000, 1), (24_000, 3, b"ab"), ("24000", 1, b"ab"), (24_000, 1, b"abc")]
    + [(24_000, 2, b"ab"), (24_000, 1, b""), (24_000, 1, 5), "a" * 70_000],
)
def test_what_is_malformed_is_refused(encoded: Any) -> None:
    with pytest.raises(ValueError, match="not encoded speech"):
        decode_speech(encoded)
