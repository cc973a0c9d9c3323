import numpy as np

from fastrtc.recording.track import MAX_AHEAD_S, RATE, SampleTrack, Span


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


def test_what_is_silent_in_a_span_is_known_without_its_samples() -> None:
    track = SampleTrack()
    track.place_all(2, [values(1, 2), values(3)[np.newaxis]], 3)
    track.place_all(5, (), 4)  # silence
    track.place(8, values(8, 9))
    assert track.end == 10
    first, second = track.read(4), track.read(9)
    assert (first.stretches, second.stretches) == ([(2, 4)], [(0, 1), (4, 5)])
    assert track.read(20).stretches == [(0, 1)]
    assert Span.from_samples(values(0, 0)).stretches == []


def test_a_part_of_a_span_is_as_in_the_whole() -> None:
    track = SampleTrack()
    track.place_all(1, [values(1, 2, 3), values(4), values(5, 6)[np.newaxis]], 6)
    track.place(3, values(7))  # over what was there
    span = track.read(9)
    parts = {(begin, end): span.part(begin, end) for begin in range(9) for end in range(begin, 10)}
    assert span.samples.tolist() == [0, 1, 2, 7, 4, 5, 6, 0, 0]
    for (begin, end), part in parts.items():
        assert part.tolist() == span.samples[begin:end].tolist() == span.part(begin, end).tolist()


def test_silence_that_is_too_far_ahead_is_dropped_as_other_audio_is() -> None:
    track = SampleTrack()
    most = track.room(0)
    assert track.place_fitting(most - 2, values(0, 0, 0), silent=True) == (False, 1)
    assert track.place_fitting(most - 3, values(0, 0), silent=True) == (True, 0)
    assert track.end == most
