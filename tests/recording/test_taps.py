from math import inf

import numpy as np
import pytest

from fastrtc.pacing.taps import Source
from fastrtc.recording.baseline import DelayBaseline
from fastrtc.recording.events import (
    Confirmed,
    Cut,
    Held,
    Picture,
    Played,
    Received,
    Released,
    Restored,
    TakenBack,
)
from fastrtc.recording.taps import MAX_EVENTS, DelayTap, PictureTaps, Taps

SAMPLES = np.zeros((1, 480), np.int16)


def test_media_time_is_that_of_rtp_or_the_number_of_samples() -> None:
    now = [5.0]
    taps = Taps(lambda: now[0], DelayBaseline())
    taps.received(48_000, SAMPLES, None)
    taps.skipped(0.5)
    taps.received(24_000, SAMPLES, None)
    taps.received(24_000, SAMPLES, None)
    now[0] = 6.0
    taps.received(24_000, SAMPLES, Source(700.0, b"packet"))
    taps.received(24_000, SAMPLES[:, :240], Source(700.02, b"of 10 ms"))
    taps.received(24_000, np.zeros((2, 480), np.int16), Source(700.03, b"stereo"))
    events = taps.take()
    assert all(isinstance(event, Received) for event in events)
    assert [(*event[:3], event[5]) for event in events] == [
        (0.0, False, 5.0, b""),
        (0.51, False, 5.0, b""),
        (0.53, False, 5.0, b""),
        (700.0, True, 6.0, b"packet"),
        (700.02, True, 6.0, b"of 10 ms"),
        (700.03, True, 6.0, b"stereo"),
    ]
    assert taps.take() == []


def test_the_delay_is_known_before_and_while_audio_is_recorded() -> None:
    now, delays = [105.0], DelayBaseline()
    before, during = DelayTap(lambda: now[0], delays), Taps(lambda: now[0], delays)
    assert delays.recent(now[0]) == inf
    before.skipped(3.0)
    before.received(24_000, SAMPLES, None)
    assert delays.recent(now[0]) == inf
    before.received(24_000, SAMPLES, Source(3.0, b""))
    assert delays.recent(now[0]) == pytest.approx(102.0 - 480 / 24_000)
    now[0] = 106.0
    during.received(24_000, SAMPLES, Source(4.3, b""))
    during.received(24_000, SAMPLES, None)
    during.received(24_000, SAMPLES, Source(4.1, b""))
    during.take()
    assert delays.recent(now[0]) == pytest.approx(101.7 - 480 / 24_000)
    assert delays.recent(now[0] + 30) == inf
    delays.reset()
    assert delays.recent(now[0]) == inf


def test_the_least_delay_counts_however_long_packets_are() -> None:
    now, delays = [100.0], DelayBaseline()
    taps = Taps(lambda: now[0], delays)
    taps.received(48_000, SAMPLES, Source(5.0, b""))  # 10 ms
    taps.received(16_000, SAMPLES, Source(4.99, b""))  # 30 ms, sent at its end
    taps.received(48_000, SAMPLES, Source(4.98, b""))
    taps.take()
    assert delays.recent(now[0]) == pytest.approx(94.98)


def test_the_delay_of_media_that_were_replaced_is_forgotten() -> None:
    now, delays = [100.0], DelayBaseline()
    taps = Taps(lambda: now[0], delays)
    taps.received(48_000, SAMPLES, Source(90.0, b""))
    delays.reset()
    taps.forget_delay()
    taps.received(48_000, SAMPLES, Source(5.0, b""))
    assert len(taps.take()) == 2
    assert delays.recent(now[0]) == pytest.approx(94.99)


def test_a_packet_belongs_to_the_audio_that_was_sent_last() -> None:
    taps = Taps(lambda: 5.0, DelayBaseline())
    taps.encoded(b"of nothing")
    for samples, packet in ((SAMPLES, b"first"), (SAMPLES, b""), (SAMPLES[:, :240], b"of 10 ms")):
        taps.played(5.0, 24_000, samples, catches_up=True)
        if packet:
            taps.encoded(packet)
    events = taps.take()
    taps.encoded(b"late")
    assert [event.packet for event in events if isinstance(event, Played)] == [
        b"first",
        b"",
        b"of 10 ms",
    ]
    assert taps.take() == []


def test_the_other_events_and_their_bound() -> None:
    taps = Taps(lambda: 7.0, DelayBaseline())
    taps.played(6.9, 48_000, SAMPLES, catches_up=True)
    taps.confirmed(0.3)
    taps.cut(0.2)
    taps.taken_back(0.1)
    taps.restored(0.05)
    taps.held()
    taps.released()
    pictures = PictureTaps(taps, "played", lambda: 8.0)
    pictures.picture("frame", 3.5)
    pictures.picture("frame", None)
    pictures.picture("frame", 3.6, 900.5)
    assert taps.take() == [
        Played(6.9, 7.0, True, 48_000, SAMPLES),
        Confirmed(0.3),
        Cut(7.0, 0.2),
        TakenBack(0.1),
        Restored(0.05),
        Held(7.0),
        Released(7.0),
        Picture("played", 3.5, 8.0, "frame"),
        Picture("played", 8.0, 8.0, "frame"),
        Picture("played", 3.6, 8.0, "frame", 900.5),
    ]
    for _ in range(MAX_EVENTS + 5):
        taps.held()
    assert len(taps.take()) == MAX_EVENTS
