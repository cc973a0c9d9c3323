import numpy as np

from fastrtc.recording.track import MAX_AHEAD_S, RATE, SampleTrack


def values(*samples: int) -> np.ndarray:
    return np.array(samples, np.int16)


def test_samples_are_read_from_where_they_were_placed() -> None:
    track = SampleTrack()
    track.place(3, values(1, 2))
    track.place(5, values(3))
    track.place(9, values(9))
    assert track.read(7).samples.tolist() == [0, 0, 0, 1, 2, 3, 0]
    track.place(5, values(4, 5, 6, 7))  # of which two are late
    assert track.read(12).samples.tolist() == [6, 7, 9, 0, 0]
    assert track.read(12).samples.tolist() == []
    assert (track.read_to, track.end) == (12, 10)


def test_what_is_cut_is_silence() -> None:
    track = SampleTrack()
    track.place(0, values(1, 2, 3, 4, 5))
    track.read(2)
    assert track.cut(3).tolist() == [4, 5]
    assert track.end == 3
    assert track.cut(9).tolist() == []
    assert track.cut(0).tolist() == [3]  # what was read stays
    track.place(4, values(7))
    assert track.read(6).samples.tolist() == [0, 0, 7, 0]


def test_long_audio_and_positions_out_of_reach() -> None:
    track = SampleTrack()
    sound = (np.arange(10 * RATE) % 30_000).astype(np.int16)
    track.place(5, sound)
    most = round(MAX_AHEAD_S * RATE)
    assert (track.room(most - 2), track.room(most + 1)) == (2, 0)
    assert not track.place(most + 6, values(1)), "a clock that is wrong"
    heard = [track.read(stop).samples for stop in range(RATE, 11 * RATE + 1, RATE)]
    assert np.array_equal(np.concatenate(heard)[5 : 5 + len(sound)], sound)
    assert not np.concatenate(heard)[5 + len(sound) :].any()
