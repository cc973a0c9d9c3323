"""A clock for aiortc and aioice that does not jump when the machine's is set."""

from __future__ import annotations

import datetime
import importlib
import time
import types
from typing import Any

from .patch import Patch

__all__ = ["MODULES", "PATCH", "use_steady_clock"]

MODULES = (
    "aiortc.rtcrtpreceiver",  # arrival times: a step of years is a jitter that RTCP cannot hold
    "aiortc.rtcrtpsender",
    "aiortc.rtcsctptransport",  # round trips: a step is a time-out of a minute
    "aioice.turn",  # when a channel is bound anew: a step back has it expire
)
"""Those that measure durations by ``time.time``."""

PATCH = Patch(
    name="steady clock",
    target="time.time in modules of aiortc and aioice",
    seen="aiortc 1.15 and 1.16, aioice 0.10 to 0.13",
    needs=(*(f"{module}.time.time" for module in MODULES), "aiortc.clock.current_datetime"),
    lost="a clock that is set in a call can keep its connection from ever being closed",
    upstream="upstream.md#monotonic-clocks",
    delete_when="aiortc and aioice measure durations by time.monotonic",
)

_OFFSET_S = time.time() - time.monotonic()


def use_steady_clock() -> None:
    """Have aiortc and aioice take the time of day from when this module was imported on.

    They measure durations by the time of day. When it is set in the middle of a call, such as
    on a machine that begins in 1970 and then asks an NTP server, the task that sends RTCP
    fails, and the connection can never be closed.
    """
    if not PATCH.fits:
        return
    for name in MODULES:
        module: Any = importlib.import_module(name)
        if module.time is time:
            module.time = types.SimpleNamespace(**{**vars(time), "time": _time})
    clock: Any = importlib.import_module("aiortc.clock")
    clock.current_datetime = _datetime


def _time() -> float:
    return time.monotonic() + _OFFSET_S


def _datetime() -> datetime.datetime:
    return datetime.datetime.fromtimestamp(_time(), datetime.timezone.utc)
