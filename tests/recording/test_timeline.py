"""Both sides in step, in blocks."""

from collections.abc import Iterable

import numpy as np
import pytest

from fastrtc.recording.events import Cut, Played, Received
from fastrtc.recording.timeline import HELD_BACK_S, Timeline
from fastrtc.recording.track import Block

from .sound import RATE, onsets, tone


def joined(blocks: Iterable[Block]) -> np.ndarray:
    return np.concatenate([np.stack(block[:2]) for block in blocks], axis=1)


def both(at_s: float) -> list[Received | Played]:
    sound = tone(0.2)[np.newaxis]
    return [Received(at_s - 3, True, at_s + 0.2, RATE, sound), Played(at_s, RATE, sound)]


def test_both_sides_in_step_over_two_stretches() -> None:
    timeline, blocks = Timeline(), []
    blocks += timeline.start(10.0)
    for at_s in np.arange(10.0, 13.0, 0.2):
        timeline.add(both(at_s) if at_s == pytest.approx(11.0) else [])
        blocks += timeline.read(at_s + 0.2)
        assert timeline.written == max(0, round((at_s + 0.2 - HELD_BACK_S - 10) * RATE))
    timeline.add(both(12.9))  # of which 0.1 s are after the stop
    blocks += timeline.stop(13.0)
    blocks += timeline.start(20.0)
    before = tone(0.4)[np.newaxis]  # what was on its way is left out
    timeline.add([Received(7.0, True, 20.1, RATE, before), Played(19.9, RATE, before[:, :9600])])
    timeline.add(both(20.5))
    blocks += timeline.stop(21.0)
    assert max(len(block.received) for block in blocks) <= RATE
    left, right = joined(blocks)
    assert len(left) == 11 * RATE
    assert onsets(left) == pytest.approx([1.0, 2.9, 10.0, 10.5], abs=0.002)
    assert onsets(right) == pytest.approx([1.0, 2.9, 10.0, 10.5], abs=0.002)
    assert not left[3 * RATE : 10 * RATE].any() and not right[3 * RATE : 10 * RATE].any()


def test_the_changes_of_what_was_played() -> None:
    timeline = Timeline()
    assert not list(timeline.start(0.0))
    timeline.add([Played(0.0, RATE, tone(0.4)[np.newaxis]), Cut(0.3, 0.0)])
    _, right = joined(timeline.stop(1.0))
    assert np.flatnonzero(right)[-1] / RATE == pytest.approx(0.3, abs=0.001)


def test_sides_of_two_rates_are_in_step_and_one_rises() -> None:
    timeline = Timeline(rates=(16_000, 24_000))
    assert not list(timeline.start(0.0))
    sound = {rate: tone(0.2, rate=rate)[np.newaxis] for rate in (16_000, 24_000, RATE)}
    timeline.add([Received(7.0, True, 0.4001, 16_000, sound[16_000])])
    timeline.add([Played(0.2001, 24_000, sound[24_000])])
    first = list(timeline.read(1.00007))
    assert first[0].rates == (16_000, 24_000)
    timeline.add([Played(1.2, 24_000, sound[24_000]), Played(1.5, RATE, sound[RATE])])
    second = list(timeline.stop(2.0))
    assert second[-1].rates == (16_000, RATE)
    assert timeline.written == 2 * RATE
    left = np.concatenate([block.received for block in (*first, *second)])
    right = np.concatenate(
        [np.repeat(block.played, RATE // block.rates[1]) for block in (*first, *second)]
    )
    assert len(left) * 3 == len(right) == 2 * RATE
    assert onsets(np.repeat(left, 3)) == pytest.approx([0.2], abs=0.003)
    assert onsets(right, 0.05) == pytest.approx([0.2, 1.2, 1.5], abs=0.003)
