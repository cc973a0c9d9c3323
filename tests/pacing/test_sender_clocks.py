"""The audio that was captured with a picture, by what the sender reports."""

import pytest

from fastrtc.pacing.sender_clocks import REPORTS, SenderClocks

NTP = 3_970_000_000 << 32
"""A day in 2025."""


def ntp(seconds: float) -> int:
    return NTP + round(seconds * 2**32)


def both(clocks: SenderClocks, at_s: float, *, step_s: float = 0.0) -> None:
    """Reports of a peer whose audio has RTP time 500 at the time 0, and whose video has 20."""
    clocks.report("audio", ntp(at_s + step_s), 500 + at_s)
    clocks.report("video", ntp(at_s + step_s), 20 + at_s)


def test_pictures_and_audio_of_one_moment() -> None:
    clocks = SenderClocks()
    assert clocks.audio_time(20.0) is None
    clocks.report("audio", ntp(0.0), 500.0)
    assert clocks.audio_time(20.0) is None
    clocks.report("video", ntp(1.0), 21.0)
    assert clocks.audio_time(20.0) == pytest.approx(500.0, abs=1e-6)
    assert clocks.audio_time(45.0) == pytest.approx(525.0, abs=1e-6)


def test_a_sender_without_a_clock() -> None:
    clocks = SenderClocks()
    clocks.report("audio", 0, 500.0)
    clocks.report("video", 0, 20.0)
    clocks.report("video", ntp(0.0), 20.0)
    assert clocks.audio_time(20.0) is None


def test_jitter_of_the_reports_is_evened_out() -> None:
    clocks = SenderClocks()
    for n in range(REPORTS):
        clocks.report("audio", ntp(n), 500 + n)
        clocks.report("video", ntp(n + (0.08 if n % 3 == 0 else 0.0)), 20 + n)
    assert clocks.audio_time(20.0) == pytest.approx(500.0, abs=1e-6)


def test_a_drift_is_followed() -> None:
    """The clock of the microphone is 100 ppm fast; after an hour that is 0.36 s."""
    clocks = SenderClocks()
    for second in range(0, 3600, 5):
        clocks.report("audio", ntp(second), 500 + second * 1.0001)
        clocks.report("video", ntp(second), 20 + second)
    assert clocks.audio_time(20 + 3600) == pytest.approx(500 + 3600 * 1.0001, abs=0.005)


def test_a_clock_that_was_set_counts_once_both_streams_agree_on_it() -> None:
    clocks = SenderClocks()
    for second in range(5):
        both(clocks, second)
    clocks.report("audio", ntp(5.0 + 3600), 505.0)
    assert clocks.audio_time(20.0) is None
    clocks.report("video", ntp(5.0 + 3600), 25.0)
    assert clocks.audio_time(20.0) is None
    both(clocks, 6.0, step_s=3600)
    assert clocks.audio_time(20.0) == pytest.approx(500.0, abs=1e-6)


def test_a_single_wrong_report_misplaces_nothing() -> None:
    clocks = SenderClocks()
    both(clocks, 0.0)
    clocks.report("video", ntp(77.0), 21.0)
    for second in range(1, 4):
        found = clocks.audio_time(20.0)
        assert found is None or found == pytest.approx(500.0, abs=1e-6)
        both(clocks, second)
    assert clocks.audio_time(20.0) == pytest.approx(500.0, abs=1e-6)


def test_reports_of_two_streams_in_turn_are_never_used() -> None:
    clocks = SenderClocks()
    both(clocks, 0.0)
    for second in range(1, 20):
        clocks.report("audio", ntp(second), 500 + second)
        clocks.report("video", ntp(second), (20 if second % 2 else 9000) + second)
        assert second == 1 or clocks.audio_time(20.0) is None
