import numpy as np

from fastrtc.recording.joined import JoinedAudio


def chunk(value: int, n: int = 480, channels: int = 1) -> np.ndarray:
    return np.full((channels, n), value, np.int16)


def test_only_what_follows_is_joined() -> None:
    joined = JoinedAudio()
    assert joined.take() is None
    assert joined.add(5.0, 48_000, chunk(1))
    assert joined.add(5.0101, 48_000, chunk(2, 960))
    assert not joined.add(5.05, 48_000, chunk(3))  # a gap
    assert not joined.add(5.03, 24_000, chunk(3))
    assert not joined.add(5.03, 48_000, chunk(3, channels=2))
    samples = joined.take()
    assert samples is not None and samples.shape == (1, 1440)
    assert (joined.start_s, joined.rate) == (5.0, 48_000)
    assert samples[0, 479] == 1 and samples[0, 480] == 2
    assert joined.add(9.0, 8000, chunk(3))
    assert joined.take() is not None and joined.take() is None
