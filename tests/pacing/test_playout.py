from __future__ import annotations

import array
import ctypes
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastrtc.audio.converter import AudioConverter
from fastrtc.core.errors import HandlerError
from fastrtc.pacing.playout import LIVE_AHEAD_S, Playout, PlayoutFrame, PlayoutOptions

from .player import FRAME, Player, ramp, tone, voiced

EPSILON = 1e-6


def test_nothing_while_idle():
    playout = Playout()
    assert [playout.poll(now) for now in (0.0, 1.0, 3600.0)] == [None] * 3
    assert not playout.playing
    assert not playout.has_audio
    assert playout.queued_s == 0


def test_a_frame_every_20_ms():
    player = Player()
    player.playout.push(48000, ramp(48000))
    player.finish()
    assert np.diff(player.times) == pytest.approx(0.02)
    assert np.diff(player.pts).tolist() == [FRAME] * (len(player.pts) - 1)
    assert player.times[0] == 100.0
    assert player.pts[0] == 0
    assert all(frame.samples.shape == (1, FRAME) for _, frame in player.sent)
    assert all(frame.samples.dtype == np.int16 for _, frame in player.sent)
    assert player.samples[0, :48000].tolist() == ramp(48000).tolist()


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 48000])
def test_frames_have_the_rate_that_is_wanted(rate):
    player = Player(Playout(rate, 1))
    player.playout.push(24000, tone(24000, 0.5))
    player.finish()
    assert {frame.samples.shape for _, frame in player.sent} == {(1, rate // 50)}
    assert np.diff(player.pts).tolist() == [rate // 50] * (len(player.pts) - 1)
    assert sum(player.loud) == 25


def test_asked_too_early_it_says_when():
    playout = Playout()
    playout.push(48000, ramp(2 * FRAME))
    assert isinstance(playout.poll(5.0), PlayoutFrame)
    assert playout.poll(5.0) == playout.poll(5.01) == pytest.approx(5.02)
    assert isinstance(playout.poll(5.02), PlayoutFrame)


@pytest.mark.parametrize("n", [1, 100, 959])
def test_the_first_frame_goes_at_once_with_silence_before_it(n):
    playout = Playout()
    playout.push(48000, ramp(n))
    frame = playout.poll(0.0)
    assert isinstance(frame, PlayoutFrame)
    assert not frame.samples[0, : FRAME - n].any()
    assert frame.samples[0, FRAME - n :].tolist() == ramp(n).tolist()


def test_a_reply_shorter_than_a_frame_that_has_ended_is_filled_up_at_its_end():
    playout = Playout()
    playout.push(48000, ramp(100))
    playout.end()
    frame = playout.poll(0.0)
    assert isinstance(frame, PlayoutFrame)
    assert frame.samples[0, :100].tolist() == ramp(100).tolist()
    assert not frame.samples[0, 100:].any()


def test_the_first_frame_of_a_resampled_echo_goes_at_once():
    playout = Playout()
    playout.push(24000, tone(24000, 0.02))
    assert isinstance(playout.poll(0.0), PlayoutFrame)


@pytest.mark.parametrize("rate", [24000, 48000])
@pytest.mark.parametrize("jitter", [0.0, 0.005, 0.03])
def test_a_live_echo_loses_nothing_and_gathers_nothing(rate, jitter):
    rng = random.Random(1)
    count, size = 500, rate // 50
    signal = ramp(count * size) if rate == 48000 else tone(rate, count * 0.02, 300)
    pushes = [
        (100 + k * 0.02 + rng.uniform(0, jitter), (rate, signal[k * size : (k + 1) * size]))
        for k in range(count)
    ]
    player = Player()
    queued: list[float] = []
    for k, push in enumerate(pushes):
        player.run(push[0] - EPSILON)
        player.run(push[0], [push])
        if k:
            queued.append(player.playout.queued_s)
    player.finish()
    assert max(queued) <= jitter + 0.021
    assert np.diff(player.pts).tolist() == [FRAME] * (len(player.pts) - 1)
    lag = max(t - (100 + k * 0.02) for k, t in enumerate(player.times[:count]))
    assert lag <= jitter + EPSILON
    if rate == 48000:
        assert voiced(player.samples[0]).tolist() == signal.tolist()
    else:
        assert voiced(player.samples[0]).size == pytest.approx(count * FRAME, abs=100)


def test_a_late_producer_within_grace_leaves_no_gap():
    player = Player()
    player.run(101, [(100, (48000, ramp(FRAME))), (100.075, (48000, ramp(FRAME, 961)))])
    assert player.pts[:2] == [0, FRAME]
    assert player.times[:2] == pytest.approx([100, 100.075])
    assert player.samples[0, : 2 * FRAME].tolist() == ramp(2 * FRAME).tolist()


def test_what_came_late_is_made_up_for():
    late = [(100.07, (48000, ramp(FRAME, 1 + k * FRAME))) for k in range(1, 6)]
    player = Player()
    player.run(101, [(100, (48000, ramp(FRAME))), *late])
    assert player.times[:6] == pytest.approx([100, 100.07, 100.07, 100.07, 100.08, 100.1])
    assert player.pts[:6] == [k * FRAME for k in range(6)]


def test_after_grace_the_reply_is_over_and_time_moves_on():
    player = Player()
    player.run(102, [(100, (48000, ramp(FRAME))), (101, (48000, ramp(FRAME, 961)))])
    first, second = (k for k, loud in enumerate(player.loud) if loud)
    assert (first, second) == (0, 11)
    assert player.times[1] == pytest.approx(100.08)  # grace
    assert player.times[second] == pytest.approx(101)
    assert player.pts[second] == 48000


def test_ten_silent_frames_follow_a_reply_and_then_nothing():
    player = Player()
    player.playout.push(48000, ramp(5 * FRAME))
    player.finish()
    assert player.loud == [True] * 5 + [False] * 10
    assert np.diff(player.times) == pytest.approx(0.02)
    assert not player.playout.playing
    assert player.playout.poll(player.now + 3600) is None


def test_silence_after_a_reply_that_did_not_say_it_ended_is_as_even():
    player = Player()
    player.playout.push(48000, ramp(5 * FRAME))
    player.run(110)
    assert player.loud == [True] * 5 + [False] * 10
    assert np.diff(player.times[5:]) == pytest.approx(0.02)
    assert player.times[5] == pytest.approx(100.1 + 0.06)
    assert np.diff(player.pts).tolist() == [FRAME] * 4 + [round(0.08 * 48000)] + [FRAME] * 9
    assert player.idle


def test_audio_that_comes_in_the_silence_is_sent_with_its_next_frame():
    player = Player()
    player.run(110, [(100, (48000, ramp(FRAME))), (100.13, (24000, tone(24000, 0.02)))])
    loud = [k for k, loud in enumerate(player.loud) if loud]
    assert loud[1] <= 5
    assert player.times[loud[1]] - 100.13 < 0.02
    # and the frames that follow are not behind it
    assert np.diff(player.times[loud[1] : loud[1] + 2]) <= 0.06 + 0.02 + EPSILON


def test_an_echo_that_begins_in_the_silence_is_not_later_than_another():
    player = Player()
    echo = [(100.13 + k * 0.02, (24000, tone(24000, 0.02))) for k in range(20)]
    player.run(100.5, [(100, (48000, ramp(FRAME))), *echo])
    loud = [player.times[k] for k, loud in enumerate(player.loud) if loud][1:]
    assert loud[0] - 100.13 < 0.02
    assert loud[1:15] == pytest.approx([at for at, _ in echo][1:15])  # when their audio comes


def test_rtp_time_moves_on_over_a_pause():
    player = Player()
    player.playout.push(48000, ramp(FRAME))
    player.finish()
    player.now = 400.0
    player.playout.push(48000, ramp(FRAME))
    player.finish()
    again = player.loud.index(True, 1)
    assert player.pts[again] == 300 * 48000
    assert np.diff(player.pts).min() >= FRAME


def test_end_sends_what_the_resampler_holds_in_the_same_reply():
    reply = tone(24000, 0.1)
    player = Player()
    player.playout.push(24000, reply)
    player.finish()
    assert voiced(player.samples[0]).size == pytest.approx(4800, abs=50)
    assert not player.playout.has_audio
    before = len(player.sent)

    player.now += 10
    player.playout.push(48000, np.zeros(FRAME, np.int16))  # nothing of the old reply is in this
    player.finish()
    assert not any(player.loud[before:])


def test_the_rest_is_sent_too_when_nobody_says_that_the_reply_ended():
    player = Player()
    player.playout.push(24000, tone(24000, 0.1))
    player.run(110)
    before = len(player.sent)
    player.playout.push(48000, np.zeros(FRAME, np.int16))
    player.finish()
    assert not any(player.loud[before:])


def test_clear_drops_everything_but_the_silence():
    player = Player()
    player.playout.push(24000, tone(24000, 10))
    player.run(100.1)
    sent = len(player.sent)
    player.playout.clear()
    assert player.playout.queued_s == 0
    assert not player.playout.has_audio
    assert player.playout.playing
    player.run(200)
    assert player.loud[sent:] == [False] * 10
    assert np.diff(player.times) == pytest.approx(0.02)
    assert player.idle

    player.playout.push(48000, np.zeros(FRAME, np.int16))
    player.finish()
    assert not any(player.loud[sent:])  # nothing was left in the resampler


def test_clear_while_nothing_is_sent():
    playout = Playout()
    playout.push(48000, ramp(FRAME))
    playout.clear()
    assert playout.poll(0.0) is None


def test_audio_after_clear_is_a_new_reply():
    player = Player()
    player.playout.push(48000, ramp(48000))
    player.run(100.1)
    player.playout.clear()
    player.playout.push(48000, np.full(FRAME, 7, np.int16))
    sent = len(player.sent)
    player.finish()
    assert voiced(player.samples[0, sent * FRAME :]).tolist() == [7] * FRAME


def test_the_first_stereo_chunk_makes_it_stereo():
    player = Player()
    player.playout.push(48000, ramp(FRAME + 100))
    player.run(100.0)
    player.playout.push(48000, np.stack([ramp(FRAME), -ramp(FRAME)]))
    player.playout.push(48000, ramp(FRAME))
    player.finish()
    shapes = [frame.samples.shape for _, frame in player.sent]
    assert shapes == [(1, FRAME)] + [(2, FRAME)] * (len(shapes) - 1)
    left, right = np.concatenate([frame.samples for _, frame in player.sent[1:]], axis=1)
    assert voiced(left).tolist() == [*ramp(100, FRAME + 1), *ramp(FRAME), *ramp(FRAME)]
    assert voiced(right).tolist() == [*ramp(100, FRAME + 1), *-ramp(FRAME), *ramp(FRAME)]


def test_becoming_stereo_loses_nothing_of_the_resampler():
    player = Player()
    player.playout.push(24000, tone(24000, 0.5))
    player.playout.push(24000, np.stack([tone(24000, 0.5)] * 2))
    player.finish()
    left = np.concatenate([frame.samples[0] for _, frame in player.sent])
    assert voiced(left).size == pytest.approx(48000, abs=100)


def test_stereo_is_mixed_where_all_must_be_mono():
    player = Player(Playout(most_channels=1))
    player.playout.push(48000, np.stack([np.full(FRAME, 100), np.full(FRAME, 300)]).astype("int16"))
    player.finish()
    assert player.samples[0, :FRAME].tolist() == [200] * FRAME


def test_interleaved_stereo():
    player = Player()
    packed = np.stack([ramp(FRAME), -ramp(FRAME)], axis=1).reshape(1, -1)
    player.playout.push(48000, packed, "stereo")
    player.finish()
    assert player.samples[:, :FRAME].tolist() == [ramp(FRAME).tolist(), (-ramp(FRAME)).tolist()]


def test_rates_may_change_within_a_reply():
    player = Player()
    rates = [24000, 16000, 48000, 8000, 44100, 24000]
    for rate in rates:
        player.playout.push(rate, tone(rate, 0.5))
    player.finish()
    assert voiced(player.samples[0]).size == pytest.approx(len(rates) * 24000, abs=200)
    assert np.diff(player.pts).tolist() == [FRAME] * (len(player.pts) - 1)


RATES = (8000, 12000, 16000, 24000)


@pytest.mark.parametrize(
    ("given", "sent"),
    [(8000, 8000), (11025, 12000), (16000, 16000), (22050, 24000), (24000, 24000), (44100, 48000)],
)
def test_the_lowest_rate_that_holds_what_was_pushed(given, sent):
    player = Player(Playout(lower_rates=RATES))
    player.playout.push(given, tone(given, 0.5))
    player.finish()
    assert {frame.samples.shape for _, frame in player.sent} == {(1, sent // 50)}
    assert np.diff(player.pts).tolist() == [FRAME] * (len(player.pts) - 1)
    assert voiced(player.samples[0]).size == pytest.approx(sent / 2, abs=sent // 100)


def test_the_rate_goes_up_without_losing_anything_and_not_down_again():
    player = Player(Playout(lower_rates=RATES))
    rates = [16000, 24000, 48000, 8000]
    for rate in rates:
        player.playout.push(rate, tone(rate, 0.5))
    player.finish()
    sizes = [frame.samples.shape[1] for _, frame in player.sent]
    assert sizes == sorted(sizes)
    assert set(sizes) == {320, 480, 960}
    assert sum(player.loud) == pytest.approx(100, abs=1)
    assert player.playout.queued_s == 0
    for size in set(sizes):  # what was converted is still the tone
        frames = [f.samples[0] for _, f in player.sent if f.samples.shape[1] == size]
        heard = np.concatenate(frames[2:20]).astype(float)
        spectrum = np.abs(np.fft.rfft(heard * np.hanning(heard.size)))
        assert np.argmax(spectrum) * size * 50 / heard.size == pytest.approx(1000, abs=5)


def test_time_goes_on_in_samples_of_the_highest_rate():
    player = Player(Playout(lower_rates=RATES, options=PlayoutOptions(tail_s=0.0)))
    player.run(103.0, [(100.0, (24000, tone(24000, 0.02))), (102.0, (24000, tone(24000, 0.02)))])
    assert player.pts[-1] - player.pts[0] == pytest.approx(2 * 48000, abs=FRAME)


@pytest.mark.parametrize(
    "samples",
    [
        np.full(FRAME, 0.5),
        np.full(FRAME, 0.5, np.float32),
        np.full(FRAME, 0.5, np.float16),
        np.full(FRAME, 1 << 30, np.int32),
        np.full(FRAME, 192, np.uint8),
        np.full(FRAME, 1 << 14, np.int16),
        np.full((1, FRAME), 1 << 14, np.int16),
        np.full((FRAME, 1), 1 << 14, np.int16),
        [0.5] * FRAME,
    ],
    ids=lambda samples: f"{getattr(samples, 'dtype', 'list')}",
)
def test_any_real_samples(samples):
    playout = Playout()
    playout.push(48000, samples)
    frame = playout.poll(0.0)
    assert isinstance(frame, PlayoutFrame)
    assert np.abs(frame.samples.astype(int) - (1 << 14)).max() <= 1


@pytest.mark.parametrize("rate", [np.int64(48000), np.uint16(48000), 48000])
def test_any_integer_rate(rate):
    playout = Playout()
    playout.push(rate, ramp(FRAME))
    assert playout.queued_s == pytest.approx(0.02)


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(FRAME, np.complex64),
        np.zeros(FRAME, bool),
        np.array([object()] * FRAME),
        np.array(["a"] * FRAME),
        np.zeros((1, 2, FRAME), np.int16),
        np.zeros((5, FRAME), np.int16),
        np.int16(3),
        None,
        "audio",
        [[1, 2], [3]],
    ],
    ids=["complex", "bool", "object", "text", "3-D", "5 rows", "scalar", "none", "word", "ragged"],
)
def test_what_is_no_audio_is_refused_where_it_is_pushed(samples):
    playout = Playout()
    with pytest.raises(HandlerError, match="This is not audio"):
        playout.push(48000, samples)
    assert playout.queued_s == 0
    assert playout.poll(0.0) is None


TONE = tone(48000, 0.1)
UNIT = TONE / 32768


class Tensor:
    """An array of another library."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return self.values


# The same tone, by what it is given as; the tolerance is that of the coarsest, 8 bits.
FORMS = {
    "int16": TONE,
    "int8": (TONE >> 8).astype(np.int8),
    "uint8": ((TONE >> 8) + 128).astype(np.uint8),
    "uint16": (TONE.astype(np.int32) + 32768).astype(np.uint16),
    "int32 with 16-bit values": TONE.astype(np.int32),
    "int32 with 32-bit values": TONE.astype(np.int32) << 16,
    "int64 with 16-bit values": TONE.astype(np.int64),
    "int64 with 32-bit values": TONE.astype(np.int64) << 16,
    "int64 with 64-bit values": TONE.astype(np.int64) << 48,
    "float16": UNIT.astype(np.float16),
    "float32": UNIT.astype(np.float32),
    "float64": UNIT,
    "longdouble": UNIT.astype(np.longdouble),
    "float32 with 16-bit values": TONE.astype(np.float32),
    "float64 with 16-bit values": TONE * 1.0,
    "big-endian int16": TONE.astype(">i2"),
    "big-endian float32": UNIT.astype(">f4"),
    "Python's integers": TONE.tolist(),
    "Python's floats": UNIT.tolist(),
    "rows of integers": [TONE.tolist()],
    "numbers of both types": [0.0, *TONE.tolist()[1:]],
    "a tuple": tuple(TONE.tolist()),
    "array('h')": array.array("h", TONE.tolist()),
    "array('f')": array.array("f", UNIT.tolist()),
    "array('B')": array.array("B", TONE.tobytes()),
    "bytes": TONE.tobytes(),
    "np.bytes_": np.bytes_(TONE.tobytes()),
    "bytearray": bytearray(TONE.tobytes()),
    "a memoryview of bytes": memoryview(TONE.tobytes()),
    "a memoryview of every second byte pair": memoryview(np.repeat(TONE, 2))[::2],
    "a memoryview of int16": memoryview(TONE),
    "a memoryview of float32": memoryview(UNIT.astype(np.float32)),
    "c_int16": (ctypes.c_int16 * TONE.size)(*TONE.tolist()),
    "read-only": np.frombuffer(TONE.tobytes(), np.int16),
    "not contiguous": np.repeat(TONE, 2)[::2],
    "backwards": TONE[::-1].copy()[::-1],
    "Fortran's order": np.asfortranarray(TONE[np.newaxis]),
    "a column": TONE[:, np.newaxis],
    "a subclass of ndarray": TONE.view(type("Sub", (np.ndarray,), {})),
    "an array of another library": Tensor(UNIT.astype(np.float32)),
}


@pytest.mark.parametrize("samples", FORMS.values(), ids=FORMS.keys())
def test_every_form_of_samples_is_the_same_sound(samples):
    player = Player()
    player.playout.push(48000, samples)
    player.finish()
    played = player.samples[0, : TONE.size].astype(int)
    assert np.abs(played - TONE).max() <= 256
    assert not player.samples[0, TONE.size :].any()


def chunks_of(*parts: np.ndarray) -> list[list[int]]:
    """What is played of chunks that were pushed one after another."""
    player = Player()
    for part in parts:
        player.playout.push(48000, part)
    player.finish()
    ends = np.cumsum([part.size for part in parts])
    return [piece.tolist() for piece in np.split(player.samples[0], ends)[: len(parts)]]


QUIET = np.array([-100, 100] * FRAME)


@pytest.mark.parametrize(
    ("loud", "quiet", "expected"),
    [
        (np.full(FRAME, 2**30, np.int32), QUIET.astype(np.int32), -1),
        (np.full(FRAME, 2**30, np.int64), QUIET.astype(np.int64), -1),
        (np.full(FRAME, 16000.0), QUIET / 10, -10),
    ],
    ids=["int32", "int64", "float"],
)
def test_what_is_full_scale_in_a_reply_is_so_in_its_quiet_parts(loud, quiet, expected):
    _, played = chunks_of(loud, quiet)
    assert min(played) == expected  # and not noise


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_what_is_full_scale_is_found_anew_for_each_reply(dtype):
    for end in (Player.finish, lambda player: player.playout.clear()):
        player = Player()
        player.playout.push(48000, np.full(FRAME, 2**30, dtype))
        end(player)
        player.sent.clear()
        player.playout.push(48000, QUIET.astype(dtype))
        player.finish()
        assert player.samples.min() == -100


def test_a_sum_in_64_bits_that_is_too_loud_is_clipped():
    ((first, second, *_),) = chunks_of(np.array([40000, -40000] * FRAME))
    assert (first, second) == (32767, -32768)


@pytest.mark.parametrize("rate", [-1, 0, 48000.5, "48000", None, True, 10**6, 2**40, 1e6])
def test_rates_that_are_none_are_refused(rate):
    with pytest.raises(HandlerError, match="sample rate"):
        Playout().push(rate, ramp(FRAME))


def test_layouts_that_are_none_are_refused():
    with pytest.raises(HandlerError, match="layout"):
        Playout().push(48000, ramp(FRAME), "surround")
    with pytest.raises(HandlerError, match="even number"):
        Playout().push(48000, ramp(3), "stereo")


@pytest.mark.parametrize("empty", [[], np.zeros((1, 0), np.int16), np.zeros((2, 0), np.float32)])
def test_no_samples_are_nothing(empty):
    playout = Playout()
    playout.push(48000, np.asarray(empty))
    assert playout.poll(0.0) is None


def test_the_producer_may_use_its_array_again():
    samples = ramp(3 * FRAME)
    player = Player()
    player.playout.push(48000, samples)
    samples[:] = 0
    player.finish()
    assert player.samples[0, : 3 * FRAME].tolist() == ramp(3 * FRAME).tolist()


def test_after_a_long_stall_the_schedule_moves_on():
    playout = Playout()
    playout.push(48000, ramp(48000 * 2))
    assert isinstance(playout.poll(0.0), PlayoutFrame)
    frame = playout.poll(2.0)  # 1.98 s late
    assert isinstance(frame, PlayoutFrame)
    assert frame.pts == 2 * 48000
    assert frame.samples[0, 0] == FRAME + 1  # no sample is lost
    assert playout.poll(2.0) == pytest.approx(2.02)  # and no burst follows


def test_a_stall_leaves_no_delay_in_a_live_echo():
    """The process stands still for 0.5 s; what came meanwhile is pushed when it goes on."""
    player = Player()
    chunk = np.full((1, FRAME), 3000, np.int16)
    for k in range(50):
        player.run(player.now, [(player.now, (48000, chunk))])
        player.run(100.0 + 0.02 * (k + 1) - 0.001)
        player.now = 100.0 + 0.02 * (k + 1)
    player.now += 0.5
    for _ in range(25):  # one after the other, as they are read from the socket
        player.run(player.now + 0.0002, [(player.now, (48000, chunk))])
    assert len(player.sent) >= 74  # all but what is not yet due
    assert player.playout.queued_s < 0.03
    assert np.diff(player.pts).tolist() == [FRAME] * (len(player.pts) - 1)


def test_a_reply_made_ahead_of_time_is_played_whole():
    player = Player()
    player.playout.push(48000, np.zeros((1, 48000 * 20), np.int16))
    player.playout.push(48000, ramp(48000))
    player.finish()
    assert len(player.sent) == 21 * 50 + 10


def test_a_short_stall_is_made_up_for():
    player = Player()
    player.playout.push(48000, ramp(48000))
    player.run(100.1)
    player.now = 100.25
    player.finish()
    assert np.diff(player.pts).tolist() == [FRAME] * (len(player.pts) - 1)
    assert player.times[30] == pytest.approx(100.6)


def test_a_stall_in_the_silence_is_a_pause():
    player = Player()
    player.playout.push(48000, ramp(FRAME))
    player.playout.end()
    player.run(100.1)
    player.now = 150.0
    player.run(200)
    assert player.loud == [True] + [False] * 10
    assert max(np.diff(player.pts)) == pytest.approx(50 * 48000, abs=48000 * 0.15)


def test_what_is_queued_is_told_exactly_over_a_long_run():
    playout = Playout()
    rng = random.Random(2)
    now, pushed, sent = 0.0, 0.0, 0
    for _ in range(1500):
        rate = rng.choice([8000, 24000, 44100, 48000])
        n = rng.randint(1, rate // 10)
        playout.push(rate, np.ones(n, np.int16))
        pushed += n / rate
        while playout.queued_s > 1.0:
            action = playout.poll(now)
            if isinstance(action, PlayoutFrame):
                sent += 1
            else:
                now = action
    assert playout.queued_s == pytest.approx(pushed - sent * 0.02, abs=0.02)
    playout.end()
    while (action := playout.poll(now)) is not None:
        now = action if isinstance(action, float) else now
    assert playout.queued_s == 0.0


def test_a_long_chunk_is_converted_in_pieces():
    playout = Playout()
    playout.push(24000, tone(24000, 60))
    assert playout.queued_s == pytest.approx(60)
    playout.poll(0.0)
    assert playout.queued_s == pytest.approx(59.98, abs=0.01)


def test_options_are_kept():
    player = Player(Playout(options=PlayoutOptions(grace_s=0.5, tail_s=0.04, resync_s=1)))
    player.run(110, [(100, (48000, ramp(FRAME))), (100.4, (48000, ramp(FRAME)))])
    assert player.loud == [True, True, False, False]
    assert player.pts[:2] == [0, FRAME]


def whole() -> Player:
    options = PlayoutOptions(lead_s=0.16, tail_s=0.0, piece_s=1.0, whole_chunks=True)
    return Player(Playout(24000, 1, options))


def sizes(player: Player) -> list[int]:
    return [frame.samples.shape[1] for _, frame in player.sent]


def test_each_chunk_leaves_whole_when_the_audio_before_it_is_played():
    player = whole()
    for n in (2400, 12000, 480, 24, 24000):
        player.playout.push(24000, ramp(n))
    player.run(102.0)
    assert sizes(player) == [2400, 12000, 480, 24, 24000]
    assert player.times == pytest.approx([100, 100, 100.44, 100.46, 100.461], abs=EPSILON)
    assert player.pts == [0, 2400, 14400, 14880, 14904]
    assert player.idle and not player.playout.playing  # no silence follows


def test_a_chunk_of_over_a_second_leaves_second_by_second():
    player = whole()
    player.playout.push(24000, ramp(60000))
    player.run(103.0)
    assert sizes(player) == [24000, 24000, 12000]
    assert player.times == pytest.approx([100, 100.84, 101.84], abs=EPSILON)
    assert np.array_equal(player.samples[0], ramp(60000))


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
def test_chunks_of_another_rate_join_to_the_whole(rate):
    player = whole()
    for part in np.array_split(tone(rate, 3.1), [rate // 50, rate // 10, 2 * rate]):
        player.playout.push(rate, part)
    player.run(104.0)
    # one each, of them two cut at 1 s, and at the end what the resampler has held back
    assert len(player.sent) == 4 + 2 + 1
    at_once = AudioConverter(24000, 1)
    expected = np.concatenate([at_once.convert(rate, tone(rate, 3.1)), at_once.flush()], axis=1)
    assert np.array_equal(player.samples, expected)
    assert player.samples.shape[1] == round(24000 * 3.1)


def test_whole_chunks_of_mixed_kinds():
    player = whole()
    player.playout.push(24000, ramp(2400))
    player.playout.push(48000, np.zeros((2, 4800), np.float32))
    player.playout.push(8000, np.zeros(1, np.int16))
    player.playout.push(24000, ramp(2400))
    player.playout.end()
    player.run(101.0)
    assert sum(sizes(player)) == 2400 + 2400 + 3 + 2400
    assert np.array_equal(player.samples[0, -2400:], ramp(2400))


def test_a_live_echo_of_whole_chunks_goes_at_once():
    player = whole()
    pushes = [(100 + 0.02 * k, (24000, ramp(480))) for k in range(100)]
    player.run(103.0, pushes)
    assert sizes(player) == [480] * 100
    assert player.times == pytest.approx([at for at, _ in pushes], abs=EPSILON)


def test_what_a_client_cannot_drop_counts_as_sent_ahead_after_a_clear():
    player = whole()
    player.playout.push(24000, ramp(48000))
    player.run(100.1)
    assert sizes(player) == [24000]
    player.playout.clear()
    player.playout.push(24000, ramp(480))
    player.run(100.1)
    assert player.playout.ahead_s(100.1) == pytest.approx(0.9, abs=EPSILON)
    player.run(102)
    assert sizes(player) == [24000, 480]
    assert player.times[1] == pytest.approx(100.84, abs=EPSILON)


chunks = st.lists(
    st.tuples(st.integers(1, 5000), st.floats(0, 0.05), st.booleans()), min_size=1, max_size=40
)


@given(chunks)
def test_however_it_is_cut_every_sample_comes_once_and_in_order(chunks):
    """48 kHz int16 mono; some chunks come late, after some the reply ends."""
    player = Player()
    start = 1
    expected = []
    for n, wait, ends in chunks:
        samples = ramp(n, start)
        player.playout.push(48000, samples)
        expected += samples.tolist()
        start += n
        if ends:
            player.playout.end()
        player.run(player.now + wait)
    player.finish()
    heard = player.samples[0]
    assert heard[heard != 0].tolist() == expected
    assert all(np.diff(player.pts) >= FRAME)
    assert player.loud[-10:] == [False] * 10
    assert all(np.diff(player.times) >= 0)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([8000, 16000, 44100, 48000]),
            st.integers(1, 3000),
            st.sampled_from(["int16", "float32", "uint8"]),
            st.sampled_from([1, 2]),
        ),
        min_size=1,
        max_size=10,
    )
)
def test_whatever_is_pushed_as_much_comes_out(chunks):
    playout = Playout()
    player = Player(playout)
    seconds = 0.0
    for rate, n, dtype, channels in chunks:
        playout.push(rate, np.ones((channels, n + 2), dtype))
        seconds += (n + 2) / rate
    player.finish()
    frames = len(player.sent) - 10
    assert seconds - 0.001 <= frames * 0.02 <= seconds + 0.021 + 0.001 * len(chunks)


def played(
    pushes: list[tuple[float, int]], options: PlayoutOptions, *, eager: bool
) -> list[tuple[float, int, bytes]]:
    """All that is sent by a sender that looks at each push, or only where it is awaited."""
    playout = Playout(options=options)
    sent: list[tuple[float, int, bytes]] = []
    now, due = 0.0, None

    def poll() -> float | None:
        while isinstance(action := playout.poll(now), PlayoutFrame):
            sent.append((now, action.pts, action.samples.tobytes()))
        return action

    for at, n in [*pushes, (pushes[-1][0] + 100, 0)]:
        while due is not None and due <= at:
            now = due
            due = poll()
        now = at
        playout.push(48000, ramp(n))
        if eager or playout.waits_for_audio:
            due = poll()
    assert not playout.playing
    return sent


@given(
    st.lists(st.tuples(st.floats(0, 0.05), st.integers(1, 3000)), min_size=1, max_size=30),
    st.sampled_from([0.0, 0.16]),
)
def test_a_push_that_is_not_waited_for_changes_nothing(steps, lead_s):
    now, pushes = 0.0, []
    for wait, n in steps:
        now += wait
        pushes.append((now, n))
    options = PlayoutOptions(lead_s=lead_s)
    assert played(pushes, options, eager=False) == played(pushes, options, eager=True)


def test_audio_is_waited_for_where_it_could_leave_now():
    playout = Playout()
    assert playout.poll(0.0) is None and playout.waits_for_audio
    playout.push(48000, ramp(FRAME))
    assert isinstance(playout.poll(0.0), PlayoutFrame)
    late_at = 0.02 + playout.options.grace_s
    assert playout.poll(0.0) == late_at and playout.waits_for_audio
    assert playout.poll(0.02) == late_at and playout.waits_for_audio  # late, within grace


def test_audio_that_comes_late_is_not_looked_for_before():
    playout = Playout()
    playout.push(48000, ramp(FRAME))
    assert isinstance(playout.poll(0.0), PlayoutFrame)
    assert isinstance(playout.poll(0.02), float) and playout.waits_for_audio
    playout.push(48000, ramp(FRAME))
    assert isinstance(playout.poll(0.025), PlayoutFrame)

    assert playout.poll(0.025) == 0.04 + playout.options.grace_s and playout.waits_for_audio
    playout.push(48000, ramp(FRAME))
    assert isinstance(playout.poll(0.04), PlayoutFrame)
    assert playout.poll(0.04) == 0.06 + playout.options.grace_s and playout.waits_for_audio


@pytest.mark.parametrize("late", [0.0, 0.01, 0.015])
def test_audio_of_a_live_echo_is_sent_when_it_comes(late):
    player = Player()
    came = [100.0 + late] + [100.0 + k * 0.02 - 0.003 * (k % 2) for k in range(1, 50)]
    player.run(101.5, [(at, (48000, ramp(FRAME))) for at in came])
    assert player.times[:50] == pytest.approx(came, abs=EPSILON)
    assert np.diff(player.pts[:50]) == pytest.approx(FRAME)


def test_audio_that_is_made_too_fast_is_a_frame_ahead_at_most():
    player = Player()
    player.run(105.0, [(100.0 + k * 0.016, (48000, ramp(FRAME))) for k in range(250)])
    early = [100.0 + k * 0.02 - at for k, at in enumerate(player.times[:250])]
    assert 0.01 < max(early) <= LIVE_AHEAD_S + EPSILON
    assert min(early) >= -EPSILON
    assert max(np.diff(player.times[:250])) <= 0.04 + EPSILON


def test_what_is_queued_is_sent_at_its_time():
    player = Player()
    player.run(100.5, [(100.0 + k * 0.1, (48000, ramp(5 * FRAME))) for k in range(5)])
    assert player.times[:25] == pytest.approx([100.0 + k * 0.02 for k in range(25)], abs=EPSILON)


def ahead(**options: float) -> Player:
    return Player(Playout(24000, 1, PlayoutOptions(lead_s=0.16, tail_s=0.0, **options)))


def test_audio_may_leave_ahead_of_its_time_but_no_further():
    player = ahead()
    player.playout.push(24000, np.ones(24000, np.int16))
    player.run(100.0)
    assert len(player.sent) == 9  # 160 ms ahead, and the frame of this moment
    player.run(100.5)
    assert len(player.sent) == 9 + 25
    assert player.playout.ahead_s(100.5) == pytest.approx(0.18, abs=EPSILON)
    assert player.playout.playing


def test_it_is_over_when_what_was_sent_ahead_has_been_played():
    player = ahead()
    player.playout.push(24000, np.ones(2400, np.int16))
    player.playout.end()
    player.run(100.09)
    assert len(player.sent) == 5 and player.playout.playing
    player.run(100.11)
    assert not player.playout.playing and player.playout.ahead_s(100.11) == 0


def test_after_a_clear_nothing_counts_as_sent_ahead():
    player = ahead()
    player.playout.push(24000, np.ones(24000, np.int16))
    player.run(100.1)
    player.playout.clear()
    assert player.playout.ahead_s(100.1) == 0
    before = len(player.sent)
    player.playout.push(24000, np.ones(24000, np.int16))
    player.run(100.1)
    assert len(player.sent) - before == 9  # as much as at the beginning


def test_without_a_lead_nothing_is_ahead():
    player = Player()
    player.playout.push(48000, np.ones(4800, np.int16))
    player.run(100.05)
    assert player.playout.ahead_s(100.05) == 0
