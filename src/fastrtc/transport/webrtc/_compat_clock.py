"""A clock for aiortc and aioice that does not jump when the machine's is set."""

from __future__ import annotations

import datetime
import importlib
import time
import types

__all__ = ["use_steady_clock"]

MODULES = (
    "aiortc.rtcrtpreceiver",  # arrival times: a step of years is a jitter that RTCP cannot hold
    "aiortc.rtcrtpsender",
    "aiortc.rtcsctptransport",  # round trips: a step is a time-out of a minute
    "aioice.turn",  # when a channel is bound anew: a step back has it expire
)
"""Those that measure durations by ``time.time`` (seen in aiortc 1.15 and 1.16, aioice 0.13)."""

_OFFSET_S = time.time() - time.monotonic()


def use_steady_clock() -> None:
    """Have aiortc and aioice take the time of day from when this module was imported on.

    They measure durations by the time of day. When it is set in the middle of a call, such as
    on a machine that begins in 1970 and then asks an NTP server, the task that sends RTCP
    fails, and the connection can never be closed.
    """
    for name in MODULES:
        module = importlib.import_module(name)
        if getattr(module, "time", None) is time:
            steady = types.SimpleNamespace(**{**vars(time), "time": _time})
            setattr(module, "time", steady)  # noqa: B010
    clock = importlib.import_module("aiortc.clock")
    if hasattr(clock, "current_datetime"):
        setattr(clock, "current_datetime", _datetime)  # noqa: B010


def _time() -> float:
    return time.monotonic() + _OFFSET_S


def _datetime() -> datetime.datetime:
    return datetime.datetime.fromtimestamp(_time(), datetime.timezone.utc)
