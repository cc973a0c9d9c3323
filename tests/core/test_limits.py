import dataclasses
from typing import Any

import pytest

from fastrtc.core.limits import Limits, RateLimit


@pytest.mark.parametrize("field", dataclasses.fields(Limits), ids=lambda field: field.name)
@pytest.mark.parametrize("value", [0, -1, "5", None, True])
def test_a_limit_is_a_positive_number(field: Any, value: Any):
    with pytest.raises(ValueError, match=f"Limits: {field.name} must be a positive"):
        Limits(**{field.name: value})


def test_only_times_may_be_fractions():
    assert Limits(start_within_s=0.5).start_within_s == 0.5
    with pytest.raises(ValueError, match="pixels must be a positive integer"):
        Limits(pixels=0.5)  # type: ignore[arg-type]


def test_whoever_keeps_to_the_rate_is_never_early():
    rate = RateLimit(per_s=50, burst_s=1)
    assert not any(rate.take(k / 50) for k in range(1000))


def test_a_burst_passes_and_what_is_beyond_it_is_early_by_its_share():
    rate = RateLimit(per_s=10, burst_s=2)
    assert [rate.take(100.0) for _ in range(20)] == [pytest.approx(0)] * 20
    assert rate.take(100.0) == pytest.approx(0.1)
    assert rate.take(100.0) == pytest.approx(0.2)


def test_whoever_waits_as_long_as_it_is_told_keeps_to_the_rate():
    rate, now, count = RateLimit(per_s=100, burst_s=0.5), 0.0, 0
    while now < 10:
        now += rate.take(now)
        count += 1
    assert count == pytest.approx(10 * 100 + 50, abs=2)


def test_a_pause_gives_back_no_more_than_the_burst():
    rate = RateLimit(per_s=10, burst_s=1)
    rate.take(0.0)
    assert sum(rate.take(1000.0) <= 1e-9 for _ in range(100)) == 10
