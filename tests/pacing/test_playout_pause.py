"""Pausing a playout, resuming it with the next sample, and lowering its volume."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastrtc.pacing.playout import Playout, PlayoutFrame, PlayoutOptions

from .player import FRAME, Player, ramp, voiced

SOCKET = PlayoutOptions(lead_s=0.16, tail_s=0.0)
CHUNKS = PlayoutOptions(lead_s=0.16, tail_s=0.0, whole_chunks=True)


def paused(player: Player, at: float, seconds: float, *, held: bool = False) -> None:
    """Play until a time, pause, and resume."""
    player.run(at)
    player.playout.pause(player.now, held=held)
    player.run(player.now + seconds)
    player.playout.resume(player.now)


def sounding(player: Player) -> np.ndarray:
    """What was sent, without the frames of silence."""
    loud = [frame.samples for _, frame in player.sent if frame.samples.any()]
    return np.concatenate(loud, axis=1)[0]


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0.001, 3)), max_size=6),
    st.sampled_from([PlayoutOptions(), SOCKET, CHUNKS]),
    st.booleans(),
)
def test_no_sample_is_lost_or_sent_twice(pauses, options, held):
    player = Player(Playout(48000, 1, options))
    for k in range(30):
        player.playout.push(48000, ramp(2400, 1 + 2400 * k))
    for after, seconds in pauses:
        paused(player, player.now + after, seconds, held=held)
    player.finish()
    expected = np.concatenate([ramp(2400, 1 + 2400 * k) for k in range(30)])
    assert voiced(sounding(player)).tolist() == expected.tolist()


def test_only_silence_is_sent_in_a_pause_and_rtp_time_moves_on():
    player = Player()
    player.playout.push(48000, ramp(48000))
    paused(player, 100.5, 2.0)
    player.finish()
    sent = [(time, frame) for time, frame in player.sent if 100.5 < time < 102.5]
    assert len(sent) == 10 and not any(frame.samples.any() for _, frame in sent)
    behind = [time - frame.pts / 48000 for time, frame in player.sent]
    assert behind == pytest.approx([100.0] * len(behind), abs=0.02)
    assert sum(player.loud) == 50


def test_the_queue_counts_as_before_and_playback_is_not_over():
    player = Player()
    player.playout.push(48000, ramp(48000))
    player.run(100.5)
    player.playout.pause(player.now)
    before = player.playout.queued_s
    player.run(110)
    assert player.idle
    assert player.playout.paused and player.playout.playing and player.playout.has_audio
    assert player.playout.queued_s == before == pytest.approx(0.5, abs=0.03)
    player.playout.end()
    player.run(120)
    assert player.playout.has_audio


def test_audio_pushed_in_a_pause_follows_it():
    player = Player()
    player.playout.push(48000, ramp(FRAME))
    player.run(100.001)
    player.playout.pause(player.now)
    player.playout.push(48000, ramp(FRAME, 1 + FRAME))
    player.run(105)
    assert sum(player.loud) == 1
    player.playout.resume(player.now)
    player.finish()
    assert sounding(player).tolist() == ramp(2 * FRAME).tolist()


def test_a_reply_that_begins_in_a_pause_waits():
    player = Player()
    player.playout.pause(player.now)
    player.playout.push(48000, ramp(FRAME))
    player.run(101)
    assert player.idle and not player.sent
    player.playout.resume(player.now)
    player.finish()
    assert player.times[0] == 101


def test_a_pause_after_the_end_of_a_reply_lets_it_end():
    player = Player()
    player.playout.push(48000, ramp(FRAME))
    player.playout.end()
    player.run(100.1)
    player.playout.pause(player.now)
    player.run(101)
    assert player.idle and not player.playout.playing
    assert len(player.sent) == 11


def test_a_clear_ends_a_pause():
    player = Player()
    player.playout.push(48000, ramp(48000))
    player.playout.duck(20)
    player.run(100.1)
    player.playout.pause(player.now)
    player.run(101)
    player.playout.clear()
    assert not player.playout.paused
    player.run(101.5)
    assert player.idle and not player.playout.playing
    player.sent.clear()
    player.playout.push(48000, np.full(FRAME, 8000, np.int16))
    player.finish()
    assert player.sent[0][1].samples.min() == 8000


def test_pausing_twice_and_resuming_twice_change_nothing():
    player = Player(Playout(48000, 1, SOCKET))
    player.playout.push(48000, ramp(48000))
    player.playout.resume(player.now)
    player.run(100.2)
    player.playout.pause(player.now, held=True)
    player.run(100.6)
    player.playout.pause(player.now)
    player.run(101.2)
    player.playout.resume(player.now)
    player.playout.resume(player.now + 5)
    player.finish()
    assert player.now > 101.2 and player.times[-1] == pytest.approx(102 - 0.02 - 0.16, abs=0.021)


def test_a_client_that_holds_its_audio_has_it_still_when_it_resumes():
    player = Player(Playout(48000, 1, SOCKET))
    player.playout.push(48000, ramp(48000))
    player.run(100.5)
    ahead = player.playout.ahead_s(player.now)
    assert ahead == pytest.approx(0.16, abs=0.021)
    player.playout.pause(player.now, held=True)
    player.run(103)
    assert player.playout.ahead_s(player.now) == ahead
    player.playout.resume(player.now)
    assert player.playout.ahead_s(player.now) == pytest.approx(ahead)
    player.finish()
    between = np.diff(player.times)
    assert between.max() == pytest.approx(2.5, abs=0.021)


def test_a_client_that_plays_on_gets_new_audio_at_once():
    player = Player(Playout(48000, 1, SOCKET))
    player.playout.push(48000, ramp(48000))
    player.run(100.5)
    player.playout.pause(player.now)
    player.run(100.55)
    assert player.playout.ahead_s(player.now) == pytest.approx(0.11, abs=0.021)
    player.run(103)
    assert player.playout.ahead_s(player.now) == 0
    player.sent.clear()
    player.playout.resume(player.now)
    player.run(103.001)
    assert len(player.sent) == 9  # of 20 ms: what it has to have ahead


def test_frames_that_the_client_has_dropped_are_sent_again():
    player = Player(Playout(48000, 1, SOCKET))
    player.playout.push(48000, ramp(30 * FRAME))
    player.run(100.201)
    sent = [frame.samples for _, frame in player.sent]
    player.playout.pause(player.now)
    player.playout.put_back(np.concatenate(sent[10:], axis=1), player.now)
    assert player.playout.ahead_s(player.now) == 0
    assert player.playout.queued_s == pytest.approx(20 * 0.02)
    player.run(102)
    player.sent = player.sent[:10]
    player.playout.resume(player.now)
    player.finish()
    assert player.samples[0].tolist() == ramp(30 * FRAME).tolist()


def test_a_lower_volume_begins_with_the_next_frame_and_ends_with_one():
    player = Player()
    player.playout.push(48000, np.full(48000, 16000, np.int16))
    player.run(100.2)
    player.playout.duck(20)
    player.run(100.6)
    player.playout.duck(None)
    player.run(102)
    samples = player.samples[0].astype(int)
    assert samples[round(0.4 * 48000)] == 1600
    assert samples[round(0.7 * 48000)] == 16000
    assert np.abs(np.diff(samples[: 48000 - FRAME])).max() < 20
    assert isinstance(player.sent[0][1], PlayoutFrame)
