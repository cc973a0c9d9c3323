"""Where parts of a content are in a recording: what the tests of recordings measure."""

import numpy as np
import pytest

from tests.recording.content import Content, Found, find
from tests.recording.sound import RATE

STORY = Content(6, 1)
OTHER = Content(2, 2)


def part(from_s: float, to_s: float, content: Content = STORY, rate: int = RATE) -> np.ndarray:
    return content.samples(rate)[round(from_s * rate) : round(to_s * rate)]


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * RATE), np.int16)


def test_parts_are_found_where_they_are() -> None:
    pieces = [silence(0.5), part(3, 4), silence(0.3), part(0.2, 0.4), part(1, 2, OTHER), part(5, 6)]
    first, second, third = find(np.concatenate(pieces), STORY)
    assert first == pytest.approx(Found(0.5, 1.5, 3, 4), abs=0.001)
    assert second == pytest.approx(Found(1.8, 2.0, 0.2, 0.4), abs=0.018)
    assert third == pytest.approx(Found(3.0, 4.0, 5, 6), abs=0.018)
    (other,) = find(np.concatenate(pieces), OTHER)
    assert other == pytest.approx(Found(2.0, 3.0, 1, 2), abs=0.018)


@pytest.mark.parametrize("missing_s", [0.02, -0.02])
def test_a_frame_that_is_missing_or_there_twice(missing_s: float) -> None:
    samples = np.concatenate((part(0, 1), part(1 + missing_s, 2)))
    first, second = find(samples, STORY)
    assert first.to_s == pytest.approx(1, abs=0.02)
    assert second.from_s - second.at_s == pytest.approx(missing_s, abs=0.001)


def test_gaps_and_lower_rates_and_noise_change_nothing() -> None:
    rng = np.random.default_rng(1)
    samples = np.repeat(part(0, 1, rate=24_000), 2)
    gaps = np.concatenate([np.r_[frame, silence(0.03)] for frame in samples.reshape(-1, 960)])
    noisy = (gaps + rng.normal(0, 30, len(gaps))).astype(np.int16)
    found = find(noisy, STORY)
    assert len(found) == 50
    assert [one.from_s for one in found] == pytest.approx(np.arange(50) / 50, abs=0.003)
    assert [one.at_s for one in found] == pytest.approx(np.arange(50) / 20, abs=0.003)
