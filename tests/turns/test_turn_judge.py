"""Turn models are asked in threads; their faults are logged once."""

import logging
import math
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fastrtc.turns import turn_judge
from fastrtc.turns.turn_judge import MAX_RUNNING, Judgement, TurnJudge

AUDIO = np.zeros(160, np.float32)


class Model:
    """A turn model with a result, or a function that gives it."""

    def __init__(self, result: Any) -> None:
        self.result = result

    def complete(self, audio_16k: Any) -> Any:
        return self.result() if callable(self.result) else self.result


def result(judge: TurnJudge) -> float | None:
    judgement = judge.ask(AUDIO)
    finish(judgement)
    return judgement.probability


def finish(*judgements: Judgement) -> None:
    until(lambda: all(judgement.done for judgement in judgements))


def until(condition: Callable[[], bool]) -> None:
    for _ in range(10_000):
        if condition() and not threads():
            return
        time.sleep(0.001)
    raise AssertionError("nothing happened")


def threads() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "fastrtc-turn-model"]


@pytest.mark.parametrize("probability", [0, 1, 0.49, np.float32(0.5), np.float64(0.9)])
def test_what_the_model_says_is_returned(probability: Any):
    assert result(TurnJudge(Model(probability))) == probability


@pytest.mark.parametrize(
    "nonsense", [math.nan, math.inf, -0.1, 1.1, None, "0.9", np.array([0.9]), [0.9], (0.9,)]
)
def test_nonsense_is_unknown_and_logged_once(nonsense: Any, caplog: pytest.LogCaptureFixture):
    judge = TurnJudge(Model(nonsense))
    assert result(judge) is result(judge) is None
    [record] = caplog.records
    assert "The turn model failed" in record.getMessage()
    assert record.exc_info is not None and "complete() of a turn model" in str(record.exc_info[1])


@pytest.mark.parametrize("error", [RuntimeError, SystemExit, KeyboardInterrupt])
def test_a_model_that_raises_is_logged_once_until_it_works(
    error: type[BaseException], caplog: pytest.LogCaptureFixture
):
    def fail() -> float:
        raise error("broken")

    model = Model(fail)
    judge = TurnJudge(model)
    assert result(judge) is result(judge) is None
    assert len(caplog.records) == 1
    model.result = 0.9
    assert result(judge) is not None
    model.result = fail
    assert result(judge) is None
    assert len(caplog.records) == 2


def test_a_slow_model_is_logged_once_until_it_is_in_time(caplog: pytest.LogCaptureFixture):
    model = Model(0.9)
    judge = TurnJudge(model)

    def be_late() -> None:
        go_on = threading.Event()
        model.result = lambda: float(go_on.wait(10))
        judgement = judge.ask(AUDIO)
        judgement.abandon(late=True)
        go_on.set()
        finish(judgement)

    be_late()
    be_late()
    [record] = caplog.records
    assert record.levelno == logging.WARNING and "takes more than 0.3 s" in record.getMessage()
    model.result = 0.9
    assert result(judge) is not None
    be_late()
    assert len(caplog.records) == 2


def test_few_are_judged_at_once_and_those_that_are_abandoned_never():
    running, most, judged, go_on = 0, 0, 0, threading.Event()
    lock = threading.Lock()

    def complete() -> float:
        nonlocal running, most, judged
        with lock:
            running, judged = running + 1, judged + 1
            most = max(most, running)
        go_on.wait(10)
        with lock:
            running -= 1
        return 0.9

    judge = TurnJudge(Model(complete))
    first = [judge.ask(AUDIO) for _ in range(MAX_RUNNING)]
    while running < MAX_RUNNING:
        time.sleep(0.001)
    waiting = [judge.ask(AUDIO) for _ in range(6)]
    for judgement in waiting[:3]:
        judgement.abandon(late=False)
    go_on.set()
    finish(*first, *waiting)
    assert most == MAX_RUNNING and judged == MAX_RUNNING + 3
    assert [one.probability for one in waiting] == [None] * 3 + [0.9] * 3


def test_too_many_pauses_are_not_judged(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(turn_judge, "MAX_WAITING", 1)
    go_on = threading.Event()
    judge = TurnJudge(Model(lambda: float(go_on.wait(10))))
    first, second = judge.ask(AUDIO), judge.ask(AUDIO)
    assert second.done and second.probability is None and not first.done
    go_on.set()
    finish(first)
    assert first.probability == 1.0
    assert result(judge) is not None


def test_a_model_of_another_interface_is_refused():
    class Async:
        async def complete(self, audio_16k: Any) -> float:
            return 0.9

    with pytest.raises(TypeError, match=r"must have a method complete\(audio_16k\)"):
        TurnJudge(object())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="must not be async"):
        TurnJudge(Async())  # type: ignore[arg-type]


@pytest.mark.parametrize(("takes_s", "ends"), [(0.2, "returned\n"), (60, "")])
def test_the_end_of_the_process_waits_for_a_model_but_not_long(takes_s: float, ends: str):
    program = f"""
import time
import numpy as np
from fastrtc.turns.turn_judge import TurnJudge

class Model:
    def complete(self, audio_16k):
        print("running", flush=True)
        time.sleep({takes_s})
        print("returned", flush=True)
        return 0.9

TurnJudge(Model()).ask(np.zeros(160, np.float32))
time.sleep(0.1)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=50)
    assert done.returncode == 0
    assert done.stdout.decode() == f"running\n{ends}"
