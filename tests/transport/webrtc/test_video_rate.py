"""The bit rate of video falls with loss, and never exceeds the client's estimate."""

import pytest

from fastrtc.transport.webrtc.video_rate import MIN_BIT_RATE, VideoRate

AVAILABLE = 1_000_000


def test_without_loss_it_is_what_is_available() -> None:
    rate = VideoRate(AVAILABLE)
    assert [rate.report(0.0) for _ in range(3)] == [AVAILABLE] * 3
    assert rate.estimate(800_000) == 800_000
    assert rate.estimate(1_200_000) == 1_200_000


@pytest.mark.parametrize("loss", [0.02, 0.05, 0.1])
def test_some_loss_changes_nothing(loss: float) -> None:
    rate = VideoRate(AVAILABLE)
    assert rate.report(loss) == AVAILABLE
    lower = rate.report(0.3)
    assert rate.report(loss) == lower


def test_it_falls_with_each_report_of_more_than_a_tenth() -> None:
    rate = VideoRate(AVAILABLE)
    assert rate.report(0.2) == 900_000
    assert rate.report(0.2) == 810_000
    assert [rate.report(1.0) for _ in range(5)][-1] == MIN_BIT_RATE


def test_it_recovers_slowly_to_what_is_available() -> None:
    rate = VideoRate(AVAILABLE)
    for _ in range(20):
        rate.report(0.5)
    rising = [rate.report(0.0) for _ in range(40)]
    assert rising == sorted(rising)
    assert rising[0] == round(1.05 * MIN_BIT_RATE)
    assert rising[20] < AVAILABLE == rising[-1]


def test_an_estimate_bounds_it_whatever_the_loss() -> None:
    rate = VideoRate(AVAILABLE)
    rate.report(0.2)
    assert rate.estimate(500_000) == 500_000
    assert rate.estimate(2_000_000) == 900_000
    assert rate.estimate(10) == MIN_BIT_RATE
