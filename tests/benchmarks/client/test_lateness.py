"""How late frames are, and how many sessions to try next."""

import pytest

from benchmarks.client.lateness import Lateness, Timetable, following, late_share


def test_frames_are_late_by_what_the_soonest_one_was_not():
    timetable = Timetable()
    late = [timetable.late(*each) for each in ((10.05, 0.0), (10.02, 0.02), (10.24, 0.04))]
    assert late == pytest.approx([0.0, 0.0, 0.2])


def test_a_timetable_that_restarts_takes_the_delay_of_then_for_granted():
    timetable = Timetable()
    timetable.late(10.0, 0.0)
    timetable.restart()
    assert timetable.late(12.0, 0.0) == 0


def test_histograms_of_several_processes_add_up():
    both, other = Lateness(), Lateness()
    for _ in range(98):
        both.note(0.0005)
    other.note(0.0999)
    other.note(0.100)
    both.add(Lateness(other.counts))
    assert both.on_time == 99
    assert both.percentile(50) == 0
    assert both.percentile(99) == 99
    assert both.percentile(100) == 100


def test_nothing_has_no_percentile_and_is_never_on_time():
    assert Lateness().percentile(99) == 0
    assert Lateness().on_time == 0


def test_what_is_late_and_what_is_missing_count_alike():
    lateness = Lateness({0: 90, 150: 5})
    assert late_share(lateness, 100) == pytest.approx(0.1)
    assert late_share(lateness, 50) == pytest.approx(5 / 95), "some were sent before"
    assert late_share(Lateness(), 0) == 1, "nothing was sent, so nothing was on time"


def search(ceiling: int, within: int) -> list[int]:
    held, failed, tried = 0, None, []
    while (count := following(held, failed, first=8, growth=1.5, within=within)) != held:
        tried.append(count)
        if count <= ceiling:
            held = count
        else:
            failed = count
    return tried


def test_the_search_grows_until_it_fails_and_then_closes_in():
    assert search(30, within=2) == [8, 12, 18, 27, 40, 33, 30, 31]


@pytest.mark.parametrize("ceiling", range(0, 60, 7))
def test_the_search_ends_within_what_was_asked_for(ceiling):
    held = max((count for count in search(ceiling, within=1) if count <= ceiling), default=0)
    assert held == ceiling
