"""Real time without waits for a CPU."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from fastrtc.testing import cpu_wait
from fastrtc.testing.cpu_wait import BlockedThread, CpuWait, computed_ns


def test_time_passes_while_a_thread_sleeps() -> None:
    real = CpuWait(lambda: [threading.get_native_id()])
    began = real.time()
    time.sleep(0.1)
    assert real.recent_time() - began > 0.05


def test_the_waits_of_threads_are_subtracted(tmp_path: Path, monkeypatch: Any) -> None:
    def waits(**seconds: float) -> None:
        for thread, waited in seconds.items():
            (tmp_path / thread).mkdir(exist_ok=True)
            (tmp_path / thread / "schedstat").write_text(f"5 {round(waited * 1e9)} 7\n")

    now = [100.0]
    monkeypatch.setattr(cpu_wait, "TASKS", str(tmp_path))
    monkeypatch.setattr(cpu_wait, "_real_time", lambda: now[0])
    threads = ["a", "b"]
    waits(a=50.0, b=60.0)
    real = CpuWait(lambda: threads)  # type: ignore[arg-type, return-value]
    began = real.time()
    now[0] += 10
    waits(a=51.0, b=60.5)
    assert real.time() - began == pytest.approx(8.5)
    threads[:] = ["b", "c"]
    now[0] += 5
    waits(c=4.0)  # since it was started
    assert real.time() - began == pytest.approx(9.5)
    now[0] += 1
    waits(b=60.75, c=4.5)
    assert real.recent_time() - began == pytest.approx(9.75)
    waits(c=5.0)
    assert real.recent_time() - began == pytest.approx(9.75)  # measured just now
    now[0] += 1
    waits(b=63.0, c=6.0)  # at the same time: it does not go back
    assert real.recent_time() - began == pytest.approx(9.75)


def test_the_time_that_a_thread_has_computed(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(cpu_wait, "TASKS", str(tmp_path))
    (tmp_path / "7").mkdir()
    (tmp_path / "7/schedstat").write_text("5000 60 7\n")
    (tmp_path / "7/stat").write_text("7 (a (b) c) R 1 2 3\n")
    assert computed_ns(7) == 5000
    (tmp_path / "7/stat").write_text("7 (R) S 1 2 3\n")
    assert computed_ns(7) is None and computed_ns(8) is None


def test_a_thread_that_is_blocked_and_one_that_computes() -> None:
    lock, ends = threading.Lock(), threading.Event()

    def computes() -> None:
        while not ends.is_set():
            pass

    threads = [threading.Thread(target=one, daemon=True) for one in (lock.acquire, computes)]
    with lock:
        for thread in threads:
            thread.start()
        blocked, computing = (BlockedThread(thread.native_id or 0) for thread in threads)
        assert not blocked.look()  # it may have run just now
        assert not computing.look()
        time.sleep(0.3)
        blocked.look()
        time.sleep(0.3)
        assert blocked.look()
        assert not computing.look()
        ends.set()
    for thread in threads:
        thread.join()


def test_a_system_that_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu_wait, "TASKS", "/nowhere")
    before = time.monotonic()
    assert before <= CpuWait(lambda: [1]).time() <= time.monotonic()
    assert BlockedThread(1).look()
