"""A repeated sound: its samples, and its beginning and end."""

import numpy as np

from fastrtc.pacing.filler import FADE_S, Loop

RATE = 8000


def test_it_is_repeated_without_a_seam() -> None:
    samples = np.arange(1, 801, dtype=np.int16)[np.newaxis]
    loop = Loop(RATE, samples)
    heard = np.concatenate([loop.next(0.03) for _ in range(20)], axis=1)[0]
    fade = round(FADE_S * RATE)
    expected = np.tile(samples[0], 10)[: len(heard)]
    assert np.array_equal(heard[fade:], expected[fade:])
    assert (heard[:fade] <= expected[:fade]).all() and heard[0] == 0


def test_its_end_follows_what_was_given_and_fades() -> None:
    samples = np.full((2, 800), 10_000, np.int16)
    loop = Loop(RATE, samples)
    loop.next(1.234)
    end = loop.end()
    assert end.shape == (2, round(FADE_S * RATE))
    assert 9_900 < end[0, 0] < 10_000 and 0 < end[0, -1] < 100
    assert (np.diff(end[0].astype(int)) < 0).all()


def test_the_end_starts_at_the_sample_that_follows() -> None:
    samples = np.arange(0, 8000, 10, dtype=np.int16)[np.newaxis]
    loop = Loop(RATE, samples)
    loop.next(0.15)  # once around, and half of it
    assert 3900 < loop.end()[0, 0] <= 4000
