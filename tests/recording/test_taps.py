import numpy as np

from fastrtc.recording.events import Cut, Held, Picture, Received, Released, Restored, TakenBack
from fastrtc.recording.taps import MAX_EVENTS, PictureTaps, Taps

SAMPLES = np.zeros((1, 480), np.int16)


def test_media_time_is_that_of_rtp_or_the_number_of_samples() -> None:
    now = [5.0]
    taps = Taps(lambda: now[0])
    taps.received(48_000, SAMPLES)
    taps.skipped(0.5)
    taps.received(24_000, SAMPLES)
    taps.received(24_000, SAMPLES)
    taps.at(700.0)
    now[0] = 6.0
    taps.received(24_000, SAMPLES)
    events = taps.take()
    assert all(isinstance(event, Received) for event in events)
    assert [(e.media_s, e.timed, e.arrival_s) for e in events if isinstance(e, Received)] == [
        (0.0, False, 5.0),
        (0.51, False, 5.0),
        (0.53, False, 5.0),
        (700.0, True, 6.0),
    ]
    assert taps.take() == []


def test_the_other_events_and_their_bound() -> None:
    taps = Taps(lambda: 7.0)
    taps.cut(0.2)
    taps.taken_back(0.1)
    taps.restored(0.05)
    taps.held()
    taps.released()
    pictures = PictureTaps(taps, "played", lambda: 8.0)
    pictures.picture("frame", 3.5)
    pictures.picture("frame", None)
    assert taps.take() == [
        Cut(7.0, 0.2),
        TakenBack(0.1),
        Restored(0.05),
        Held(7.0),
        Released(7.0),
        Picture("played", 3.5, 8.0, "frame"),
        Picture("played", 8.0, 8.0, "frame"),
    ]
    for _ in range(MAX_EVENTS + 5):
        taps.held()
    assert len(taps.take()) == MAX_EVENTS
