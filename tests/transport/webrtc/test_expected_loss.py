"""FEC follows the loss that the client reports: at once up, slowly down."""

import pytest

from fastrtc.transport.webrtc.expected_loss import MAX_PERCENT, ExpectedLoss


def test_without_loss_there_is_no_fec() -> None:
    expected = ExpectedLoss()
    assert expected.percent == 0
    assert [expected.report(0.0) for _ in range(5)] == [0] * 5
    assert expected.report(0.004) == 0


@pytest.mark.parametrize("percent", [1, 5, 20])
def test_it_rises_with_the_first_report(percent: int) -> None:
    assert ExpectedLoss().report(percent / 100) == percent


def test_it_falls_slowly_when_the_loss_ends() -> None:
    expected = ExpectedLoss()
    expected.report(0.2)
    falling = [expected.report(0.0) for _ in range(12)]
    assert falling == sorted(falling, reverse=True)
    assert falling[0] >= 14 and falling[4] >= 3
    assert falling[-1] == 0


def test_a_report_without_loss_by_chance_changes_little() -> None:
    expected = ExpectedLoss()
    reported = [expected.report(0.1 if k % 2 else 0.0) for k in range(20)]
    assert min(reported[2:]) >= 7 and max(reported) == 10


@pytest.mark.parametrize("fraction", [0.5, 1.0, 7.0])
def test_it_is_bounded(fraction: float) -> None:
    expected = ExpectedLoss()
    assert expected.report(fraction) == MAX_PERCENT
    for _ in range(15):
        expected.report(0.0)
    assert expected.percent == 0
