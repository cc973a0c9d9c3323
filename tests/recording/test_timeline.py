"""Both sides in step, in blocks."""

from collections.abc import Iterable

import numpy as np
import pytest
from av import VideoFrame

from fastrtc.recording.consent import MARGIN_S
from fastrtc.recording.events import Confirmed, Cut, Picture, Played, Received, TakenBack
from fastrtc.recording.pictures import Pictures
from fastrtc.recording.timeline import Timeline
from fastrtc.recording.track import HELD_BACK_S, Block

from .sound import RATE, on_time, onsets, tone


def joined(blocks: Iterable[Block]) -> np.ndarray:
    return np.concatenate(
        [np.stack([side.samples for side in block[:2]]) for block in blocks], axis=1
    )


def both(at_s: float) -> list[Received | Played]:
    sound = tone(0.2)[np.newaxis]
    return [Received(at_s - 3, True, at_s + 0.2, RATE, sound), on_time(at_s, RATE, sound)]


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
    timeline.add([Received(7.0, True, 20.1, RATE, before), on_time(19.9, RATE, before[:, :9600])])
    timeline.add(both(20.5))
    blocks += timeline.stop(21.0)
    assert max(len(block.received) for block in blocks) <= RATE
    left, right = joined(blocks)
    assert len(left) == 11 * RATE
    assert onsets(left) == pytest.approx([1.0, 2.9, 10.0 + MARGIN_S, 10.5], abs=0.002)
    assert onsets(right) == pytest.approx([1.0, 2.9, 10.0, 10.5], abs=0.002)
    assert not left[3 * RATE : 10 * RATE].any() and not right[3 * RATE : 10 * RATE].any()


def test_the_changes_of_what_was_played() -> None:
    timeline = Timeline()
    assert not list(timeline.start(0.0))
    timeline.add([on_time(0.0, RATE, tone(0.4)[np.newaxis]), Cut(0.3, 0.0)])
    _, right = joined(timeline.stop(1.0))
    assert np.flatnonzero(right)[-1] / RATE == pytest.approx(0.3, abs=0.001)


def test_sides_of_two_rates_are_in_step_and_one_rises() -> None:
    timeline = Timeline(rates=(16_000, 24_000))
    assert not list(timeline.start(0.0))
    sound = {rate: tone(0.2, rate=rate)[np.newaxis] for rate in (16_000, 24_000, RATE)}
    timeline.add([Received(7.0, True, 0.4001, 16_000, sound[16_000])])
    timeline.add([on_time(0.2001, 24_000, sound[24_000])])
    first = list(timeline.read(1.00007))
    assert first[0].rates == (16_000, 24_000)
    timeline.add([on_time(1.2, 24_000, sound[24_000]), on_time(1.5, RATE, sound[RATE])])
    second = list(timeline.stop(2.0))
    assert second[-1].rates == (16_000, RATE)
    assert timeline.written == 2 * RATE
    left = np.concatenate([block.received.samples for block in (*first, *second)])
    right = np.concatenate(
        [np.repeat(block.played.samples, RATE // block.rates[1]) for block in (*first, *second)]
    )
    assert len(left) * 3 == len(right) == 2 * RATE
    assert onsets(np.repeat(left, 3)) == pytest.approx([0.2], abs=0.003)
    assert onsets(right, 0.05) == pytest.approx([0.2, 1.2, 1.5], abs=0.003)


FPS = 15


def white_from(pictures: Pictures, timeline: Timeline) -> list[float]:
    """When the left side becomes white in what is written since the last call, in seconds."""
    found = []
    for frame in pictures.frames(timeline.written_s):
        if frame.to_ndarray(format="gray")[8, 8] > 150:
            found.append(frame.pts / FPS)
    return found[:1]


@pytest.mark.parametrize("reported", [True, False])
def test_a_flash_that_comes_late_is_shown_with_its_beep(reported: bool) -> None:
    """The video comes 0.5 s after the audio; nothing of it is written before it has come."""
    pictures = Pictures(("received",), (16, 16), FPS)
    timeline, late_s = Timeline(pictures), 0.5
    frames = [
        VideoFrame.from_ndarray(np.full((16, 16, 3), gray, np.uint8), format="bgr24")
        for gray in (0, 255)
    ]
    sound, silence = tone(0.02)[np.newaxis], np.zeros((1, RATE // 50), np.int16)
    blocks = list(timeline.start(100.0))
    flashes: list[float] = []
    for n in range(400):  # of 20 ms each
        at_s = n / 50
        beeps = 4.0 <= at_s < 4.3
        seen_s = at_s - late_s
        audio_s = 7000 + seen_s if reported and at_s > 1.5 else None
        timeline.add(
            [
                Received(7000 + at_s, True, 100.02 + at_s, RATE, sound if beeps else silence),
                Picture("received", seen_s, 100 + at_s, frames[4.0 <= seen_s < 4.3], audio_s),
            ]
        )
        if n % 10 == 9:
            blocks += timeline.read(100 + at_s)
            flashes += white_from(pictures, timeline)
    held_back_s = 400 / 50 - timeline.written_s
    assert held_back_s == pytest.approx(HELD_BACK_S + (late_s if reported else 0), abs=0.05)
    blocks += timeline.stop(108.0)
    (beep,) = onsets(joined(blocks)[0])
    flash = min(flashes)
    assert beep == pytest.approx(4.0, abs=0.01)
    assert flash == pytest.approx(4.0 if reported else 4.5, abs=0.5 / FPS + 0.01)


def test_what_a_client_has_not_confirmed_can_still_be_taken_back() -> None:
    """A telephone stops echoing marks at 1 s, and 1.2 s later the rest is taken back."""
    timeline, blocks = Timeline(), []
    blocks += timeline.start(0.0)
    sound = tone(2.2)
    for n in range(11):
        at_s = n * 0.2
        samples = sound[np.newaxis, round(at_s * RATE) : round((at_s + 0.2) * RATE)]
        timeline.add([Played(at_s, at_s, False, RATE, samples)])
        if at_s < 1.0:
            timeline.add([Confirmed(0.1)])
        blocks += timeline.read(at_s + 0.2)
    assert timeline.written_s == pytest.approx(0.9)
    timeline.add([TakenBack(1.3)])
    blocks += timeline.read(2.4)
    blocks += timeline.stop(3.0)
    _, right = joined(blocks)
    assert np.flatnonzero(right)[-1] / RATE == pytest.approx(0.9, abs=0.001)


def test_a_client_that_confirms_nothing_more_does_not_hold_the_recording_up() -> None:
    timeline = Timeline()
    assert not list(timeline.start(0.0))
    timeline.add([Played(0.0, 0.0, False, RATE, tone(4)[np.newaxis]), Confirmed(3.9)])
    for at_s, written_s in ((1.0, 0.1), (1.6, 0.2), (3.0, 1.6)):
        list(timeline.read(at_s))
        assert timeline.written_s == pytest.approx(written_s)
