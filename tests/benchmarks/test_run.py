"""Which cases a command line chooses."""

import pytest

from benchmarks.run import choose, main, parse
from benchmarks.workloads import WORKLOADS

CASES = [(workload.name, case.name) for workload in WORKLOADS for case in workload.cases]
LONG = {
    (workload.name, case.name) for workload in WORKLOADS for case in workload.cases if case.long
}


def chosen(*arguments: str) -> list[tuple[str, str]]:
    options = parse(list(arguments))
    jobs = choose(options.only, options.full)
    return [(job.workload.name, job.case.name) for job in jobs]


def test_the_default_is_all_but_the_long_cases():
    assert chosen() == [case for case in CASES if case not in LONG]
    assert LONG, "there is nothing for --full"


def test_full_is_everything():
    assert chosen("--full") == CASES


def test_a_workload_that_is_named_runs_alone_and_without_its_long_cases():
    assert chosen("--only", "echo") == [
        case for case in CASES if case[0] == "echo" and case not in LONG
    ]


def test_a_workload_with_only_long_cases_runs_them_when_it_is_named():
    assert chosen("--only", "soak") == [case for case in CASES if case[0] == "soak"]


def test_a_case_that_is_named_runs_even_if_it_is_long():
    assert chosen("--only", "websocket/1 session, 600 s") == [("websocket", "1 session, 600 s")]


def test_full_makes_a_named_workload_whole():
    assert chosen("--only", "echo", "--full") == [case for case in CASES if case[0] == "echo"]


def test_a_name_that_there_is_not_is_an_error_that_tells_the_others():
    with pytest.raises(SystemExit, match=r"ecco: there are startup, .*echo"):
        chosen("--only", "echo", "--only", "ecco")


def test_minutes_and_sessions_change_only_what_lasts_for_minutes():
    jobs = choose(["soak", "echo"], False, {"minutes": 0.5, "sessions": 68})
    options = {job.workload.name: job.case.options for job in jobs}
    assert "minutes" not in options["echo"] and options["echo"]["sessions"] != 68
    assert (options["soak"]["minutes"], options["soak"]["sessions"]) == (0.5, 68)
    (unset,) = choose(["soak/WebRTC, async"], False, {"minutes": None, "sessions": None})
    assert unset.case.options == {"minutes": 10}


def test_names_of_cases_are_unique():
    assert len(CASES) == len(set(CASES))


def test_list_names_every_case_and_says_which_need_full(capsys):
    assert main(["--list"]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    for name in CASES:
        assert (f"{name[1]}  (--full)" if name in LONG else name[1]) in lines
