"""aiortc and aioice have a clock that does not jump; everybody else has Python's own."""

import importlib
import time

import aiortc.clock
import pytest

from fastrtc.transport.webrtc._aiortc import clock
from fastrtc.transport.webrtc._aiortc.clock import MODULES, use_steady_clock
from tests.support.patches import without


@pytest.mark.parametrize("name", MODULES)
def test_the_time_of_day_goes_on_when_it_is_set(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use_steady_clock()
    module = importlib.import_module(name)
    before = module.time.time()
    assert before == pytest.approx(time.time(), abs=60)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert 0 <= module.time.time() - before < 60
    assert module.time.monotonic is time.monotonic


def test_dates_too_and_again_and_again_does_no_harm() -> None:
    use_steady_clock()
    use_steady_clock()
    assert aiortc.clock.current_datetime is clock._datetime
    assert aiortc.clock.current_datetime().timestamp() == pytest.approx(time.time(), abs=60)
    assert time.time is not clock._time


async def test_without_the_names_the_clock_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in MODULES:
        monkeypatch.setattr(importlib.import_module(name), "time", time)
    with without(clock.PATCH):
        use_steady_clock()
    assert all(importlib.import_module(name).time is time for name in MODULES)
