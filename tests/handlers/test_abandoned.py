"""Threads that are still blocked when their connection has ended: counted, named, reported."""

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fastrtc.handlers import abandoned as module
from fastrtc.handlers.abandoned import AbandonedThreads, read_reports


@pytest.fixture
def blocked(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Two threads of one connection and one of another, which end when the event is set."""
    monkeypatch.setattr(module, "GRACE_S", 0.0)
    go = threading.Event()
    names = ("fastrtc-a:emit", "fastrtc-a:emit-reply", "fastrtc-ab:emit")
    threads = [threading.Thread(target=wait_for, args=(go,), name=name) for name in names]
    for thread in threads:
        thread.start()
    yield go
    go.set()
    for thread in threads:
        thread.join()


def wait_for(event: threading.Event) -> None:
    event.wait()


def test_those_of_the_connection_are_counted_while_they_run(
    blocked: threading.Event, tmp_path: Path
) -> None:
    threads = AbandonedThreads(tmp_path)
    assert threads.add("fastrtc-a:")
    assert len(threads) == 2
    assert not threads.add("fastrtc-c:")
    blocked.set()
    for thread in threading.enumerate():
        if thread.name.startswith("fastrtc-a"):
            thread.join()
    assert len(threads) == 0


def test_one_in_its_last_call_is_not_counted(
    blocked: threading.Event, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GRACE_S", 60.0)
    threads = AbandonedThreads(tmp_path)
    assert threads.add("fastrtc-a:")
    assert len(threads) == 0


def test_each_is_logged_once_with_its_place(
    blocked: threading.Event, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    threads = AbandonedThreads(tmp_path)
    threads.add("fastrtc-a:")
    with caplog.at_level(logging.WARNING):
        threads.look()
        threads.look()
    assert len(caplog.records) == 2
    assert "fastrtc-a:emit is still blocked" in caplog.text
    assert f"{__file__}:" in caplog.text
    assert "in wait_for" in caplog.text


def test_a_process_reports_them_until_they_have_ended(
    blocked: threading.Event, tmp_path: Path
) -> None:
    threads = AbandonedThreads(tmp_path)
    threads.add("fastrtc-a:")
    threads.look()
    (report,) = read_reports(tmp_path)
    assert report.pid == os.getpid()
    assert [one.name for one in report.threads] == ["fastrtc-a:emit", "fastrtc-a:emit-reply"]
    assert all(one.place.endswith("in wait_for") for one in report.threads)
    blocked.set()
    for thread in threading.enumerate():
        if thread.name.startswith("fastrtc-a"):
            thread.join()
    threads.look()
    assert read_reports(tmp_path) == []


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"pid": "x", "threads": []}', "\x00"])
def test_a_report_that_cannot_be_read_is_passed_over(content: str, tmp_path: Path) -> None:
    (tmp_path / "1.json").write_text(content)
    assert read_reports(tmp_path) == []


def test_a_report_of_a_process_that_has_ended_is_passed_over(tmp_path: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"],
        capture_output=True,
        text=True,
        check=True,
    )
    pid = int(process.stdout)
    report = f'{{"pid": {pid}, "command": "", "threads": []}}'
    (tmp_path / f"{pid}.json").write_text(report)
    assert read_reports(tmp_path) == []


def test_a_disk_that_cannot_be_written_costs_only_the_report(
    blocked: threading.Event, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    threads = AbandonedThreads(tmp_path / "file")
    threads.add("fastrtc-a:")
    threads.look()
    assert len(threads) == 2
