"""Code that does not return is interrupted, and nothing after it."""

import threading
import time
import traceback

import pytest

from fastrtc.core.interruption import call_interruptibly


def busy() -> None:
    while True:
        try:
            sum(range(100))
        except Exception:  # noqa: S110
            pass


def test_what_returns_in_time_gives_its_result():
    assert call_interruptibly(lambda: 5, 10) == 5
    assert not [one for one in threading.enumerate() if one.name == "fastrtc-watch"]


def test_what_it_raises_comes_out():
    def fail() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        call_interruptibly(fail, 10)


def test_a_loop_is_interrupted_where_it_was():
    with pytest.raises(TimeoutError, match="was interrupted") as caught:
        call_interruptibly(busy, 0.05)
    assert caught.value.__cause__ is not None
    assert "busy" in {
        frame.name for frame in traceback.extract_tb(caught.value.__cause__.__traceback__)
    }


def test_it_goes_on_where_nobody_wants_it_interrupted():
    asked = []

    def no() -> bool:
        asked.append(threading.current_thread().name)
        return False

    assert call_interruptibly(lambda: time.sleep(0.2) or 5, 0.02, no) == 5
    assert asked == ["fastrtc-watch"]


def test_nothing_after_it_is_interrupted():
    """However close together its end and the interruption are."""
    interrupted = 0
    for number in range(300):
        ends = time.perf_counter() + 0.0005 + number * 1e-6

        def until(ends: float = ends) -> None:
            while time.perf_counter() < ends:
                pass

        try:
            call_interruptibly(until, 0.0006)
        except TimeoutError:
            interrupted += 1
        for _ in range(100):
            sum(range(10))
    assert interrupted < 300
