"""A clock for aiortc and aioice that does not jump when the system clock is set."""

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
    "aiortc.rtcsctptransport",  # round trips: a step causes a time-out of a minute
    "aioice.turn",  # renewal of channel bindings: after a step back, they expire
)
"""Modules that measure durations with ``time.time``."""

PATCH = Patch(
    name="steady clock",
    target="time.time in modules of aiortc and aioice",
    seen="aiortc 1.15 and 1.16, aioice 0.10 to 0.13",
    needs=(
        *(f"{module}.time.time" for module in MODULES),
        "aiortc.clock.current_datetime",
        "aiortc.clock.current_ms",
        "aiortc.clock.current_ntp_time",
    ),
    lost="setting the clock during a call can keep its connection from ever closing",
    upstream="upstream.md#monotonic-clocks",
    delete_when="aiortc and aioice measure durations with time.monotonic",
)

NTP_OFFSET_S = 2_208_988_800
"""From 1900, where NTP's time begins, to 1970."""

_OFFSET_S = time.time() - time.monotonic()


def use_steady_clock() -> None:
    """Replace the time of day in aiortc and aioice by a steady clock.

    It shows the time of day as of the import of this module, plus the time since then.

    They measure durations by the time of day. If it is set during a call, such as on a machine that
    boots in 1970 and then queries an NTP server, the task that sends RTCP fails, and the connection
    can never be closed.
    """
    if not PATCH.fits:
        return
    for name in MODULES:
        module: Any = importlib.import_module(name)
        if module.time is time:
            module.time = types.SimpleNamespace(**{**vars(time), "time": _time})
    clock: Any = importlib.import_module("aiortc.clock")
    clock.current_datetime = _datetime
    clock.current_ms = _ms
    clock.current_ntp_time = _ntp_time


def _time() -> float:
    return time.monotonic() + _OFFSET_S


def _datetime() -> datetime.datetime:
    return datetime.datetime.fromtimestamp(_time(), datetime.timezone.utc)


def _ms() -> int:
    return int((_time() + NTP_OFFSET_S) * 1000)


def _ntp_time() -> int:
    """Return the time as a 64-bit NTP timestamp (RFC 5905), without a ``datetime`` per packet."""
    return int((_time() + NTP_OFFSET_S) * (1 << 32))
