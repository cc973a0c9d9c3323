import dataclasses
from typing import Any

import pytest

from fastrtc.core.limits import Limits, RateLimit

NUMBERS = [field for field in dataclasses.fields(Limits) if not isinstance(field.default, bool)]


@pytest.mark.parametrize("field", NUMBERS, ids=lambda field: field.name)
@pytest.mark.parametrize("value", [0, -1, "5", None, True])
def test_a_limit_is_a_positive_number(field: Any, value: Any):
    with pytest.raises(ValueError, match=f"Limits: {field.name} must be a positive"):
        Limits(**{field.name: value})


@pytest.mark.parametrize("value", [0, 1, None, "no"])
def test_a_switch_is_a_bool(value: Any):
    assert Limits(private_candidates=False).private_candidates is False
    with pytest.raises(ValueError, match="Limits: private_candidates must be a bool"):
        Limits(private_candidates=value)


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


def test_what_is_refused_is_not_counted():
    rate = RateLimit(per_s=10, burst_s=1)
    assert sum(rate.allows(0.0) for _ in range(1000)) == 10
    assert sum(rate.allows(1 + k / 100) for k in range(1000)) == pytest.approx(110, abs=2)


def test_one_may_count_as_many():
    rate = RateLimit(per_s=10, burst_s=1)
    assert rate.allows(0.0, 9) and not rate.allows(0.0, 2) and rate.allows(0.0, 0.5)
    assert not rate.allows(100.0, 11)
