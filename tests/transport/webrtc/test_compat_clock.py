"""aiortc and aioice have a clock that does not jump; everybody else has Python's own."""

import importlib
import time

import aiortc.clock
import pytest

from fastrtc.transport.webrtc import _compat_clock
from fastrtc.transport.webrtc._compat_clock import MODULES, use_steady_clock


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
    assert aiortc.clock.current_datetime is _compat_clock._datetime
    assert aiortc.clock.current_datetime().timestamp() == pytest.approx(time.time(), abs=60)
    assert time.time is not _compat_clock._time
