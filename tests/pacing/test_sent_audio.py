"""What a client has not heard of the audio that it was sent."""

import numpy as np
import pytest

from fastrtc.pacing.playout import Playout, PlayoutFrame
from fastrtc.pacing.sent_audio import MAX_SENT_S, HeardUntil, SentAudio

RATE, SIZE = 8000, 160


def sent(count: int, *, silent: int = 0) -> SentAudio:
    """Frames with the values 1, 2, 3, ..., one every 20 ms from 0 s on, then silent ones."""
    audio = SentAudio()
    for n in range(count + silent):
        value = n + 1 if n < count else 0
        frame = PlayoutFrame(np.full((1, SIZE), value, np.int16), 960 * n)
        audio.add(frame, RATE, 0.02 * n)
    return audio


def values(audio: SentAudio, until: HeardUntil) -> list[int]:
    return [int(samples[0, 0]) for _, samples in audio.unheard(until)]


@pytest.mark.parametrize(
    ("until", "unheard"),
    [
        (HeardUntil(pts=2 * 960), [4, 5]),
        (HeardUntil(pts=2 * 960 + 500), [4, 5]),
        (HeardUntil(pts=-5), [1, 2, 3, 4, 5]),
        (HeardUntil(pts=4 * 960), []),
        (HeardUntil(samples=3 * SIZE), [4, 5]),
        (HeardUntil(samples=0), [1, 2, 3, 4, 5]),
        (HeardUntil(sent_by=0.05), [4, 5]),
        (HeardUntil(pts=10**9, sent_by=0.05), [4, 5]),  # more than was sent
        (HeardUntil(samples=10**9, sent_by=0.05), [4, 5]),
        (HeardUntil(), []),
    ],
)
def test_what_comes_after_a_position_is_unheard(until: HeardUntil, unheard: list[int]):
    assert values(sent(5), until) == unheard


def test_a_frame_that_was_heard_in_part_is_cut():
    ((rate, first), (_, second)) = sent(5).unheard(HeardUntil(samples=3 * SIZE + 100))

    assert (rate, first.shape, second.shape) == (RATE, (1, 60), (1, SIZE))


def test_the_silence_after_a_reply_is_not_repeated():
    assert values(sent(3, silent=5), HeardUntil(samples=2 * SIZE)) == [3]
    assert values(sent(3, silent=5), HeardUntil(samples=4 * SIZE)) == []


def test_it_is_bounded_and_forgets():
    audio = sent(round(MAX_SENT_S / 0.02) + 50)
    assert values(audio, HeardUntil(samples=0))[0] in (50, 51, 52)

    audio.clear()
    assert values(audio, HeardUntil(samples=0)) == []


def polled(playout: Playout, now: float, seconds: float) -> np.ndarray:
    """Return what is sent from *now* on."""
    frames, end = [], now + seconds
    while now < end:
        action = playout.poll(now)
        if isinstance(action, PlayoutFrame):
            frames.append(action.samples)
        else:
            now = end if action is None else max(action, now + 0.001)
    return np.concatenate(frames, axis=1) if frames else np.zeros((1, 0), np.int16)


RAMP = np.arange(1, 16001, dtype=np.int16)[np.newaxis]


def test_a_playout_goes_on_where_it_was_heard():
    playout, audio = Playout(8000, 1), SentAudio()
    playout.push(8000, RAMP)
    heard = polled(playout, 10.0, 0.5)
    for n in range(0, heard.shape[1], 160):
        audio.add(PlayoutFrame(heard[:, n : n + 160], 6 * n), 8000, 10.0)

    playout.rewind(audio.unheard(HeardUntil(samples=3000)))
    playout.restart(20.0)
    rest = polled(playout, 20.0, 3.0)

    np.testing.assert_array_equal(rest[:, : 16000 - 3000], RAMP[:, 3000:])
    assert not rest[:, 13000:].any()


def test_audio_moves_to_another_format_with_a_pause_and_its_position():
    playout, other = Playout(8000, 1), Playout(16000, 1)
    playout.push(8000, RAMP)
    first = polled(playout, 10.0, 0.5)
    playout.pause(10.5)
    assert playout.format != other.format

    playout.move_to(other, 11.0)

    assert other.paused
    assert other.pushed_s == 2.0
    assert not playout.has_audio
    left_s = 2.0 - first.shape[1] / 8000
    assert other.queued_s == pytest.approx(left_s, abs=0.001)
    other.resume(12.0)
    assert polled(other, 12.0, 0.1)[0, 0] == pytest.approx(first[0, -1] + 1, abs=5)
