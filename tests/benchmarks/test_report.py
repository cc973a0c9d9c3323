"""The table and its JSON, from figures made up."""

import json

import pytest

from benchmarks.harness import Job, Result
from benchmarks.report import as_json, from_json, table
from benchmarks.workloads.base import Case, Goal, Metric, Workload, find

FACTS = {
    "date": "2026-11-21 12:00 UTC",
    "machine": "a machine",
    "others": {"median": 0.1, "max": 0.2},
    "minutes": 14.6,
    "rounds": 2,
    "loop": "asyncio",
    "versions": {"fastrtc": {"python": "3.11.7"}},
}


def result(goal: Goal | None = None, **samples: list[float]) -> Result:
    workload = Workload(
        "made-up",
        "of this test",
        (Case("a case", "echo-async", goals={"delay": goal} if goal else {}),),
        (Metric("delay", "ms", 0, row=4),),
    )
    return Result(
        Job(workload, workload.cases[0]),
        {name: [{"delay": value} for value in values] for name, values in samples.items()},
        {name: [0.0 for _ in values] for name, values in samples.items()},
    )


def row(made: Result) -> list[str]:
    (line,) = (line for line in table(FACTS, [made]).splitlines() if "a case" in line)
    return line.split()


def test_a_row_has_medians_ranges_ratios_and_the_row_of_the_quality_page():
    made = result(fastrtc=[10, 30], reference=[80], aiortc=[40])
    assert " ".join(row(made)) == "a case delay, ms 4 20 (10-30) 80 40 0.25 0.50"


def test_what_was_not_measured_is_a_dash_and_has_no_ratio():
    assert " ".join(row(result(fastrtc=[10], reference=[80]))) == "a case delay, ms 4 10 80 - 0.12"


@pytest.mark.parametrize(
    ("goal", "verdict"),
    [
        (Goal(20), "<= 20 ok"),
        (Goal(5), "<= 5 MISSED"),
        (Goal(5, times_aiortc=0.5), "<= 5 or 0.5 x aiortc ok, scaled"),
        (Goal(times_reference=0.1), "<= 0.1 x ref MISSED"),
        (Goal(11, at_least=True), ">= 11 MISSED"),
    ],
)
def test_a_goal_is_shown_with_whether_it_is_reached(goal, verdict):
    made = row(result(goal, fastrtc=[10], reference=[80], aiortc=[40]))
    assert " ".join(made).endswith(f"0.12 0.25 {verdict}")


def test_a_row_that_other_processes_disturbed_says_so():
    made = result(fastrtc=[10])
    made.others["fastrtc"] = [1.5]
    assert row(made)[-1] == "(disturbed)"


def test_what_failed_is_in_the_table_with_its_reason_below():
    made = result(fastrtc=[10])
    made.errors["reference"] = "it did not start"
    text = table(FACTS, [made])
    assert "failed" in text
    assert text.endswith("made-up/a case, reference: it did not start")


def test_the_head_tells_the_machine_the_time_taken_and_the_rounds():
    head = table(FACTS, [result(fastrtc=[10])])
    assert head.startswith("2026-11-21 12:00 UTC, a machine\n")
    assert "at most 2 rounds, asyncio event loop, 15 minutes in all" in head


def real() -> Result:
    workload = find("connect")
    sample = {metric.name: 12.5 for metric in workload.metrics}
    return Result(
        Job(workload, workload.cases[0]),
        {"fastrtc": [sample, sample]},
        {"fastrtc": [0.1, 0.2]},
        {"fastrtc": [9.0, 9.5]},
        {"reference": "gave up"},
    )


def test_json_holds_every_round_and_gives_the_same_table_again():
    written = json.loads(json.dumps(as_json(FACTS, [real()])))
    (entry,) = written["results"]
    assert entry["rows"] == {"answer": 16, "connected": 16}
    assert len(entry["samples"]["fastrtc"]) == 2
    facts, results = from_json(written)
    assert facts == FACTS
    assert results == [real()]
    assert table(facts, results) == table(FACTS, [real()])


def test_json_of_a_case_that_is_gone_is_left_out():
    written = as_json(FACTS, [real()])
    written["results"][0]["case"] = "of long ago"
    assert from_json(written) == (FACTS, [])
    written["results"][0]["workload"] = "of long ago"
    assert from_json(written) == (FACTS, [])
