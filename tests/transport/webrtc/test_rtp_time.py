from __future__ import annotations

import pytest

from fastrtc.transport.webrtc.rtp_time import MAX_DISTANCE_S, distance_of_report, rtp_distance


@pytest.mark.parametrize(
    ("start", "end", "distance"),
    [
        (5, 5, 0),
        (100, 160, 60),
        (160, 100, -60),
        (2**32 - 10, 20, 30),
        (20, 2**32 - 10, -30),
        (3 * 2**32 + 20, 50, 30),  # extended beyond 32 bits
    ],
)
def test_the_distance_is_the_shorter_way_around(start, end, distance):
    assert rtp_distance(start, end) == distance


def test_a_report_far_from_the_media_is_of_another_stream():
    clock, most = 48_000, round(MAX_DISTANCE_S * 48_000)
    assert distance_of_report(2**32 - 100, most - 100, clock) == most
    assert distance_of_report(2**32 - 100, most - 99, clock) is None
    assert distance_of_report(most, 0, clock) == -most
    assert distance_of_report(7, 7 + 2**31, clock) is None
