"""The features are those of Whisper's feature extractor, from `transformers` 5.24.0."""

from pathlib import Path

import numpy as np

from fastrtc.end_of_turn.log_mel import log_mel

FEATURES = Path(__file__).parent / "whisper_features.npz"
"""What `WhisperFeatureExtractor(chunk_length=8)` returns for `sweep()`: each twelfth frame of it
(`plain`), and from frame 700 on of 7 s of silence and it, with `do_normalize` (`normalized`)."""


def sweep() -> np.ndarray:
    """Return a second of a tone that rises to 6.1 kHz, and another one in its second half."""
    t = np.arange(16_000) / 16_000
    rising = 0.5 * np.sin(2 * np.pi * (100 + 3000 * t) * t)
    return (rising + 0.1 * np.sin(2 * np.pi * 440 * t) * (t > 0.5)).astype(np.float32)


def test_the_spectrogram_is_that_of_whisper():
    found = log_mel(sweep())
    assert found.shape == (80, 100) and found.dtype == np.float32
    np.testing.assert_allclose(found[:, ::12], np.load(FEATURES)["plain"], atol=1e-4)


def test_silence_is_finite():
    assert np.isfinite(log_mel(np.zeros(16_000, np.float32))).all()
